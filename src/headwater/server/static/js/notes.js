// What scripts say: short messages at the foot of the window, counts in words; and buttons that copy what is shown short.

import { make, under } from "./elements.js";

const STAYS_MS = 4000;

/** @param {string} text */
export function note(text) {
  const place = document.querySelector("[data-notes]");
  if (!place) return;
  const element = make("div", "note", text);
  place.append(element);
  setTimeout(() => element.remove(), STAYS_MS);
}

/**
 * "1 node", "1,234 nodes".
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Make every such button of a page work, those of fragments that come later too.
 * @param {Document} page
 */
export function startCopying(page) {
  page.addEventListener("click", (event) => {
    const button = under(event, "[data-copy]");
    if (button) void copy(button.dataset["copy"] ?? "");
  });
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    note(`Copied: ${text}`);
  } catch {
    note(`The browser does not let it be copied: ${text}`);
  }
}
