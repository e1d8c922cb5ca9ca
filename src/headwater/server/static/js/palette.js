// The search box of every page: "/" and Ctrl-K lead to it, what fits is shown while one types.

import { make } from "./elements.js";
import { put } from "./fragment.js";
import { Options } from "./options.js";
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
    this.list = make("ul", "found");
    this.timer = 0;
    /** @type {AbortController | null} */
    this.asking = null;
    this.dress();
    this.options = new Options(box, this.list, -1, {
      choose: (option) => location.assign(option.dataset["href"] ?? ""),
      leave: () => this.leave(),
    });
    box.ownerDocument.addEventListener("keydown", (event) => this.summon(event));
    box.addEventListener("input", () => this.soon());
    box.addEventListener("focus", () => box.value.trim() && this.soon());
    box.addEventListener("blur", () => this.close());
  }

  /** A combobox with a list of options, as assistive technology knows it. */
  dress() {
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

  /** @param {KeyboardEvent} event */
  summon(event) {
    const hasControl = event.ctrlKey || event.metaKey;
    const isSlash = event.key === "/" && !hasControl && !isTyping(event.target);
    const isControlK = event.key.toLowerCase() === "k" && hasControl;
    if (event.altKey) return;
    if (!isSlash && !isControlK) return;
    event.preventDefault();
    this.box.focus();
    this.box.select();
  }

  leave() {
    if (this.list.hidden) this.box.blur();
    this.close();
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
      const words = make("li", "found-hint problem", error.message);
      words.setAttribute("role", "presentation");
      this.list.replaceChildren(words);
      this.open();
    }
    return undefined;
  }

  /** @param {string} text */
  show(text) {
    if (this.box.ownerDocument.activeElement !== this.box) return;
    put(this.list, text);
    this.options.mark(-1);
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
    this.options.mark(-1);
    this.box.setAttribute("aria-expanded", "false");
  }
}

/**
 * Whether the press goes into something that takes text.
 * @param {EventTarget | null} target
 */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
