// Draws lines, and boxes that are too small to read, on a canvas: grouped by style, so that thousands cost little.

import { ofChange, ofState } from "./colours.js";
import { trace } from "./curve.js";

/** @import { Card, Colours, Drawing, Link } from "./types.js" */

const NAMES_FROM = 0.34;
const CURVES_FROM = 0.12;
const DASHES_FROM = 0.25;
const TIPS_FROM = 0.3;

/**
 * Lines, the quiet ones first.
 * @param {Drawing} drawing
 * @param {readonly number[]} places
 * @param {boolean} isLit
 */
export function drawLinks(drawing, places, isLit) {
  const { to, scene, colours, k } = drawing;
  /** @type {Map<string, Link[]>} */
  const groups = new Map();
  for (const place of places) {
    const link = scene.links[place];
    if (!link) continue;
    const style = `${link.isPast ? 0 : 1}${link.isDashed ? 1 : 0}${ofChange(link) ?? ""}`;
    const group = groups.get(style);
    if (group) group.push(link);
    else groups.set(style, [link]);
  }
  to.lineJoin = "round";
  for (const style of [...groups.keys()].sort()) {
    const links = /** @type {Link[]} */ (groups.get(style));
    const change = /** @type {keyof Colours | ""} */ (style.slice(2));
    to.strokeStyle = to.fillStyle = isLit ? colours.root : colours[change || "edge"];
    to.globalAlpha = style[0] === "0" ? 0.45 : 1;
    to.lineWidth = Math.max((isLit || change ? 2.2 : 1.4) , (isLit ? 1.2 : 0.7) / k);
    to.setLineDash(style[1] === "1" && k >= DASHES_FROM ? [5, 4] : []);
    to.beginPath();
    for (const link of links) trace(to, link, k < CURVES_FROM);
    to.stroke();
    to.setLineDash([]);
    if (k >= TIPS_FROM) drawTips(to, links);
  }
  to.globalAlpha = 1;
}

/**
 * The tips of arrows. The last piece of a line arrives sideways.
 * @param {CanvasRenderingContext2D} to
 * @param {readonly Link[]} links
 */
function drawTips(to, links) {
  to.beginPath();
  for (const link of links) {
    const { points } = link;
    const x = points[points.length - 2] ?? 0;
    const y = points[points.length - 1] ?? 0;
    const side = x < (points[points.length - 4] ?? x) ? 1 : -1;
    to.moveTo(x, y);
    to.lineTo(x + 7 * side, y - 3.6);
    to.lineTo(x + 7 * side, y + 3.6);
    to.closePath();
  }
  to.fill();
}

/**
 * The card that keys move from.
 * @param {Drawing} drawing
 * @param {number} at
 */
export function drawFocus({ to, scene, colours, k }, at) {
  const card = scene.cards[at];
  if (!card) return;
  const gap = 4 / k;
  to.lineWidth = 2 / k;
  to.strokeStyle = colours.root;
  to.strokeRect(card.x - gap, card.y - gap, card.w + 2 * gap, card.h + 2 * gap);
}

/**
 * The boxes around groups.
 * @param {Drawing} drawing
 */
export function drawGroups({ to, scene, colours, k }) {
  to.lineWidth = Math.max(1, 1 / k);
  for (const group of scene.groups) {
    to.fillStyle = colours.group;
    to.strokeStyle = colours.rim;
    to.beginPath();
    to.roundRect(group.x, group.y, group.w, group.h, 10);
    to.fill();
    to.stroke();
  }
}

/**
 * Boxes seen from far.
 * @param {Drawing} drawing
 * @param {readonly number[]} places
 */
export function drawCards(drawing, places) {
  const cards = places.flatMap((place) => drawing.scene.cards[place] ?? []);
  drawBodies(drawing, cards);
  drawStrips(drawing, cards);
  drawRims(drawing, cards);
  if (drawing.k >= NAMES_FROM) drawNames(drawing, cards);
}

/**
 * @param {Drawing} drawing
 * @param {readonly Card[]} cards
 */
function drawBodies({ to, colours, k }, cards) {
  to.lineWidth = Math.max(1, 0.6 / k);
  to.strokeStyle = colours.rim;
  for (const isJob of [false, true]) {
    to.fillStyle = isJob ? colours.job : colours.card;
    to.beginPath();
    for (const card of cards) {
      if ((card.shape === "pill") === isJob) to.rect(card.x, card.y, card.w, card.h);
    }
    to.fill();
    if (k >= CURVES_FROM) to.stroke();
  }
}

/**
 * @param {Drawing} drawing
 * @param {readonly Card[]} cards
 */
function drawStrips({ to, colours, k }, cards) {
  /** @type {Map<string, Card[]>} */
  const byColour = new Map();
  for (const card of cards) {
    const colour = colours[card.shape === "pill" ? ofState(card.state) : card.colour];
    const group = byColour.get(colour);
    if (group) group.push(card);
    else byColour.set(colour, [card]);
  }
  const width = Math.max(4, 3 / k);
  for (const [colour, group] of byColour) {
    to.fillStyle = colour;
    to.beginPath();
    for (const card of group) to.rect(card.x, card.y, Math.min(width, card.w / 4), card.h);
    to.fill();
  }
}

/**
 * What stands out: the root, what changed, what breaks.
 * @param {Drawing} drawing
 * @param {readonly Card[]} cards
 */
function drawRims({ to, colours, k }, cards) {
  to.lineWidth = Math.max(2.5, 2 / k);
  for (const card of cards) {
    const change = ofChange(card);
    if (!change && !card.isRoot) continue;
    to.strokeStyle = colours[change ?? "root"];
    to.strokeRect(card.x, card.y, card.w, card.h);
  }
}

/**
 * @param {Drawing} drawing
 * @param {readonly Card[]} cards
 */
function drawNames({ to, colours, k }, cards) {
  const size = Math.min(22, Math.max(13, 9 / k));
  to.font = `${size}px system-ui, sans-serif`;
  to.textBaseline = "middle";
  to.fillStyle = colours.ink;
  for (const card of cards) {
    const middle = card.shape === "pill" ? card.h / 2 : Math.min(card.h, 46) / 2;
    to.fillText(card.name, card.x + 14, card.y + middle, card.w - 20);
  }
}
