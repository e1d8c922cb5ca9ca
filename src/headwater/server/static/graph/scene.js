// From the server's picture to what is drawn: boxes, lines with their bounds, and who is joined to whom.

import { around } from "./spatial.js";

/** @import { Card, Group, Link, Scene, SentCard, SentGroup, SentLink, SentScene } from "./types.js" */

const PILL_BELOW = 40;

/**
 * @param {SentScene} sent
 * @returns {Scene}
 */
export function readScene(sent) {
  const { picture } = sent;
  const cards = picture.cards.map((card, at) => readCard(card, at, sent));
  const byKey = new Map(cards.map((card) => [card.key, card.at]));
  const links = picture.links.map((link, at) => readLink(link, at, byKey, sent.link_changes[at] ?? ""));
  /** @type {number[][]} */
  const into = cards.map(() => []);
  /** @type {number[][]} */
  const out = cards.map(() => []);
  for (const link of links) {
    into[link.target]?.push(link.at);
    out[link.source]?.push(link.at);
  }
  markAway(cards, links, into, out);
  const groups = picture.groups.filter((group) => !group.is_collapsed).map(readGroup);
  const bounds = around([...cards, ...groups, ...links.map((link) => link.box)]);
  return { cards, links, groups, byKey, into, out, bounds };
}

/**
 * A card upstream of the root leads away from it upstream only, one downstream of it downstream only.
 * @param {Card[]} cards
 * @param {Link[]} links
 * @param {number[][]} into
 * @param {number[][]} out
 */
function markAway(cards, links, into, out) {
  const roots = cards.filter((card) => card.isRoot).map((card) => card.at);
  const above = reached(roots, (at) => (into[at] ?? []).map((place) => links[place]?.source ?? at));
  const below = reached(roots, (at) => (out[at] ?? []).map((place) => links[place]?.target ?? at));
  for (const card of cards) {
    if (above.has(card.at) !== below.has(card.at)) card.away = above.has(card.at) ? "up" : "down";
  }
}

/**
 * @param {number[]} starts
 * @param {(at: number) => number[]} next
 */
function reached(starts, next) {
  const seen = new Set(starts);
  for (const at of seen) for (const far of next(at)) seen.add(far); // a set grows while it is gone through
  return seen;
}

/**
 * Where cards and groups stand, for the server to leave them there.
 * @param {Scene} scene
 */
export function placesOf({ cards, groups }) {
  /** @type {Record<string, [number, number, number, number]>} */
  const places = {};
  for (const { key, x, y, w, h } of [...cards, ...groups]) places[key] = [x, y, w, h];
  return places;
}

/** @returns {Scene} */
export function emptyScene() {
  const picture = { cards: [], links: [], groups: [] };
  return readScene({ picture, changes: {}, link_changes: [], colours: {}, differences: "", problem: "", nodes: 0, edges: 0 });
}

/**
 * @param {SentCard} sent
 * @param {number} at
 * @param {SentScene} scene
 * @returns {Card}
 */
function readCard(sent, at, scene) {
  const isJob = sent.kind === "job" || sent.kind === "run";
  const kind = isJob || sent.kind === "group" ? sent.kind : sent.type;
  return {
    at,
    key: sent.id,
    node: sent.node,
    shape: sent.kind === "group" ? "group" : isJob && sent.h < PILL_BELOW ? "pill" : "card",
    x: sent.x,
    y: sent.y,
    w: sent.w,
    h: sent.h,
    name: sent.short,
    label: sent.label,
    whole: sent.name,
    word: sent.detail,
    mark: sent.mark,
    colour: /** @type {Card["colour"]} */ (scene.colours[kind] ?? "data"),
    state: sent.state,
    isRoot: sent.is_root,
    isGhost: sent.is_ghost,
    away: "both",
    up: sent.hidden_up,
    down: sent.hidden_down,
    ports: sent.ports.map((port) => ({ name: port.field, type: port.type, y: port.y })),
    morePorts: sent.more_ports,
    change: scene.changes[sent.node] ?? "",
    severity: "",
  };
}

/**
 * @param {SentLink} sent
 * @param {number} at
 * @param {Map<string, number>} byKey
 * @param {string} change
 * @returns {Link}
 */
function readLink(sent, at, byKey, change) {
  const points = Float32Array.from(sent.points.flat());
  return {
    at,
    source: byKey.get(sent.source) ?? -1,
    target: byKey.get(sent.target) ?? -1,
    sourcePort: sent.source_port,
    targetPort: sent.target_port,
    points,
    isBack: sent.is_back,
    isDashed: sent.is_indirect || sent.how === "inferred",
    isPast: sent.is_past,
    change,
    box: boxOf(points),
  };
}

/**
 * @param {SentGroup} sent
 * @returns {Group}
 */
function readGroup(sent) {
  const { id: key, label, x, y, w, h } = sent;
  const words = Object.entries(sent.counts).map(([kind, count]) => `${count} ${kind.replaceAll("_", " ")}`);
  return { key, label, x, y, w, h, words: words.join(", ") };
}

/** @param {Float32Array} points */
function boxOf(points) {
  const boxes = [];
  for (let at = 0; at + 1 < points.length; at += 2) {
    boxes.push({ x: points[at] ?? 0, y: points[at + 1] ?? 0, w: 0, h: 0 });
  }
  return around(boxes);
}
