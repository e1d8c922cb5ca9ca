// The colours of the theme, as the style sheet has them, for what is drawn on a canvas.

const NAMES = /** @type {const} */ ([
  "bg", "card", "ink", "dim", "edge", "rim", "job", "root", "model", "pred", "data", "mem", "good", "bad", "warn",
]);

/** @typedef {import("./types.js").Colours} Colours */

/**
 * Read them; `light-dark()` is resolved by the browser on a probe.
 * @param {HTMLElement} place where the theme holds
 * @returns {Colours}
 */
export function readColours(place) {
  const probe = place.ownerDocument.createElement("span");
  probe.hidden = true;
  place.append(probe);
  const found = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return /** @type {Colours} */ (Object.fromEntries(found));
}

/**
 * The colour of the strip of a card.
 * @param {string} type
 * @returns {keyof Colours}
 */
export function ofType(type) {
  if (type === "model" || type === "checkpoint") return "model";
  if (type === "predictions") return "pred";
  if (type === "in_memory" || type === "memory") return "mem";
  if (type === "job") return "dim";
  return "data";
}

/**
 * The colour of a run's state.
 * @param {string} state
 * @returns {keyof Colours}
 */
export function ofState(state) {
  if (state === "completed") return "good";
  if (state === "failed") return "bad";
  if (state === "running" || state === "new" || state === "aborted") return "warn";
  return "mem";
}

/**
 * The colour of a change between two instants, or of an impact; undefined for none.
 * @param {{change: string, severity?: string}} thing
 * @returns {keyof Colours | undefined}
 */
export function ofChange(thing) {
  if (thing.severity === "breaks" || thing.change === "removed") return "bad";
  if (thing.severity === "changes" || thing.change === "changed") return "warn";
  if (thing.change === "added") return "good";
  if (thing.severity === "check") return "pred";
  return undefined;
}
