// Where an arrow key leads from a card: along the flow sideways, to the nearest card up and down.

/** @import { Scene, Card } from "./types.js" */

/** @typedef {"left" | "right" | "up" | "down"} Way */

/**
 * The card that a key leads to; the same one where there is none.
 * @param {Scene} scene
 * @param {number} at
 * @param {Way} way
 */
export function step(scene, at, way) {
  const from = scene.cards[at];
  if (!from) return rootOf(scene);
  if (way === "left") return nearest(from, (scene.into[at] ?? []).map((place) => scene.links[place]?.source ?? at), scene) ?? at;
  if (way === "right") return nearest(from, (scene.out[at] ?? []).map((place) => scene.links[place]?.target ?? at), scene) ?? at;
  return vertical(scene, from, way === "down" ? 1 : -1) ?? at;
}

/**
 * The root; the first card where none is marked; -1 where there is none at all.
 * @param {Scene} scene
 */
export function rootOf(scene) {
  const root = scene.cards.find((card) => card.isRoot) ?? scene.cards[0];
  return root ? root.at : -1;
}

/** @param {Card} card */
function middle(card) {
  return { x: card.x + card.w / 2, y: card.y + card.h / 2 };
}

/**
 * Of these cards the one at about the same height.
 * @param {Card} from
 * @param {number[]} places
 * @param {Scene} scene
 */
function nearest(from, places, scene) {
  let best;
  let least = Infinity;
  for (const place of places) {
    const card = scene.cards[place];
    if (!card || place === from.at) continue;
    const far = Math.abs(middle(card).y - middle(from).y) + Math.abs(middle(card).x - middle(from).x) / 4;
    if (far < least) [best, least] = [place, far];
  }
  return best;
}

/**
 * The nearest card above or below, those in the same column first.
 * @param {Scene} scene
 * @param {Card} from
 * @param {1 | -1} side
 */
function vertical(scene, from, side) {
  const start = middle(from);
  let best;
  let least = Infinity;
  for (const card of scene.cards) {
    const there = middle(card);
    const down = (there.y - start.y) * side;
    if (card.at === from.at || down <= 0) continue;
    const far = down + Math.abs(there.x - start.x) * 3;
    if (far < least) [best, least] = [card.at, far];
  }
  return best;
}
