// A box with a list of options (a combobox): keys go through the list, Enter and a click choose, the box keeps the focus.

import { under } from "./elements.js";

export class Options {
  /**
   * @param {HTMLElement} box
   * @param {HTMLElement} list
   * @param {-1 | 0} first what is marked at first: the first option, or -1 for none
   * @param {{choose: (option: HTMLElement) => void, leave: () => void}} then
   */
  constructor(box, list, first, then) {
    this.box = box;
    this.list = list;
    this.first = first;
    this.then = then;
    /** @type {number} */
    this.at = first;
    box.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = under(event, "[role=option]");
      if (option) then.choose(option);
    });
  }

  /** @param {number} at going on from the last begins again */
  mark(at) {
    const options = this.all();
    const count = options.length - this.first;
    this.at = count ? ((at - this.first + count) % count) + this.first : 0;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.at)));
    const chosen = options[this.at];
    chosen?.scrollIntoView({ block: "nearest" });
    if (chosen) this.box.setAttribute("aria-activedescendant", chosen.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  /** @returns {NodeListOf<HTMLElement>} */
  all() {
    return this.list.querySelectorAll("[role=option]");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const chosen = this.list.hidden ? undefined : this.all()[this.at];
    if (step) this.mark(this.at + step);
    else if (event.key === "Escape") this.then.leave();
    else if (event.key === "Enter" && chosen) this.then.choose(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
