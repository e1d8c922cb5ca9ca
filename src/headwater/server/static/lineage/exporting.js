// A picture of what is seen as a file, and a link to it.

import { drawCards, drawGroups, drawLinks } from "../graph/paint.js";
import { note } from "../js/notes.js";

/** @import { GraphView } from "../graph/view.js" */

const MARGIN = 24;
const USUAL = 2;
const MOST_PIXELS = 25e6;
/** of a side: browsers make no larger canvas */
const LONGEST = 16_384;

/**
 * How large a PNG is drawn: at twice the size of the picture, where that is not too much.
 * @param {number} wide
 * @param {number} high
 */
export function pngScale(wide, high) {
  return Math.min(USUAL, Math.sqrt(MOST_PIXELS / (wide * high)), LONGEST / wide, LONGEST / high);
}

/**
 * Says that a PNG is drawn smaller; nothing where it is not.
 * @param {number} scale
 */
export function smallerWords(scale) {
  if (scale >= USUAL) return "";
  const share = Math.max(1, Math.min(99, Math.round((100 * scale) / USUAL)));
  return `The picture is large: the PNG is drawn at ${share} % of its usual size. The SVG is sharp at every size.`;
}

/**
 * Save the whole scene as a PNG, and say so where it had to be smaller.
 * @param {GraphView} view
 * @param {string} name
 */
export async function savePicture(view, name) {
  const { bounds, cards, links } = view.scene;
  const wide = bounds.w + 2 * MARGIN;
  const high = bounds.h + 2 * MARGIN;
  const scale = pngScale(wide, high);
  const canvas = new OffscreenCanvas(Math.ceil(wide * scale), Math.ceil(high * scale));
  const to = /** @type {CanvasRenderingContext2D} */ (/** @type {unknown} */ (canvas.getContext("2d")));
  to.fillStyle = view.colours.bg;
  to.fillRect(0, 0, canvas.width, canvas.height);
  to.setTransform(scale, 0, 0, scale, (MARGIN - bounds.x) * scale, (MARGIN - bounds.y) * scale);
  const drawing = { to, scene: view.scene, colours: view.colours, k: Math.max(scale, 0.4) };
  drawGroups(drawing, true);
  drawLinks(drawing, links.map((link) => link.at), false);
  drawCards(drawing, cards.map((card) => card.at));
  save(await canvas.convertToBlob({ type: "image/png" }), `${fileName(name)}.png`);
  const words = smallerWords(scale);
  if (words) note(words);
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * A name for a file: what no system minds.
 * @param {string} name
 */
export function fileName(name) {
  return name.replace(/[^\w.-]+/g, "-").replace(/^-+|-+$/g, "").slice(-80) || "lineage";
}

export async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    note("The link is copied.");
  } catch {
    note("The browser does not let the link be copied; it stands in the address bar.");
  }
}
