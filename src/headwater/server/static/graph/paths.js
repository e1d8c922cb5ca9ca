// Which cards and links belong together: everything upstream and downstream of a card, or of one column.

/** @import { Link, Lit, Scene, Spot } from "./types.js" */

/** @returns {Lit} */
export function nothing() {
  return { cards: new Set(), links: new Set(), ports: new Set() };
}

/**
 * The key of a column of a card.
 * @param {number} card
 * @param {string} name
 */
export function portKey(card, name) {
  return `${card}\0${name}`;
}

/**
 * Everything that flows into a card or out of it, as far as it is shown.
 * @param {Scene} scene
 * @param {number} card
 * @returns {Lit}
 */
export function throughCard(scene, card) {
  const lit = nothing();
  lit.cards.add(card);
  spread(scene, card, lit, scene.into, (link) => link.source);
  spread(scene, card, lit, scene.out, (link) => link.target);
  return lit;
}

/**
 * A link with everything before and after it.
 * @param {Scene} scene
 * @param {number} place
 * @returns {Lit}
 */
export function throughLink(scene, place) {
  const lit = nothing();
  const link = scene.links[place];
  if (!link) return lit;
  lit.links.add(place);
  lit.cards.add(link.source).add(link.target);
  spread(scene, link.source, lit, scene.into, (one) => one.source);
  spread(scene, link.target, lit, scene.out, (one) => one.target);
  return lit;
}

/**
 * @param {Scene} scene
 * @param {number} start
 * @param {Lit} lit
 * @param {readonly number[][]} towards links of a card, by card
 * @param {(link: Link) => number} far
 */
function spread(scene, start, lit, towards, far) {
  const seen = new Uint8Array(scene.cards.length);
  const waiting = [start];
  seen[start] = 1;
  while (waiting.length) {
    const card = /** @type {number} */ (waiting.pop());
    for (const place of towards[card] ?? []) {
      const link = scene.links[place];
      if (!link) continue;
      lit.links.add(place);
      const next = far(link);
      if (seen[next]) continue;
      seen[next] = 1;
      lit.cards.add(next);
      waiting.push(next);
    }
  }
}

/**
 * What flows into one column and out of it, by the column links that are shown.
 * @param {Scene} scene
 * @param {number} card
 * @param {string} name
 * @returns {Lit}
 */
export function throughPort(scene, card, name) {
  const lit = nothing();
  lit.cards.add(card);
  lit.ports.add(portKey(card, name));
  spreadPorts(scene, card, name, lit, true);
  spreadPorts(scene, card, name, lit, false);
  return lit;
}

/**
 * What lies under the pointer, with everything before and after it; null where nothing does.
 * @param {Scene} scene
 * @param {Pick<Spot, "card" | "link" | "port">} spot
 * @returns {Lit | null}
 */
export function throughSpot(scene, { card, link, port }) {
  if (card >= 0) return port ? throughPort(scene, card, port) : throughCard(scene, card);
  return link >= 0 ? throughLink(scene, link) : null;
}

/**
 * @param {Scene} scene
 * @param {number} start
 * @param {string} startName
 * @param {Lit} lit
 * @param {boolean} isUp
 */
function spreadPorts(scene, start, startName, lit, isUp) {
  /** @type {[number, string][]} */
  const waiting = [[start, startName]];
  const seen = new Set([portKey(start, startName)]);
  while (waiting.length) {
    const [card, name] = /** @type {[number, string]} */ (waiting.pop());
    for (const place of (isUp ? scene.into : scene.out)[card] ?? []) {
      const link = scene.links[place];
      if (!link || (isUp ? link.targetPort : link.sourcePort) !== name) continue;
      const far = isUp ? link.source : link.target;
      const farName = isUp ? link.sourcePort : link.targetPort;
      lit.links.add(place);
      lit.cards.add(far);
      const key = portKey(far, farName);
      if (!farName || seen.has(key)) continue;
      seen.add(key);
      lit.ports.add(key);
      waiting.push([far, farName]);
    }
  }
}
