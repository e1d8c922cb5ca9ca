// Which key presses are ours, and which are somebody's typing.

/**
 * Whether the press goes into something that takes text.
 * @param {EventTarget | null} target
 */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/**
 * Whether the press is a plain key, without a modifier that means something to browser or system.
 * @param {KeyboardEvent} event
 */
export function isPlain(event) {
  return !(event.ctrlKey || event.metaKey || event.altKey);
}
