// Fragments of a page that the server made, with every name escaped. The one place where text becomes markup.

/**
 * What the browsers that know trusted types hand out; elsewhere text is taken as it is.
 * @typedef {{createHTML: (text: string) => string}} Policy
 */

/** @type {{trustedTypes?: {createPolicy: (name: string, rules: Policy) => Policy}}} */
const browser = /** @type {any} */ (globalThis);

/** @type {Policy} */
const policy = browser.trustedTypes?.createPolicy("headwater", { createHTML: (text) => text }) ?? {
  createHTML: (text) => text,
};

/**
 * Put a fragment into a place, instead of what is there.
 * @param {Element} place
 * @param {string} text as the server sent it
 */
export function put(place, text) {
  place.innerHTML = policy.createHTML(text);
  showControls(place);
}

/**
 * Controls that need a script are hidden until there is one.
 * @param {ParentNode} place
 */
export function showControls(place) {
  for (const element of place.querySelectorAll("[data-needs-script]")) {
    if (element instanceof HTMLElement) element.hidden = false;
  }
}
