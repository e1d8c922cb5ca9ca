// Find a node in the picture: the cards that hold what is typed are lit, Enter goes from one to the next.

import { words } from "../graph/cards.js";
import { nothing } from "../graph/paths.js";

/** @import { Island } from "./island.js" */
/** @import { Card } from "../graph/types.js" */

/**
 * The cards whose name, or the name of a column on them, holds every word: from left to right, from top to bottom.
 * @param {readonly Card[]} cards
 * @param {string} text
 */
export function holding(cards, text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const found = cards.filter((card) => {
    const names = [card.whole, card.label, ...card.ports.map((port) => port.name)].join("\n").toLowerCase();
    return wanted.every((word) => names.includes(word));
  });
  return found.sort((one, other) => one.x - other.x || one.y - other.y);
}

export class CardSearch {
  /**
   * @param {HTMLElement} place
   * @param {Island} island
   */
  constructor(place, island) {
    this.island = island;
    this.box = /** @type {HTMLInputElement} */ (place.querySelector("input"));
    this.said = /** @type {HTMLElement} */ (place.querySelector("output"));
    this.at = -1;
    this.box.addEventListener("input", () => this.show());
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  found() {
    return holding(this.island.view.scene.cards, this.box.value);
  }

  show() {
    this.at = -1;
    const found = this.found();
    const isEmpty = !this.box.value.trim();
    const lit = nothing();
    for (const card of found) lit.cards.add(card.at);
    this.island.pin(isEmpty ? null : lit);
    this.tell(isEmpty ? "" : found.length ? `${found.length.toLocaleString("en")} fit` : "none fits");
  }

  /** @param {string} text */
  tell(text) {
    this.said.textContent = text;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Enter") this.go(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") this.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {1 | -1} step */
  go(step) {
    const found = this.found();
    if (!found.length) return;
    this.at = (this.at + step + found.length) % found.length;
    const card = found[this.at];
    if (!card) return;
    this.island.activate(card.at, false);
    this.island.viewport.goTo(card);
    this.tell(`${(this.at + 1).toLocaleString("en")} of ${found.length.toLocaleString("en")}`);
    this.island.said.textContent = words(card);
  }

  /** Back to the canvas: what was found last is the card that keys move from. */
  leave() {
    this.box.value = "";
    this.show();
    this.island.view.stage.focus({ preventScroll: true });
  }
}
