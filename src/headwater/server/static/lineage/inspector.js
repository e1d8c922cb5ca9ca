// The details beside the canvas: of a node, of an edge, of a column's path, of a change.

import { portKey } from "../graph/paths.js";
import { make, under } from "../js/elements.js";
import { put } from "../js/fragment.js";
import { getData, getText, Trouble } from "../js/service.js";
import { plural } from "../js/notes.js";

/** @import { Island } from "./island.js" */
/** @import { Lit, Scene } from "../graph/types.js" */
/** @import { ColumnPath } from "./types.js" */

/** the row of a card that stands for the columns that are not shown */
const MORE = "…";

export class Inspector {
  /**
   * @param {HTMLElement} place
   * @param {Island} island
   */
  constructor(place, island) {
    this.place = place;
    this.island = island;
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {(() => unknown) | null} shows again what is shown, as of the instant of the picture */
    this.shown = null;
    /** @type {Map<string, string>} how bad it is, by id of a node */
    this.severities = new Map();
    place.addEventListener("click", (event) => this.click(event));
    place.addEventListener("submit", (event) => this.submit(event));
    place.addEventListener("input", (event) => this.find(event));
  }

  /**
   * @param {string} path
   * @returns {Promise<boolean>} whether it is shown
   */
  async show(path) {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    try {
      const text = await getText(path, asking.signal);
      const hadFocus = this.place.contains(document.activeElement);
      put(this.place, text);
      this.place.scrollTop = 0;
      if (hadFocus) this.place.focus(); // what had it is gone
      return true;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return false;
      if (!(error instanceof Trouble)) throw error;
      this.place.replaceChildren(make("p", "problem", error.message));
      return false;
    }
  }

  /** @param {Record<string, string>} given */
  query(given) {
    const all = { ...given, as_of: this.island.state.as_of };
    return new URLSearchParams(Object.entries(all).filter(([, value]) => value)).toString();
  }

  /** What is shown, once more: the picture is of another instant. */
  again() {
    const about = this.place.querySelector("[data-about]");
    const id = about instanceof HTMLElement ? (about.dataset["about"] ?? "") : "";
    return this.shown ? this.shown() : id ? this.node(id) : undefined;
  }

  /**
   * Runs changed: what is said of one of these nodes is said again, unless somebody is busy in it.
   * @param {ReadonlySet<string>} ids
   */
  renew(ids) {
    const about = this.place.querySelector("[data-about]");
    if (!(about instanceof HTMLElement) || !ids.has(about.dataset["about"] ?? "")) return;
    if (this.place.contains(document.activeElement) || this.place.querySelector("details[open]")) return;
    void this.again();
  }

  /** @param {string} id */
  async node(id) {
    this.shown = () => this.node(id);
    await this.show(`/lineage/node?${this.query({ id, root: this.island.rootId })}`);
  }

  /**
   * @param {string} node
   * @param {string} port a column of it, or empty
   */
  about(node, port) {
    return port ? this.column(node, port) : this.node(node);
  }

  /**
   * @param {Scene} scene
   * @param {number} at place of the link
   */
  async link(scene, at) {
    const link = scene.links[at];
    const source = scene.cards[link?.source ?? -1];
    const target = scene.cards[link?.target ?? -1];
    if (!source || !target) return;
    const isJob = (/** @type {{shape: string}} */ card) => card.shape === "pill";
    await this.edge({
      source: isJob(source) ? "" : source.node,
      target: isJob(target) ? "" : target.node,
      job: isJob(source) ? source.node : isJob(target) ? target.node : "",
    });
  }

  /** @param {Record<string, string>} ends */
  async edge(ends) {
    this.shown = () => this.edge(ends);
    await this.show(`/lineage/edge?${this.query(ends)}`);
  }

  /**
   * Light the whole path of a column, and say how much of it is not shown.
   * @param {string} node
   * @param {string} column
   */
  async column(node, column) {
    try {
      const answer = await getData(`/lineage/column?${this.query({ node, column })}`);
      const { scene } = this.island.view;
      this.island.pin(litColumns(scene, answer), node, column);
      const shown = new Set(scene.cards.map((card) => card.node));
      const missing = Object.keys(answer.columns).filter((id) => !shown.has(id)).length;
      const link = make("a", "", "Show the whole path of this column");
      link.href = `/lineage?root=${encodeURIComponent(`${node}:${column}`)}`;
      const reached = Object.keys(answer.columns).length - 1;
      const elsewhere = missing ? `, ${missing} of them not in this picture` : "";
      const words = make("p", "path-words", `${column}: its path touches ${plural(reached, "other node")}${elsewhere}. `);
      words.append(link);
      if (!this.place.querySelector(`[data-about="${CSS.escape(node)}"]`)) await this.node(node);
      this.place.querySelector(".path-words")?.remove();
      this.place.prepend(words);
      this.shown = () => this.column(node, column);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.island.say(error.message);
    }
  }

  /** @param {MouseEvent} event */
  click(event) {
    const link = under(event, "a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { makeRoot, pathTo, column, of } = link.dataset;
    if (makeRoot) void this.island.makeRoot(makeRoot);
    else if (pathTo) void this.island.modes.enter(this.island.rootId, { to: pathTo, change: "", column: "" });
    else if (column && of) void this.column(of, column);
    else return;
    event.preventDefault();
  }

  /** @param {SubmitEvent} event */
  submit(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("impact" in form.dataset || "pathForm" in form.dataset)) return;
    event.preventDefault();
    void this.island.modes.send(form);
  }

  /** @param {Record<string, string>} change */
  async impact(change) {
    this.shown = () => this.impact(change);
    if (await this.show(`/lineage/impact?${this.query(change)}`)) this.colourAgain();
  }

  /** The way that the picture shows, step by step. */
  async path() {
    this.shown = () => this.path();
    await this.show(`/lineage/path?${this.query({ root: this.island.rootId, to: this.island.state.to })}`);
  }

  /** @param {Event} event */
  find(event) {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || !("columnFind" in box.dataset)) return;
    const wanted = box.value.trim().toLowerCase();
    for (const row of this.place.querySelectorAll("[data-column-row]")) {
      if (row instanceof HTMLElement) row.hidden = !(row.dataset["columnRow"] ?? "").toLowerCase().includes(wanted);
    }
  }

  colourAgain() {
    this.colour(this.island.view.scene);
    this.island.view.refresh();
    this.island.map.draw();
  }

  /**
   * Mark the cards of a scene that the impact is about, and say how many of those listed are in it.
   * @param {Scene} scene
   */
  colour(scene) {
    const list = this.place.querySelector("[data-impact-of]");
    if (list instanceof HTMLElement) this.severities = new Map(Object.entries(JSON.parse(list.dataset["severities"] ?? "{}")));
    if (!this.island.state.change) this.severities.clear();
    for (const card of scene.cards) card.severity = this.severities.get(card.node) ?? "";
    const place = this.place.querySelector("[data-in-picture]");
    if (!(place instanceof HTMLElement)) return;
    const shown = new Set(scene.cards.map((card) => card.node));
    const listed = new Set(JSON.parse(place.dataset["inPicture"] ?? "[]"));
    const count = [...listed].filter((id) => shown.has(id)).length;
    place.textContent = count === listed.size ? "All of it is in the picture." : `${count} of ${listed.size} are in the picture.`;
    const button = this.place.querySelector('[data-do="colour"]');
    if (button instanceof HTMLElement) button.hidden = count === listed.size;
  }

  /** Widen the picture until everything affected can be in it. */
  async showImpact() {
    await this.island.change({ up: 0, down: 50, to: "" }, { fresh: true });
  }
}

/**
 * The cards, links and columns of a path that are in a scene.
 * @param {Scene} scene
 * @param {ColumnPath} answer
 * @returns {Lit}
 */
export function litColumns(scene, answer) {
  /** @type {Lit} */
  const lit = { cards: new Set(), links: new Set(), ports: new Set() };
  for (const card of scene.cards) {
    const columns = answer.columns[card.node];
    if (!columns) continue;
    lit.cards.add(card.at);
    for (const name of columns) lit.ports.add(portKey(card.at, name));
  }
  const rows = new Map(scene.cards.map((card) => [card.node, new Set(card.ports.map((port) => port.name))]));
  const row = (/** @type {string} */ node, /** @type {string} */ name) => (rows.get(node)?.has(name) ? name : MORE);
  const pairs = new Set(
    answer.edges.map(([source, from, target, to]) => [source, row(source, from), target, row(target, to)].join("\0")),
  );
  const joined = new Set(answer.edges.map(([source, , target]) => `${source}\0${target}`));
  for (const link of scene.links) {
    const source = scene.cards[link.source];
    const target = scene.cards[link.target];
    if (!source || !target) continue;
    const isOn = link.sourcePort
      ? pairs.has([source.node, link.sourcePort, target.node, link.targetPort].join("\0"))
      : joined.has(`${source.node}\0${target.node}`);
    if (isOn) lit.links.add(link.at);
  }
  return throughPills(scene, lit, joined);
}

/**
 * A job between two cards of the path is on it too.
 * @param {Scene} scene
 * @param {Lit} lit
 * @param {Set<string>} joined
 */
function throughPills(scene, lit, joined) {
  for (const card of scene.cards) {
    if (card.shape !== "pill") continue;
    for (const before of scene.into[card.at] ?? []) {
      for (const after of scene.out[card.at] ?? []) {
        const source = scene.cards[scene.links[before]?.source ?? -1];
        const target = scene.cards[scene.links[after]?.target ?? -1];
        if (!source || !target || !joined.has(`${source.node}\0${target.node}`)) continue;
        lit.cards.add(card.at);
        lit.links.add(before).add(after);
      }
    }
  }
  return lit;
}
