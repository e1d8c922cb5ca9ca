// The row of controls over the canvas: a form that works without a script, and at once with one.

import { make } from "../js/elements.js";
import { writeAddress } from "./address.js";
import { startMenus } from "./menus.js";

/** @import { Island } from "./island.js" */
/** @import { State } from "./types.js" */

/** every group there is, among those that are one card */
const EVERY = "*";

export class Tools {
  /**
   * @param {HTMLElement} form
   * @param {Island} island
   */
  constructor(form, island) {
    this.form = /** @type {HTMLFormElement} */ (form);
    startMenus(island.place);
    this.offer(island.state);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", ({ target }) => {
      if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement) || !target.name) return;
      const by = this.control("by");
      if (target.name === "group" && target.value === "selector" && !by.value.trim()) return by.focus();
      const change = this.changeOf(target.name, target.value);
      // Groups are another picture: it is laid out anew, and begins at the root.
      void island.change(change, change.collapsed ? { fresh: true } : { anchor: island.rootId });
    });
  }

  /** @param {string} name */
  control(name) {
    return /** @type {HTMLInputElement | HTMLSelectElement} */ (this.form.elements.namedItem(name));
  }

  /** @param {string} name */
  box(name) {
    return /** @type {HTMLInputElement} */ (this.control(name));
  }

  /**
   * @param {string} name of a control that was changed
   * @param {string} value
   * @returns {Partial<State>}
   */
  changeOf(name, value) {
    const none = () => ({ up: [], down: [] });
    const collapsed = this.box("collapsed").checked ? [EVERY] : [];
    if (name === "up" || name === "down") return { [name]: Number(value), opened: none(), shut: none() };
    if (name === "columns") return { columns: this.box(name).checked };
    if (name === "by") return { group: "selector", by: value, collapsed };
    return name === "group" || name === "collapsed" ? { group: this.control("group").value, collapsed } : { [name]: value };
  }

  /**
   * Name the root, in the head of the tools and of the window.
   * @param {string} name
   * @param {string} whole
   */
  name(name, whole) {
    const words = make("bdi", "name", name);
    words.title = whole;
    this.form.querySelector("[data-root-name]")?.replaceChildren(words);
    document.title = `${name} · Headwater`;
  }

  /**
   * Show a state: after going back in the history, or when a change failed.
   * @param {State} state
   * @param {string} problem what is wrong with the selectors in it, empty for nothing
   */
  show(state, problem) {
    const { jobs, kinds, group, by } = state;
    const values = { up: String(state.up), down: String(state.down), jobs, kinds, group, by };
    for (const [name, value] of Object.entries(values)) {
      const control = this.control(name);
      if (control instanceof HTMLSelectElement && ![...control.options].some((option) => option.value === value)) {
        control.add(new Option(value, value));
      }
      control.value = value;
    }
    this.box("columns").checked = state.columns;
    this.box("collapsed").checked = state.collapsed.includes(EVERY);
    this.box("by").setAttribute("aria-invalid", String(problem !== ""));
    const words = this.form.querySelector("[data-problem]");
    if (words) words.textContent = problem;
    this.offer(state);
  }

  /**
   * What is exported is what is shown.
   * @param {State} state
   */
  offer(state) {
    const shown = writeAddress({ ...state, at: null, pin: "", port: "" });
    for (const link of this.form.querySelectorAll("[data-export]")) {
      link.setAttribute("href", `/lineage/export/${link.getAttribute("data-export")}?${shown}`);
    }
  }

  /** @param {string} form */
  pathOf(form) {
    return this.form.querySelector(`[data-export="${form}"]`)?.getAttribute("href") ?? "";
  }

  rootName() {
    return document.title.replace(/ · Headwater$/, "");
  }
}
