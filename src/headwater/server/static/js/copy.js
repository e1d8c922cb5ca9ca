// The buttons that copy the whole of what a page shows short: a name, a digest, the id of a run.

import { note } from "./notes.js";

/**
 * Make every such button of a page work, those of fragments that come later too.
 * @param {Document} page
 */
export function startCopying(page) {
  for (const button of page.querySelectorAll("[data-copy]")) {
    if (button instanceof HTMLElement) button.hidden = false;
  }
  page.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (button instanceof HTMLElement) void copy(button.dataset["copy"] ?? "");
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
