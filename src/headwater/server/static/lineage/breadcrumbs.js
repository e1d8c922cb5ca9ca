// The way one came: the roots that were looked at before, in this tab.

import { make, under } from "../js/elements.js";

/** @import { Island } from "./island.js" */

const KEY = "headwater.crumbs";
const MOST = 6;

export class Breadcrumbs {
  /**
   * @param {HTMLElement} place
   * @param {Island} island
   */
  constructor(place, island) {
    this.place = place;
    this.island = island;
    place.addEventListener("click", (event) => {
      const link = under(event, "[data-node]");
      if (!link || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      void island.makeRoot(link.dataset["node"] ?? "");
    });
  }

  /** @returns {{node: string, name: string}[]} */
  read() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    } catch {
      return [];
    }
  }

  /**
   * A root is looked at.
   * @param {string} node
   */
  visit(node) {
    const name = this.island.view.scene.cards.find((card) => card.node === node)?.name ?? node;
    const way = visited(this.read(), { node, name });
    sessionStorage.setItem(KEY, JSON.stringify(way));
    this.place.hidden = way.length < 2;
    this.place.replaceChildren(...way.flatMap((one, at) => this.crumb(one, at === way.length - 1)));
  }

  /**
   * @param {{node: string, name: string}} one
   * @param {boolean} isLast
   */
  crumb(one, isLast) {
    const link = make("a");
    link.append(make("bdi", "", one.name));
    link.href = `/lineage?root=${encodeURIComponent(one.node)}`;
    link.dataset["node"] = one.node;
    if (isLast) {
      link.setAttribute("aria-current", "page");
      return [link];
    }
    const arrow = make("span", "", "›");
    arrow.setAttribute("aria-hidden", "true");
    return [link, arrow];
  }
}

/**
 * The way after another step: one that goes back shortens it.
 * @template {{node: string}} Step
 * @param {readonly Step[]} way
 * @param {Step} next
 * @returns {Step[]}
 */
export function visited(way, next) {
  const at = way.findIndex((one) => one.node === next.node);
  return at >= 0 ? way.slice(0, at + 1) : [...way, next].slice(-MOST);
}
