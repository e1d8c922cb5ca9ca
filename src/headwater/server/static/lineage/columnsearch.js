// The search inside a card: all columns of a node, those that fit what is typed; the chosen one comes onto the card.

import { toScreen } from "../graph/camera.js";
import { make } from "../js/elements.js";
import { getData, Trouble } from "../js/service.js";
import { plural } from "../js/notes.js";
import { Options } from "../js/options.js";

/** @import { Island } from "./island.js" */
/** @import { Card } from "../graph/types.js" */
/** @import { Column } from "./types.js" */

const MOST_SHOWN = 8;
/** the row of a card that counts the columns that are not shown, with the foot under it */
const LAST_ROW = 30;
const EDGE = 8;

/**
 * The columns that hold every word, those that begin with the first before the others.
 * @param {readonly Column[]} columns
 * @param {string} text
 */
export function fitting(columns, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = columns.filter(([name]) => words.every((word) => name.toLowerCase().includes(word)));
  const begins = (/** @type {Column} */ [name]) => name.toLowerCase().startsWith(words[0] ?? "");
  return [...found.filter(begins), ...found.filter((column) => !begins(column))];
}

/**
 * The columns that stand first on the cards, after one more was chosen: the latest first, no more than a card holds.
 * @param {Record<string, string[]>} found
 * @param {string} node
 * @param {string} name
 */
export function brought(found, node, name) {
  const others = (found[node] ?? []).filter((one) => one !== name);
  return { ...found, [node]: [name, ...others].slice(0, MOST_SHOWN) };
}

export class ColumnSearch {
  /**
   * @param {HTMLElement} place
   * @param {Island} island
   */
  constructor(place, island) {
    this.place = place;
    this.island = island;
    this.box = /** @type {HTMLInputElement} */ (place.querySelector("input"));
    this.list = /** @type {HTMLElement} */ (place.querySelector("ul"));
    this.said = /** @type {HTMLElement} */ (place.querySelector("p"));
    /** @type {readonly Column[]} */
    this.columns = [];
    this.node = "";
    this.options = new Options(this.box, this.list, 0, {
      choose: (option) => void this.choose(option.dataset["column"] ?? ""),
      leave: () => this.leave(),
    });
    this.box.addEventListener("input", () => this.show());
    this.box.addEventListener("blur", () => this.close());
  }

  /** @returns {Card | undefined} the card that is searched; undefined when it is not in the picture any more */
  card() {
    return this.island.view.scene.cards.find((card) => card.node === this.node);
  }

  /**
   * Begin: what is typed before the columns are here is not lost.
   * @param {Card} card
   */
  async open(card) {
    if (card.shape !== "card") return;
    this.node = card.node;
    this.columns = [];
    this.box.value = "";
    this.box.placeholder = "Find a column";
    this.box.setAttribute("aria-label", `Find a column of ${card.label}`);
    this.place.hidden = false;
    this.show();
    this.said.textContent = "Loading";
    this.box.focus({ preventScroll: true });
    const words = await this.load(card);
    if (this.node !== card.node) return; // it was left meanwhile
    if (words) {
      this.leave();
      this.island.say(words);
    } else this.show();
  }

  /**
   * @param {Card} card
   * @returns {Promise<string>} why there is nothing to search; empty where there is
   */
  async load(card) {
    try {
      const columns = await getData(`/lineage/columns?node=${encodeURIComponent(card.node)}`);
      if (this.node !== card.node) return "";
      this.columns = columns;
      this.box.placeholder = `Find one of ${plural(columns.length, "column")}`;
      return columns.length ? "" : `No columns of ${card.label} are known.`;
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      return error.message;
    }
  }

  leave() {
    this.island.view.stage.focus({ preventScroll: true });
  }

  close() {
    this.place.hidden = true;
    this.node = "";
  }

  /** Stand where the card stands, as far as that can be seen. */
  follow() {
    if (this.place.hidden) return;
    const card = this.card();
    if (!card) return this.close();
    const { camera, width, height } = this.island.view;
    const spot = toScreen(camera, card.x, card.y + card.h - (card.morePorts ? LAST_ROW : 0));
    const wide = Math.min(Math.max(card.w * camera.k, 224), width - 2 * EDGE);
    this.place.style.width = `${wide}px`;
    const within = (/** @type {number} */ at, /** @type {number} */ room) => Math.max(EDGE, Math.min(at, room - EDGE));
    const x = within(spot.x, width - wide);
    const y = within(spot.y, height - this.place.offsetHeight);
    this.place.style.transform = `translate(${x}px, ${y}px)`;
    return undefined;
  }

  show() {
    const found = fitting(this.columns, this.box.value);
    const shown = found.slice(0, MOST_SHOWN);
    this.list.replaceChildren(...shown.map((column, place) => this.option(column, place)));
    const rest = found.length - shown.length;
    this.said.textContent = rest ? `${rest.toLocaleString("en")} more fit` : found.length ? "" : "No column fits";
    this.options.mark(0);
    this.follow();
  }

  /**
   * @param {Column} column
   * @param {number} place
   */
  option([name, kind], place) {
    const option = make("li");
    option.id = `finder-${place}`;
    option.dataset["column"] = option.title = name;
    option.setAttribute("role", "option");
    option.append(make("bdi", "g-field", name), make("span", "g-type", kind));
    return option;
  }

  /**
   * Bring a column onto its card, and pin its path.
   * @param {string} name
   */
  async choose(name) {
    const { island, node } = this;
    const isShown = this.card()?.ports.some((port) => port.name === name);
    this.leave();
    if (!isShown) await island.change({ columns: true, found: brought(island.next.found, node, name) }, { anchor: node });
    await island.inspector.column(node, name);
  }
}
