// The search box of every page: "/" and Ctrl-K lead to it, what fits is shown while one types.

import { put } from "./fragment.js";
import { isPlain, isTyping } from "./keys.js";
import { getText, Trouble } from "./service.js";

const QUIET_MS = 80;

/** @param {Document} page */
export function startPalette(page) {
  const box = page.querySelector("[data-search]");
  if (box instanceof HTMLInputElement) new Palette(box);
}

class Palette {
  /** @param {HTMLInputElement} box */
  constructor(box) {
    this.box = box;
    this.list = box.ownerDocument.createElement("ul");
    this.at = -1;
    this.timer = 0;
    /** @type {AbortController | null} */
    this.asking = null;
    this.dress();
    this.listen();
  }

  /** A combobox with a list of options, as assistive technology knows it. */
  dress() {
    this.list.className = "found";
    this.list.id = "found";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "What fits");
    this.list.hidden = true;
    this.box.after(this.list);
    this.box.setAttribute("role", "combobox");
    this.box.setAttribute("aria-autocomplete", "list");
    this.box.setAttribute("aria-controls", this.list.id);
    this.box.setAttribute("aria-expanded", "false");
  }

  listen() {
    const { box, list } = this;
    box.ownerDocument.addEventListener("keydown", (event) => this.summon(event));
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("input", () => this.soon());
    box.addEventListener("focus", () => box.value.trim() && this.soon());
    box.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
    list.addEventListener("click", (event) => {
      const option = event.target instanceof Element ? event.target.closest("[data-href]") : null;
      if (option instanceof HTMLElement) location.assign(option.dataset["href"] ?? "");
    });
  }

  /** @param {KeyboardEvent} event */
  summon(event) {
    const isSlash = event.key === "/" && isPlain(event) && !isTyping(event.target);
    const isControlK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
    if (!isSlash && !isControlK) return;
    event.preventDefault();
    this.box.focus();
    this.box.select();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) this.choose(this.at + step);
    else if (event.key === "Escape") this.leave();
    else if (event.key === "Enter" && this.option()) location.assign(this.option()?.dataset["href"] ?? "");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  leave() {
    if (this.list.hidden) this.box.blur();
    this.close();
  }

  options() {
    return /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll("[role=option]"));
  }

  option() {
    return this.list.hidden ? undefined : this.options()[this.at];
  }

  /** @param {number} at -1 is the box itself; going on from the last begins again */
  choose(at) {
    const options = this.options();
    const count = options.length + 1;
    this.at = ((at + 1 + count) % count) - 1;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.at)));
    const chosen = options[this.at];
    if (chosen) {
      this.box.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else this.box.removeAttribute("aria-activedescendant");
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), QUIET_MS);
  }

  async ask() {
    this.asking?.abort();
    const words = this.box.value.trim();
    if (!words) return this.close();
    const asking = new AbortController();
    this.asking = asking;
    try {
      this.show(await getText(`/search/suggestions?q=${encodeURIComponent(words)}`, asking.signal));
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return undefined;
      if (!(error instanceof Trouble)) throw error;
      const words = this.box.ownerDocument.createElement("li");
      words.className = "found-hint problem";
      words.setAttribute("role", "presentation");
      words.textContent = error.message;
      this.list.replaceChildren(words);
      this.open();
    }
    return undefined;
  }

  /** @param {string} text */
  show(text) {
    if (this.box.ownerDocument.activeElement !== this.box) return;
    put(this.list, text);
    this.choose(-1);
    this.open();
  }

  open() {
    this.list.hidden = this.list.childElementCount === 0;
    this.box.setAttribute("aria-expanded", String(!this.list.hidden));
  }

  close() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.list.hidden = true;
    this.at = -1;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }
}
