// The whole picture in a corner, with a frame around what is seen. It can be dragged.

import { make } from "../js/elements.js";
import * as camera from "./camera.js";
import { ofChange } from "./colours.js";

/** @import { GraphView } from "./view.js" */

const FEWEST = 12;

export class Minimap {
  /**
   * @param {HTMLElement} place
   * @param {GraphView} view
   */
  constructor(place, view) {
    this.place = place;
    this.view = view;
    this.canvas = make("canvas");
    this.frame = make("div", "g-frame");
    place.append(this.canvas, this.frame);
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    place.addEventListener("pointerdown", (event) => {
      place.setPointerCapture(event.pointerId);
      this.go(event);
    });
    place.addEventListener("pointermove", (event) => {
      if (place.hasPointerCapture(event.pointerId)) this.go(event);
    });
  }

  /** @param {PointerEvent} event */
  go(event) {
    const box = this.place.getBoundingClientRect();
    const x = (event.clientX - box.left) / this.scale + this.left;
    const y = (event.clientY - box.top) / this.scale + this.top;
    this.view.look(camera.centred({ x, y }, this.view.camera.k, this.view.width, this.view.height));
  }

  /** Draw the scene; a small one needs no map. */
  draw() {
    const { scene, colours } = this.view;
    this.place.hidden = scene.cards.length < FEWEST;
    if (this.place.hidden) return;
    const { clientWidth: width, clientHeight: height } = this.place;
    const density = devicePixelRatio || 1;
    this.canvas.width = width * density;
    this.canvas.height = height * density;
    const { bounds } = scene;
    this.scale = Math.min(width / Math.max(1, bounds.w), height / Math.max(1, bounds.h)) * 0.94;
    this.left = bounds.x + bounds.w / 2 - width / 2 / this.scale;
    this.top = bounds.y + bounds.h / 2 - height / 2 / this.scale;
    const to = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const k = this.scale * density;
    to.setTransform(k, 0, 0, k, -this.left * k, -this.top * k);
    const least = 1.5 / this.scale;
    for (const card of scene.cards) {
      to.fillStyle = colours[ofChange(card) ?? (card.isRoot ? "root" : card.colour)];
      to.fillRect(card.x, card.y, Math.max(card.w, least), Math.max(card.h, least));
    }
    this.follow();
  }

  /** Move the frame to what is seen. */
  follow() {
    if (this.place.hidden) return;
    const { camera: seen, width, height } = this.view;
    const { style } = this.frame;
    style.transform = `translate(${(seen.x - this.left) * this.scale}px, ${(seen.y - this.top) * this.scale}px)`;
    style.width = `${(width / seen.k) * this.scale}px`;
    style.height = `${(height / seen.k) * this.scale}px`;
  }
}
