// A picture of what is seen as a file, and a link to it.

import { make } from "../js/elements.js";
import { note } from "../js/notes.js";

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
 * Save the SVG picture as a PNG, in the theme of the page, and say so where it had to be smaller.
 * @param {string} path of the SVG
 * @param {string} name
 */
export async function savePicture(path, name) {
  const picture = new Image();
  picture.src = `${path}&theme=${isDark() ? "dark" : "light"}`;
  try {
    await picture.decode();
  } catch {
    return note("The server gives no picture of this.");
  }
  const { naturalWidth: wide, naturalHeight: high } = picture;
  const scale = pngScale(wide, high);
  const canvas = new OffscreenCanvas(Math.ceil(wide * scale), Math.ceil(high * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  save(await canvas.convertToBlob({ type: "image/png" }), `${fileName(name)}.png`);
  const words = smallerWords(scale);
  if (words) note(words);
}

function isDark() {
  const theme = document.documentElement.dataset["theme"];
  return theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = make("a");
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
