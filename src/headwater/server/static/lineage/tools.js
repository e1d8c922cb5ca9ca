// The row of controls over the canvas: a form that works without a script, and at once with one.

import { writeAddress } from "./address.js";
import { startMenus } from "./menus.js";

/** @typedef {import("./island.js").Island} Island */
/** @typedef {import("./address.js").State} State */

/** every group there is, among those that are folded */
const EVERY = "*";
const FOLDED = "folded";

export class Tools {
  /**
   * @param {HTMLElement} form
   * @param {Island} island
   */
  constructor(form, island) {
    this.form = form;
    startMenus(island.place);
    this.offer(island.state);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => {
      const control = event.target;
      if (!(control instanceof HTMLInputElement || control instanceof HTMLSelectElement)) return;
      const change = changeOf(control.name, control);
      // Groups are another picture: it is laid out anew, and begins at the root.
      if (change) void island.change(change, control.name === "group" ? { fresh: true } : { anchor: island.rootId });
    });
  }

  /**
   * Name the root, in the head of the tools and of the window.
   * @param {string} name
   * @param {string} whole
   */
  name(name, whole) {
    const place = this.form.querySelector("[data-root-name]");
    if (!(place instanceof HTMLElement)) return;
    const words = document.createElement("bdi");
    words.className = "name";
    words.textContent = name;
    words.title = whole;
    place.replaceChildren(words);
    document.title = `${name} · Headwater`;
  }

  /**
   * Show a state: after going back in the history, or when a change failed.
   * @param {State} state
   */
  show(state) {
    const group = state.collapsed.includes(EVERY) ? FOLDED : state.group;
    const values = { up: String(state.up), down: String(state.down), jobs: state.jobs, kinds: state.kinds, group };
    for (const [name, value] of Object.entries(values)) {
      const control = this.form.querySelector(`[name="${name}"]`);
      if (!(control instanceof HTMLSelectElement)) continue;
      if (![...control.options].some((option) => option.value === value)) control.add(new Option(value, value));
      control.value = value;
    }
    const columns = this.form.querySelector('[name="columns"]');
    if (columns instanceof HTMLInputElement) columns.checked = state.columns;
    this.offer(state);
  }

  /**
   * What is exported is what is shown.
   * @param {State} state
   */
  offer(state) {
    for (const link of this.form.querySelectorAll("[data-export]")) {
      if (!(link instanceof HTMLAnchorElement)) continue;
      link.href = `/lineage/export/${link.dataset["export"]}?${writeAddress({ ...state, at: null, pin: "" })}`;
    }
  }

  rootName() {
    return document.title.replace(/ · Headwater$/, "");
  }
}

/**
 * @param {string} name
 * @param {HTMLInputElement | HTMLSelectElement} control
 * @returns {Partial<State> | null}
 */
function changeOf(name, control) {
  const { value } = control;
  const none = () => ({ up: [], down: [] });
  if (name === "up" || name === "down") return { [name]: Number(value), opened: none(), shut: none() };
  if (name === "jobs") return { jobs: value === "edges" ? "edges" : "nodes" };
  if (name === "kinds") return { kinds: value };
  if (name === "group") return groupingOf(value);
  if (name === "columns" && control instanceof HTMLInputElement) return { columns: control.checked };
  return null;
}

/**
 * @param {string} value
 * @returns {Partial<State>}
 */
function groupingOf(value) {
  return value === FOLDED ? { group: "namespace", collapsed: [EVERY] } : { group: value, collapsed: [] };
}
