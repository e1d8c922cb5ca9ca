// What the page is about beside its root: a way to another node, or what a change breaks. The address says which, the
// details list it.

import { make } from "../js/elements.js";
import { getText, Trouble } from "../js/service.js";
import { atRoot } from "./address.js";

/** @import { Island } from "./island.js" */
/** @import { State } from "./types.js" */

export class Modes {
  /**
   * @param {HTMLElement} place that the mode is written on
   * @param {Island} island
   */
  constructor(place, island) {
    this.place = place;
    this.island = island;
  }

  /** @returns {"impact" | "path" | ""} */
  get mode() {
    const { change, to } = this.island.state;
    return change ? "impact" : to ? "path" : "";
  }

  /**
   * An answer is shown: its root has a name, whatever it was asked by.
   * @param {{root: string, name: string, whole: string}} answer
   */
  settle({ root, name, whole }) {
    this.island.rootId = root;
    this.island.tools.name(name, whole);
    this.show();
  }

  /** Write down what the page is about. */
  show() {
    this.island.viewport.isWay = this.mode === "path";
    this.place.dataset["mode"] = this.mode;
  }

  /** Show in the details what the page is about; a node where it is about nothing else. */
  list() {
    const { inspector, state, rootId } = this.island;
    if (this.mode === "impact") return inspector.impact({ node: rootId, change: state.change, column: state.column });
    return this.mode === "path" ? inspector.path() : inspector.node(rootId);
  }

  /**
   * A form of the details was sent. What is wrong with it stands under it, and nothing else changes.
   * @param {HTMLFormElement} form
   */
  async send(form) {
    const given = new FormData(form);
    const text = (/** @type {string} */ name) => String(given.get(name) ?? "").trim();
    const root = text("root");
    const { inspector } = this.island;
    /** @type {Partial<State>} */
    const next = "impact" in form.dataset ? { change: text("change"), column: text("column"), to: "" } : { to: text("to"), change: "", column: "" };
    const asked = next.to
      ? `path?${inspector.query({ root, to: next.to })}`
      : `impact?${inspector.query({ node: root, change: next.change ?? "", column: next.column ?? "" })}`;
    try {
      await getText(`/lineage/${asked}`);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      complain(form, error.message);
      return;
    }
    await this.enter(root, next);
  }

  /**
   * Be about something else; the picture is made anew where it has another root or is one of ways.
   * @param {string} root
   * @param {Partial<State>} next
   */
  async enter(root, next) {
    const { island } = this;
    const isOther = root !== island.rootId || next.to || island.state.to;
    if (isOther) await island.change({ ...(root === island.rootId ? {} : atRoot(root)), pin: "", port: "", ...next }, { fresh: true });
    else {
      island.state = { ...island.state, pin: "", port: "", ...next };
      this.show();
      island.remember();
    }
    await this.list();
  }
}

/**
 * Say under a form why it was not taken.
 * @param {HTMLFormElement} form
 * @param {string} message
 */
function complain(form, message) {
  const words = form.querySelector(".problem") ?? form.appendChild(make("p", "problem"));
  words.id = "form-problem";
  words.setAttribute("role", "alert");
  words.textContent = message;
  const field = form.querySelector("[name=to], select");
  field?.setAttribute("aria-invalid", "true");
  field?.setAttribute("aria-describedby", words.id);
  if (field instanceof HTMLElement) field.focus();
}
