// The lineage as of another instant: a slider over the moments at which something changed.

import { postData, Trouble } from "../js/service.js";
import { question } from "./address.js";

/** @typedef {import("./island.js").Island} Island */

export class Timeline {
  /**
   * @param {HTMLElement} place
   * @param {Island} island
   */
  constructor(place, island) {
    this.place = place;
    this.island = island;
    this.slider = /** @type {HTMLInputElement} */ (place.querySelector("[data-instant]"));
    this.word = /** @type {HTMLElement} */ (place.querySelector("[data-instant-word]"));
    this.button = /** @type {HTMLElement} */ (place.querySelector('[data-do="compare"]'));
    /** @type {{at: number, words: string}[]} oldest first */
    this.instants = [];
    this.slider.addEventListener("input", () => this.describe());
    this.slider.addEventListener("change", () => this.choose());
    if (island.state.asOf || island.state.against) void this.open();
  }

  /** @param {HTMLElement} [button] */
  toggle(button) {
    if (this.place.hidden) void this.open();
    else {
      this.place.hidden = true;
      if (this.island.state.asOf || this.island.state.against) void this.island.change({ asOf: "", against: "" }, this.still());
    }
    button?.setAttribute("aria-expanded", String(!this.place.hidden));
  }

  still() {
    return { anchor: this.island.rootId };
  }

  async open() {
    this.place.hidden = false;
    try {
      this.instants = await postData("/lineage/instants", question({ ...this.island.state, asOf: "", against: "" }));
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.island.say(error.message);
    }
    this.slider.max = String(this.instants.length);
    const { asOf, against } = this.island.state;
    this.slider.value = String(this.placeOf(against || asOf));
    this.button.setAttribute("aria-pressed", String(Boolean(against)));
    this.describe();
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
    const instant = this.instants[Number(this.slider.value)];
    const words = instant ? `${written(instant.at)}, ${instant.words}` : "now";
    this.word.textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
  }

  chosen() {
    const instant = this.instants[Number(this.slider.value)];
    return instant ? `@${(instant.at / 1e6).toFixed(6)}` : "";
  }

  choose() {
    const isComparing = this.button.getAttribute("aria-pressed") === "true";
    const at = this.chosen();
    void this.island.change(isComparing ? { asOf: "", against: at } : { asOf: at, against: "" }, this.still());
  }

  compare() {
    const isOn = this.button.getAttribute("aria-pressed") !== "true";
    this.button.setAttribute("aria-pressed", String(isOn));
    this.choose();
  }
}

/** @param {number} micros since the epoch */
export function written(micros) {
  return new Date(micros / 1000).toISOString().slice(0, 19).replace("T", " ");
}
