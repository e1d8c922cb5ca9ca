// From the server's picture to what is drawn: boxes, lines with their bounds, and who is joined to whom.

import { around } from "./spatial.js";

/** @typedef {import("./types.js").Scene} Scene */
/** @typedef {import("./types.js").Card} Card */
/** @typedef {import("./types.js").Link} Link */

/**
 * A box as the server sends it; members that are empty are left out.
 * @typedef {object} SentCard
 * @property {string} key
 * @property {string} node
 * @property {string} shape
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {number} h
 * @property {string} name
 * @property {string} [word]
 * @property {string} [mark]
 * @property {string} [type]
 * @property {string} [state]
 * @property {boolean} [root]
 * @property {number} [up]
 * @property {number} [down]
 * @property {[string, number][]} [ports]
 * @property {number} [more]
 * @property {string} [change]
 */

/**
 * @typedef {object} SentLink
 * @property {number} source
 * @property {number} target
 * @property {number[]} points
 * @property {string} [source_port]
 * @property {string} [target_port]
 * @property {boolean} [dashed]
 * @property {boolean} [past]
 * @property {boolean} [back]
 * @property {string} [change]
 */

/**
 * @typedef {object} SentScene
 * @property {SentCard[]} cards
 * @property {SentLink[]} links
 * @property {string[]} left_out
 * @property {number} nodes
 * @property {number} edges
 */

/**
 * @param {SentScene} sent
 * @returns {Scene}
 */
export function readScene(sent) {
  const cards = sent.cards.map(readCard);
  const links = sent.links.map(readLink);
  /** @type {number[][]} */
  const into = cards.map(() => []);
  /** @type {number[][]} */
  const out = cards.map(() => []);
  for (const link of links) {
    into[link.target]?.push(link.at);
    out[link.source]?.push(link.at);
  }
  const byKey = new Map(cards.map((card) => [card.key, card.at]));
  const bounds = around([...cards, ...links.map((link) => link.box)]);
  return { cards, links, byKey, into, out, bounds };
}

/** @returns {Scene} */
export function emptyScene() {
  return readScene({ cards: [], links: [], left_out: [], nodes: 0, edges: 0 });
}

/**
 * @param {SentCard} sent
 * @param {number} at
 * @returns {Card}
 */
function readCard(sent, at) {
  return {
    at,
    key: sent.key,
    node: sent.node,
    shape: sent.shape === "pill" || sent.shape === "group" ? sent.shape : "card",
    x: sent.x,
    y: sent.y,
    w: sent.w,
    h: sent.h,
    name: sent.name,
    word: sent.word ?? "",
    mark: sent.mark ?? "",
    type: sent.type ?? "",
    state: sent.state ?? "",
    isRoot: sent.root ?? false,
    up: sent.up ?? 0,
    down: sent.down ?? 0,
    ports: (sent.ports ?? []).map(([name, y]) => ({ name, y })),
    morePorts: sent.more ?? 0,
    change: sent.change ?? "",
    severity: "",
  };
}

/**
 * @param {SentLink} sent
 * @param {number} at
 * @returns {Link}
 */
function readLink(sent, at) {
  const points = Float32Array.from(sent.points);
  return {
    at,
    source: sent.source,
    target: sent.target,
    sourcePort: sent.source_port ?? "",
    targetPort: sent.target_port ?? "",
    points,
    isLoop: sent.back ?? false,
    isDashed: sent.dashed ?? false,
    isPast: sent.past ?? false,
    change: sent.change ?? "",
    box: boxOf(points),
  };
}

/** @param {Float32Array} points */
function boxOf(points) {
  const boxes = [];
  for (let at = 0; at + 1 < points.length; at += 2) {
    boxes.push({ x: points[at] ?? 0, y: points[at + 1] ?? 0, w: 0, h: 0 });
  }
  return around(boxes);
}
