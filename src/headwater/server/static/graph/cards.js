// The boxes that can be read, as elements: a pool that holds what is seen and no more.

/** @import { Card, Scene, Lit } from "./types.js" */

import { make } from "../js/elements.js";
import { plural } from "../js/notes.js";
import { portKey } from "./paths.js";

export class CardPool {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {Map<number, HTMLElement>} */
    this.shown = new Map();
  }

  clear() {
    this.shown.clear();
    this.place.replaceChildren();
  }

  /**
   * Forget one: it is made anew when it is held again.
   * @param {number} at
   */
  drop(at) {
    this.shown.get(at)?.remove();
    this.shown.delete(at);
  }

  /**
   * Hold exactly these.
   * @param {Scene} scene
   * @param {Iterable<number>} places
   */
  hold(scene, places) {
    const wanted = new Set(places);
    for (const [at, element] of this.shown) {
      if (wanted.has(at)) continue;
      element.remove();
      this.shown.delete(at);
    }
    const fresh = document.createDocumentFragment();
    for (const at of wanted) {
      const card = scene.cards[at];
      if (!card || this.shown.has(at)) continue;
      const element = cardElement(card, scene);
      this.shown.set(at, element);
      fresh.append(element);
    }
    this.place.append(fresh);
  }

  /**
   * Light some, dim the rest; null lights nothing.
   * @param {Lit | null} lit
   * @param {number} active the card that keys move from, -1 for none
   */
  light(lit, active) {
    this.place.classList.toggle("has-lit", lit !== null);
    for (const [at, element] of this.shown) {
      element.classList.toggle("is-lit", lit?.cards.has(at) ?? false);
      element.classList.toggle("is-active", at === active);
      if (!lit && !element.dataset["litPorts"]) continue;
      element.dataset["litPorts"] = lit ? "1" : "";
      for (const port of element.querySelectorAll("[data-port]")) {
        const name = /** @type {HTMLElement} */ (port).dataset["port"] ?? "";
        port.classList.toggle("is-lit", lit?.ports.has(portKey(at, name)) ?? false);
      }
    }
  }
}

/**
 * @param {Card} card
 * @param {Scene} scene
 */
function cardElement(card, scene) {
  const flags = [card.isRoot && "root", card.isGhost && "ghost", card.change, card.severity];
  const marks = flags.filter(Boolean).map((flag) => `is-${flag}`);
  const element = make("div", ["g-card", `g-${card.shape}`, ...marks].join(" "));
  element.id = `card-${card.at}`;
  element.dataset["at"] = String(card.at);
  element.dataset["colour"] = card.colour;
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", words(card));
  element.style.transform = `translate(${card.x}px, ${card.y}px)`;
  element.style.width = `${card.w}px`;
  element.style.height = `${card.h}px`;
  if (card.shape === "pill") {
    element.append(make("span", `shape state-${card.state || "unknown"}`), make("bdi", "g-name", card.name));
    element.title = card.state ? `${card.whole} (${card.state})` : card.whole;
  } else {
    element.title = card.whole;
    if (["failed", "running", "aborted", "new"].includes(card.state)) {
      element.append(make("span", `shape state-${card.state}`));
    }
    element.append(make("bdi", "g-name", card.name), make("span", "g-word", [card.mark, card.word].join(" ").trim()));
    if (card.ports.length) element.append(portList(card));
  }
  if (card.shape !== "group") addDoors(element, card, scene);
  return element;
}

/**
 * What a screen reader says of a card.
 * @param {Card} card
 */
export function words(card) {
  const parts = [card.label, card.shape === "pill" ? "job" : card.word, card.state, card.change, card.severity];
  if (card.up) parts.push(`${card.up} more upstream`);
  if (card.down) parts.push(`${card.down} more downstream`);
  return parts.filter(Boolean).join(", ");
}

/**
 * @param {Card} card
 */
function portList(card) {
  const list = make("ul", "g-ports");
  for (const port of card.ports) {
    const row = make("li", "g-port");
    row.dataset["port"] = port.name;
    row.title = port.type ? `${port.name}: ${port.type}` : port.name;
    row.append(make("bdi", "g-field", port.name));
    if (port.type) row.append(make("span", "g-type", port.type));
    list.append(row);
  }
  if (card.morePorts) {
    const more = make("li", "g-port g-more-ports", plural(card.morePorts, "more column"));
    more.dataset["morePorts"] = "1";
    more.title = "Find a column (f)";
    more.append(make("span", "g-find", "find"));
    list.append(more);
  }
  return list;
}

/**
 * The buttons at the sides of a card: how many neighbours are not shown, or that those shown can be folded away.
 * @param {HTMLElement} element
 * @param {Card} card
 * @param {Scene} scene
 */
function addDoors(element, card, scene) {
  if (card.shape === "pill") return;
  for (const side of /** @type {const} */ (["up", "down"])) {
    const hidden = card[side];
    const isOpen = ((side === "up" ? scene.into : scene.out)[card.at] ?? []).length > 0;
    const mayFold = isOpen && (card.away === "both" || card.away === side);
    if (!hidden && !mayFold) continue;
    const count = hidden.toLocaleString("en");
    const text = hidden ? (side === "up" ? `‹ +${count}` : `+${count} ›`) : side === "up" ? "‹ −" : "− ›";
    const button = make("button", `g-door g-${side}${hidden ? "" : " g-fold"}`, text);
    button.type = "button";
    button.tabIndex = -1;
    button.dataset[hidden ? "open" : "shut"] = side;
    const where = side === "up" ? "upstream" : "downstream";
    button.setAttribute("aria-label", hidden ? `Show ${count} more ${where} of ${card.label}` : `Hide what is ${where} of ${card.label}`);
    button.title = hidden ? `Show ${count} more ${where}` : `Hide what is ${where}`;
    element.append(button);
  }
}
