// Elements: made, and found around what an event happened to.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name of the class, empty for none
 * @param {string} text
 */
export function make(tag, name = "", text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
}

/**
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function under(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}
