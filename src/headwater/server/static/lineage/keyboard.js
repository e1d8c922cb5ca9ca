// The keys of the canvas, and the list of them that "?" shows. One table for both.

/**
 * @typedef {object} Key
 * @property {string[]} keys as the browser names them
 * @property {string} shown
 * @property {string} does
 * @property {string} command
 */

/** @type {readonly Key[]} */
export const KEYS = [
  { keys: ["ArrowLeft"], shown: "←", does: "go upstream", command: "left" },
  { keys: ["ArrowRight"], shown: "→", does: "go downstream", command: "right" },
  { keys: ["ArrowUp"], shown: "↑", does: "the card above", command: "above" },
  { keys: ["ArrowDown"], shown: "↓", does: "the card below", command: "below" },
  { keys: ["Enter"], shown: "Enter", does: "pin its path and read about it", command: "pin" },
  { keys: ["e"], shown: "e", does: "how an edge of it is known; again: the next", command: "edge" },
  { keys: ["["], shown: "[", does: "show one hop more upstream", command: "open-up" },
  { keys: ["]"], shown: "]", does: "show one hop more downstream", command: "open-down" },
  { keys: ["{"], shown: "{", does: "hide what is upstream", command: "shut-up" },
  { keys: ["}"], shown: "}", does: "hide what is downstream", command: "shut-down" },
  { keys: ["r"], shown: "r", does: "make it the root", command: "root" },
  { keys: ["c"], shown: "c", does: "columns on or off", command: "columns" },
  { keys: ["s"], shown: "s", does: "find a card in the picture", command: "seek" },
  { keys: ["f"], shown: "f", does: "find a column of the card", command: "find" },
  { keys: ["g"], shown: "g", does: "fold its group, or open it", command: "fold" },
  { keys: ["+", "="], shown: "+", does: "nearer", command: "nearer" },
  { keys: ["-", "_"], shown: "−", does: "farther", command: "farther" },
  { keys: ["0"], shown: "0", does: "show everything", command: "fit" },
  { keys: ["Home"], shown: "Home", does: "back to the root", command: "home" },
  { keys: ["i"], shown: "i", does: "go to the details", command: "inspect" },
  { keys: ["Escape"], shown: "Esc", does: "let go of what is pinned", command: "back" },
  { keys: ["?"], shown: "?", does: "these keys", command: "help" },
];

/**
 * The command of a key press; an empty one where it is none of ours.
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 */
export function commandOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  return KEYS.find((key) => key.keys.includes(event.key))?.command ?? "";
}

/**
 * Show the keys in a dialog.
 * @param {Document} page
 */
export function showKeys(page) {
  const known = page.querySelector("dialog[data-keys]");
  const dialog = known instanceof HTMLDialogElement ? known : makeDialog(page);
  dialog.showModal();
}

/** @param {Document} page */
function makeDialog(page) {
  const dialog = page.createElement("dialog");
  dialog.dataset["keys"] = "";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = page.createElement("h2");
  title.id = "keys-title";
  title.textContent = "Keys";
  const list = page.createElement("dl");
  list.className = "keys";
  for (const { shown, does } of [...KEYS, { shown: "/", does: "search" }, { shown: "Ctrl K", does: "search from anywhere" }]) {
    const row = page.createElement("div");
    const key = page.createElement("dt");
    const kbd = page.createElement("kbd");
    const meaning = page.createElement("dd");
    kbd.textContent = shown;
    meaning.textContent = does;
    key.append(kbd);
    row.append(key, meaning);
    list.append(row);
  }
  const mouse = page.createElement("p");
  mouse.className = "dim";
  mouse.textContent = "Drag to move, wheel or pinch to zoom, two fingers on a touchpad to move. Point at a card to light its path; click to keep it lit.";
  const close = page.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(title, list, mouse, close);
  page.body.append(dialog);
  return dialog;
}
