// A canvas that is larger than what is seen, so that panning moves it and draws nothing until its margin is used up.

/** @import { Camera, Rect } from "./types.js" */

const MARGIN = 240;
const MOST_PIXELS = 12e6;

export class Layer {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.width = 0;
    this.height = 0;
    this.scale = 1;
    /** @type {Camera | null} the camera that was drawn; null when what is drawn is not right any more */
    this.drawn = null;
  }

  /**
   * @param {number} width of what is seen
   * @param {number} height
   * @param {number} density pixels of the device to one of the page
   */
  resize(width, height, density) {
    const wide = width + 2 * MARGIN;
    const high = height + 2 * MARGIN;
    this.scale = Math.min(density, Math.sqrt(MOST_PIXELS / (wide * high)));
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(wide * this.scale);
    this.canvas.height = Math.round(high * this.scale);
    this.canvas.style.width = `${wide}px`;
    this.canvas.style.height = `${high}px`;
    this.drawn = null;
  }

  spoil() {
    this.drawn = null;
  }

  /**
   * Show the camera by moving what is drawn, where that is enough.
   * @param {Camera} camera
   * @param {boolean} mayStretch what is drawn may be stretched for a moment
   * @returns {"done" | "stretched" | "stale"}
   */
  move(camera, mayStretch) {
    const { drawn } = this;
    if (!drawn) return "stale";
    const ratio = camera.k / drawn.k;
    const x = (drawn.x - camera.x) * camera.k - MARGIN * ratio;
    const y = (drawn.y - camera.y) * camera.k - MARGIN * ratio;
    const isCovering =
      x <= 0 && y <= 0 && x + (this.width + 2 * MARGIN) * ratio >= this.width && y + (this.height + 2 * MARGIN) * ratio >= this.height;
    if (ratio === 1 ? !isCovering : !mayStretch || ratio < 0.4 || ratio > 2.5) return "stale";
    this.canvas.style.transform = `translate(${x}px, ${y}px) scale(${ratio})`;
    return ratio === 1 ? "done" : "stretched";
  }

  /**
   * Begin anew: the context is cleared and takes world units.
   * @param {Camera} camera
   * @returns {Rect} the part of the world to draw
   */
  begin(camera) {
    const { context, scale } = this;
    const edge = MARGIN / camera.k;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const k = camera.k * scale;
    context.setTransform(k, 0, 0, k, (edge - camera.x) * k, (edge - camera.y) * k);
    this.drawn = camera;
    this.canvas.style.transform = `translate(${-MARGIN}px, ${-MARGIN}px)`;
    return {
      x: camera.x - edge,
      y: camera.y - edge,
      w: (this.width + 2 * MARGIN) / camera.k,
      h: (this.height + 2 * MARGIN) / camera.k,
    };
  }
}
