// The keys of the canvas. They stand in the page, in the list that "?" shows (fragments/keys.html): one table for both.

/**
 * The command of a key press; an empty one where it is none of ours.
 * @param {ParentNode} page
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 */
export function commandOf(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  const row = page.querySelector(`[data-keys] [data-key~="${CSS.escape(event.key)}"]`);
  return row?.getAttribute("data-command") ?? "";
}

/** @param {ParentNode} page */
export function showKeys(page) {
  const dialog = page.querySelector("[data-keys]");
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}
