// "/" and Ctrl-K lead to the search box.

import { isPlain, isTyping } from "./keys.js";

/** @param {Document} page */
export function startSearchKey(page) {
  const box = page.querySelector("[data-search]");
  if (!(box instanceof HTMLInputElement)) return;
  page.addEventListener("keydown", (event) => {
    const isSlash = event.key === "/" && isPlain(event) && !isTyping(event.target);
    const isControlK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
    if (!isSlash && !isControlK) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
}
