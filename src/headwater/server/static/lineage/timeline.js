// The lineage as of another instant, or of two on one picture: sliders over the moments at which something changed.

import { postData, Trouble } from "../js/service.js";
import { question } from "./address.js";

/** @import { Island } from "./island.js" */

export class Timeline {
  /**
   * @param {HTMLElement} place
   * @param {Island} island
   */
  constructor(place, island) {
    this.place = place;
    this.island = island;
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (place.querySelector(`[data-${name}]`));
    this.slider = /** @type {HTMLInputElement} */ (part("instant"));
    this.later = /** @type {HTMLInputElement} */ (part("later-instant"));
    this.label = part("instant-label");
    this.laterPart = part("later");
    this.words = { slider: part("instant-word"), later: part("later-word"), differences: part("differences") };
    this.button = part('do="compare"');
    /** @type {{at: number, words: string}[]} oldest first */
    this.instants = [];
    for (const slider of [this.slider, this.later]) {
      slider.addEventListener("input", () => this.describe());
      slider.addEventListener("change", () => this.choose());
    }
    if (island.state.as_of || island.state.against) void this.open();
  }

  /** @param {HTMLElement} [button] */
  toggle(button) {
    if (this.place.hidden) void this.open();
    else {
      this.place.hidden = true;
      if (this.island.state.as_of || this.island.state.against) void this.show({ as_of: "", against: "" });
    }
    this.mark(button);
  }

  /** @param {HTMLElement | null} [button] that opens and closes it */
  mark(button = this.island.place.querySelector('[data-do="time"]')) {
    button?.setAttribute("aria-expanded", String(!this.place.hidden));
  }

  async open() {
    this.place.hidden = false;
    this.mark();
    try {
      this.instants = await postData("/lineage/instants", question({ ...this.island.state, as_of: "", against: "" }));
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.island.say(error.message);
    }
    const { as_of: asOf, against } = this.island.state;
    for (const slider of [this.slider, this.later]) slider.max = String(this.instants.length);
    this.slider.value = String(this.placeOf(against || asOf));
    this.later.value = String(against ? this.placeOf(asOf) : this.instants.length);
    this.press(Boolean(against));
    this.describe();
  }

  get isComparing() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  /** @param {boolean} isOn */
  press(isOn) {
    this.button.setAttribute("aria-pressed", String(isOn));
    this.laterPart.hidden = !isOn;
    this.label.textContent = isOn ? "Between" : "Shown as of";
  }

  /**
   * @param {string} text an instant as the address has it
   */
  placeOf(text) {
    if (!text) return this.instants.length;
    const wanted = text.startsWith("@") ? Number(text.slice(1)) * 1e6 : Date.parse(text) * 1000;
    const after = this.instants.findIndex((one) => one.at > wanted);
    return after < 0 ? this.instants.length - 1 : Math.max(0, after - 1);
  }

  describe() {
    for (const name of /** @type {const} */ (["slider", "later"])) {
      const instant = this.instants[Number(this[name].value)];
      const words = instant ? `${written(instant.at)} UTC, ${instant.words}` : "now";
      this.words[name].textContent = words;
      this[name].setAttribute("aria-valuetext", words);
    }
  }

  /** @param {string} words what differs between the two instants; empty where none are compared */
  tell(words) {
    this.words.differences.textContent = words;
  }

  choose() {
    const [one, other] = [Number(this.slider.value), Number(this.later.value)];
    if (!this.isComparing) return this.show({ as_of: this.text(one), against: "" });
    // Whichever slider is further left is the earlier one.
    return this.show({ against: this.text(Math.min(one, other)), as_of: this.text(Math.max(one, other)) });
  }

  /** @param {number} place */
  text(place) {
    const instant = this.instants[place];
    return instant ? `@${(instant.at / 1e6).toFixed(6)}` : "";
  }

  /** @param {{as_of: string, against: string}} change */
  show(change) {
    return this.island.change(change, { anchor: this.island.rootId });
  }

  compare() {
    const last = this.instants.length;
    if (!this.isComparing && last < 2) return this.island.say("Nothing changed here since it was first heard of: there are no two states to compare.");
    this.press(!this.isComparing);
    // From now there is nothing to compare with: the state before the last change is the nearest other one.
    if (this.isComparing && Number(this.slider.value) === last) this.slider.value = String(last - 2);
    this.describe();
    return this.choose();
  }
}

/** @param {number} micros since the epoch */
export function written(micros) {
  return new Date(micros / 1000).toISOString().slice(0, 19).replace("T", " ");
}
