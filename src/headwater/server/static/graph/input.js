// Mouse, pen, touch and touchpad: pan, zoom, point at, choose.

import { under } from "../js/elements.js";
import * as camera from "./camera.js";

/** @import { Listener, Spot } from "./types.js" */
/** @import { GraphView } from "./view.js" */

const A_CLICK = 4;
const WHEEL_STEP = 1.0015;
const PINCH_STEP = 1.01;

export class Input {
  /**
   * @param {GraphView} view
   * @param {Listener} listener
   */
  constructor(view, listener) {
    this.view = view;
    this.listener = listener;
    /** @type {Map<number, PointerEvent>} the fingers that are down */
    this.pointers = new Map();
    this.moved = 0;
    const { stage } = view;
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", (event) => this.forget(event));
    stage.addEventListener("pointerleave", () => listener.onPoint(nowhere()));
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => this.twice(event));
  }

  /** @param {MouseEvent} event */
  place(event) {
    const box = this.view.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0 && event.button !== 1) return;
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 1) this.moved = 0;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") this.listener.onPoint(this.spot(event));
      return;
    }
    const old = [...this.pointers.values()];
    this.pointers.set(event.pointerId, event);
    this.moved += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
    if (this.moved <= A_CLICK) return;
    if (!this.view.stage.hasPointerCapture(event.pointerId)) this.view.stage.setPointerCapture(event.pointerId);
    this.view.stage.classList.add("is-dragged");
    if (this.pointers.size === 1) {
      this.view.look(camera.panned(this.view.camera, event.clientX - before.clientX, event.clientY - before.clientY));
    } else this.pinch(old, [...this.pointers.values()]);
  }

  /**
   * Two fingers: their middle moves the world, their distance zooms it.
   * @param {PointerEvent[]} before
   * @param {PointerEvent[]} after
   */
  pinch(before, after) {
    const [a, b] = before;
    const [c, d] = after;
    if (!a || !b || !c || !d) return;
    const old = { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 };
    const fresh = { x: (c.clientX + d.clientX) / 2, y: (c.clientY + d.clientY) / 2 };
    const apart = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    const factor = apart ? Math.hypot(c.clientX - d.clientX, c.clientY - d.clientY) / apart : 1;
    const moved = camera.panned(this.view.camera, fresh.x - old.x, fresh.y - old.y);
    const box = this.view.stage.getBoundingClientRect();
    this.view.look(camera.zoomed(moved, factor, fresh.x - box.left, fresh.y - box.top));
  }

  /** @param {PointerEvent} event */
  up(event) {
    const isClick = this.pointers.has(event.pointerId) && this.moved <= A_CLICK && event.button === 0;
    this.forget(event);
    if (isClick) this.listener.onChoose(this.spot(event));
  }

  /** @param {PointerEvent} event */
  forget(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.view.stage.classList.remove("is-dragged");
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const { x, y } = this.place(event);
    const { view } = this;
    if (event.ctrlKey) view.look(camera.zoomed(view.camera, PINCH_STEP ** -pixels(event, event.deltaY), x, y));
    else if (isMouseWheel(event)) view.look(camera.zoomed(view.camera, WHEEL_STEP ** -pixels(event, event.deltaY), x, y));
    else {
      const [dx, dy] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      view.look(camera.panned(view.camera, -pixels(event, dx), -pixels(event, dy)));
    }
  }

  /** @param {MouseEvent} event */
  twice(event) {
    const spot = this.spot(event);
    if (spot.card >= 0) return this.listener.onTwice(spot);
    const { x, y } = this.place(event);
    this.view.travel(camera.zoomed(this.view.camera, event.shiftKey ? 0.5 : 2, x, y));
  }

  /**
   * @param {MouseEvent} event
   * @returns {Spot}
   */
  spot(event) {
    const found = nowhere();
    const { x, y } = this.place(event);
    const element = under(event, "[data-at]");
    found.card = element ? Number(element.dataset["at"]) : this.view.isNear ? -1 : this.view.cardAt(x, y);
    if (event.target instanceof Element) {
      found.port = datum(event.target, "port");
      found.open = /** @type {Spot["open"]} */ (datum(event.target, "open"));
      found.shut = /** @type {Spot["shut"]} */ (datum(event.target, "shut"));
      found.morePorts = datum(event.target, "more-ports") !== "";
      found.group = datum(event.target, "group");
    }
    if (found.card < 0 && !found.group) found.link = this.view.linkAt(x, y);
    return found;
  }
}

/** @returns {Spot} */
function nowhere() {
  return { card: -1, link: -1, port: "", open: "", shut: "", morePorts: false, group: "" };
}

/**
 * What the nearest element that has it says.
 * @param {Element} element
 * @param {string} name of a data attribute
 */
function datum(element, name) {
  return element.closest(`:is(.g-cards, .g-names) [data-${name}]`)?.getAttribute(`data-${name}`) ?? "";
}

/**
 * A wheel that clicks, not two fingers on a touchpad: it moves in one direction, by large and even steps.
 * @param {{deltaMode: number, deltaX: number, deltaY: number}} event
 */
export function isMouseWheel(event) {
  if (event.deltaMode !== 0) return true;
  return event.deltaX === 0 && Math.abs(event.deltaY) >= 50 && Number.isInteger(event.deltaY);
}

/**
 * @param {{deltaMode: number}} event
 * @param {number} delta in the event's own unit
 */
function pixels(event, delta) {
  const scaled = event.deltaMode === 1 ? delta * 16 : event.deltaMode === 2 ? delta * 400 : delta;
  return Math.max(-300, Math.min(300, scaled));
}
