// The colours of the theme, as the style sheet has them, for what is drawn on a canvas.

const NAMES = /** @type {const} */ ([
  "bg", "card", "ink", "dim", "edge", "rim", "job", "group", "root", "data", "model", "predictions", "feature",
  "service", "memory", "good", "bad", "warn", "light", "added", "removed", "changed",
]);

/** @import { Colours } from "./types.js" */

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
 * The colour of a run's state.
 * @param {string} state
 * @returns {keyof Colours}
 */
export function ofState(state) {
  if (state === "completed") return "good";
  if (state === "failed") return "bad";
  if (state === "running" || state === "new" || state === "aborted") return "warn";
  return "memory";
}

/**
 * The colour of a change between two instants, or of an impact; undefined for none.
 * @param {{change: string, severity?: string}} thing
 * @returns {keyof Colours | undefined}
 */
export function ofChange(thing) {
  if (thing.severity === "breaks") return "bad";
  if (thing.severity === "changes") return "warn";
  if (thing.severity === "check") return "predictions";
  if (thing.change === "added" || thing.change === "removed" || thing.change === "changed") return thing.change;
  return undefined;
}
