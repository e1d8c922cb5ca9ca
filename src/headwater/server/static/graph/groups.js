// The names of groups: they stay the same size and in sight as long as a part of their box is, and a click folds the box.

import { make } from "../js/elements.js";

/** @import { Scene, Group, Card, Camera } from "./types.js" */

const HIGH = 24;
const EDGE = 4;
const NARROWEST = 36;
const LEAST_WIDE = 140;

/**
 * Where the name of a group stands on the screen, or null where there is no room for it: in the upper edge of its box
 * where cards can be read, above the box otherwise; at the edge of the screen where the box goes on behind it.
 * @param {Group} group
 * @param {Camera} camera
 * @param {number} width of the screen
 * @param {number} height
 * @param {boolean} isNear
 * @returns {{x: number, y: number, widest: number} | null}
 */
export function nameSpot(group, camera, width, height, isNear) {
  const { k } = camera;
  const left = (group.x - camera.x) * k;
  const top = (group.y - camera.y) * k;
  const right = left + group.w * k;
  const bottom = top + group.h * k;
  const isSeen = right > 0 && bottom > 0 && left < width && top < height;
  if (!isSeen || right - left < NARROWEST) return null;
  const x = Math.max(left + EDGE, EDGE);
  const inside = isNear ? top + 2 * k : top - HIGH;
  const y = Math.max(inside, Math.min(EDGE, bottom - HIGH));
  return { x, y, widest: Math.max(right - x - EDGE, isNear ? 0 : LEAST_WIDE) };
}

/**
 * The group whose box a card stands in; undefined for none.
 * @param {Scene} scene
 * @param {Card} card
 * @returns {Group | undefined}
 */
export function groupOf(scene, card) {
  const x = card.x + card.w / 2;
  const y = card.y + card.h / 2;
  return scene.groups.find((group) => x >= group.x && y >= group.y && x <= group.x + group.w && y <= group.y + group.h);
}

export class GroupNames {
  /** @param {HTMLElement} place over the canvas, as large as it */
  constructor(place) {
    this.place = place;
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {HTMLElement[]} */
    this.names = [];
  }

  /**
   * @param {Scene} scene
   * @param {Camera} camera
   * @param {number} width
   * @param {number} height
   * @param {boolean} isNear
   */
  follow(scene, camera, width, height, isNear) {
    if (this.scene !== scene) {
      this.scene = scene;
      this.names = scene.groups.map((group) => nameElement(group));
      this.place.replaceChildren(...this.names);
    }
    for (const [at, group] of scene.groups.entries()) {
      const name = this.names[at];
      if (!name) continue;
      const spot = nameSpot(group, camera, width, height, isNear);
      name.hidden = spot === null;
      if (!spot) continue;
      name.style.transform = `translate(${spot.x}px, ${spot.y}px)`;
      name.style.maxWidth = `${spot.widest}px`;
    }
  }
}

/** @param {Group} group */
function nameElement(group) {
  const button = make("button", "g-group-name");
  button.type = "button";
  button.tabIndex = -1;
  button.dataset["group"] = group.key;
  button.title = `${group.label}: ${group.words}. Click to fold it into one card (g).`;
  button.append(make("bdi", "", group.label), make("span", "dim", "▾"));
  return button;
}
