// Short messages at the foot of the window; a screen reader says them.

const STAYS_MS = 4000;

/** @param {string} text */
export function note(text) {
  const place = document.querySelector("[data-notes]");
  if (!place) return;
  const element = document.createElement("div");
  element.className = "note";
  element.textContent = text;
  place.append(element);
  setTimeout(() => element.remove(), STAYS_MS);
}
