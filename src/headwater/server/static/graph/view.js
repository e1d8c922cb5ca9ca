// The canvas as a whole: a scene, a camera, what is lit; draws itself when one of them changes.

import { make } from "../js/elements.js";
import * as camera from "./camera.js";
import { CardPool } from "./cards.js";
import { readColours } from "./colours.js";
import { distance } from "./curve.js";
import { GroupNames } from "./groups.js";
import { Layer } from "./layer.js";
import { drawCards, drawFocus, drawGroups, drawLinks } from "./paint.js";
import { emptyScene } from "./scene.js";
import { Grid, holds } from "./spatial.js";

/** @import { Scene, Camera, Lit, Rect } from "./types.js" */

const NEAR = 0.55;
const MOST_NEAR = 260;
const HEAVY = 1500;
const SETTLE_MS = 120;
const JOURNEY_MS = 280;
const REACH = 6;

export class GraphView {
  /**
   * @param {HTMLElement} stage an empty element that the canvas fills
   * @param {() => void} onMove called after each frame that moved
   */
  constructor(stage, onMove) {
    this.stage = stage;
    this.onMove = onMove;
    this.base = new Layer(make("canvas", "g-base"));
    this.top = new Layer(make("canvas"));
    this.holder = make("div", "g-cards");
    const names = make("div", "g-names");
    stage.append(this.base.canvas, this.top.canvas, this.holder, names);
    this.names = new GroupNames(names);
    this.pool = new CardPool(this.holder);
    this.colours = readColours(stage);
    this.scene = emptyScene();
    /** @type {Camera} */
    this.camera = { x: 0, y: 0, k: 1 };
    /** @type {Lit | null} */
    this.lit = null;
    this.active = -1;
    this.isNear = false;
    this.width = 0;
    this.height = 0;
    this.frameAsked = 0;
    this.settling = 0;
    /** @type {{from: Camera, to: Camera, start: number} | null} */
    this.journey = null;
    this.isStill = matchMedia("(prefers-reduced-motion: reduce)");
    this.indexScene();
    this.resize();
    new ResizeObserver(() => this.resize()).observe(stage);
  }

  indexScene() {
    this.cardGrid = new Grid(this.scene.cards, 256);
    this.linkGrid = new Grid(this.scene.links.map((link) => link.box), 512);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (width === this.width && height === this.height) return;
    if (this.width) this.camera = camera.panned(this.camera, (width - this.width) / 2, (height - this.height) / 2);
    this.width = width;
    this.height = height;
    for (const layer of [this.base, this.top]) layer.resize(width, height, devicePixelRatio || 1);
    this.ask();
  }

  /**
   * Show another picture; the camera stays where it is.
   * @param {Scene} scene
   */
  setScene(scene) {
    this.scene = scene;
    this.active = -1;
    this.indexScene();
    this.pool.clear();
    this.light(null);
    this.spoil();
  }

  /**
   * Draw some cards anew: what they say has changed.
   * @param {Iterable<number>} places
   */
  refreshCards(places) {
    for (const at of places) this.pool.drop(at);
    this.spoil();
  }

  /** Draw everything anew: colours, marks of cards. */
  refresh() {
    this.colours = readColours(this.stage);
    this.pool.clear();
    this.spoil();
  }

  spoil() {
    this.base.spoil();
    this.top.spoil();
    this.ask();
  }

  /** @param {Lit | null} lit */
  light(lit) {
    this.lit = lit;
    this.stage.classList.toggle("has-lit", lit !== null);
    this.top.spoil();
    this.ask();
  }

  /** @param {number} at */
  setActive(at) {
    this.active = at;
    this.top.spoil();
    this.ask();
  }

  /** @param {Camera} next */
  look(next) {
    this.journey = null;
    this.camera = next;
    this.ask();
  }

  /**
   * Go there smoothly; at once where motion is not wanted.
   * @param {Camera} next
   */
  travel(next) {
    if (this.isStill.matches) this.look(next);
    else {
      this.journey = { from: this.camera, to: next, start: performance.now() };
      this.ask();
    }
  }

  /** @param {number} at */
  reveal(at) {
    const card = this.scene.cards[at];
    if (!card) return;
    const from = this.journey?.to ?? this.camera;
    this.travel(camera.revealing(from, card, this.width, this.height));
  }

  ask() {
    if (!this.frameAsked) this.frameAsked = requestAnimationFrame((now) => this.frame(now));
  }

  /** @param {number} now */
  frame(now) {
    this.frameAsked = 0;
    if (!this.width || !this.height) return;
    this.advance(now);
    const visible = this.cardGrid?.within(camera.seen(this.camera, this.width, this.height, 160)) ?? [];
    const isNear = this.camera.k >= NEAR && visible.length <= MOST_NEAR;
    if (isNear !== this.isNear) {
      this.isNear = isNear;
      this.base.spoil();
      this.top.spoil();
    }
    this.placeCards(isNear ? visible : []);
    const isHeavy = this.scene.links.length + this.scene.cards.length > HEAVY;
    const states = [
      this.show(this.base, isHeavy, (rect) => this.paintBase(rect)),
      this.show(this.top, isHeavy, (rect) => this.paintTop(rect)),
    ];
    if (states.includes("stretched")) this.settle();
    this.onMove();
    if (this.journey) this.ask();
  }

  /** @param {number} now */
  advance(now) {
    const { journey } = this;
    if (!journey) return;
    const part = Math.min(1, Math.max(0, (now - journey.start) / JOURNEY_MS));
    this.camera = part === 1 ? journey.to : camera.between(journey.from, journey.to, part, this.width, this.height);
    if (part === 1) this.journey = null;
  }

  /**
   * @param {Layer} layer
   * @param {boolean} isHeavy
   * @param {(rect: Rect) => void} paint
   */
  show(layer, isHeavy, paint) {
    const state = layer.move(this.camera, isHeavy);
    if (state === "stale") paint(layer.begin(this.camera));
    return state;
  }

  /** What was stretched is drawn again when the zoom rests. */
  settle() {
    clearTimeout(this.settling);
    this.settling = window.setTimeout(() => this.spoil(), SETTLE_MS);
  }

  /** @param {number[]} visible */
  placeCards(visible) {
    const { x, y, k } = this.camera;
    this.holder.style.transform = `translate(${-x * k}px, ${-y * k}px) scale(${k})`;
    this.holder.classList.toggle("is-far", !this.isNear);
    if (this.active >= 0) visible.push(this.active); // the focus needs its element
    this.names.follow(this.scene, this.camera, this.width, this.height, this.isNear);
    this.pool.hold(this.scene, visible);
    this.pool.light(this.lit, this.active);
  }

  /** @param {Rect} rect */
  paintBase(rect) {
    const drawing = { to: this.base.context, scene: this.scene, colours: this.colours, k: this.camera.k };
    drawGroups(drawing);
    drawLinks(drawing, this.linkGrid?.within(rect) ?? [], false);
    if (!this.isNear) drawCards(drawing, this.cardGrid?.within(rect) ?? []);
  }

  /** @param {Rect} rect */
  paintTop(rect) {
    const { lit } = this;
    const drawing = { to: this.top.context, scene: this.scene, colours: this.colours, k: this.camera.k };
    if (!this.isNear) drawFocus(drawing, this.active);
    if (!lit) return;
    drawLinks(drawing, (this.linkGrid?.within(rect) ?? []).filter((place) => lit.links.has(place)), true);
    if (this.isNear) return;
    drawCards(drawing, (this.cardGrid?.within(rect) ?? []).filter((place) => lit.cards.has(place)));
  }

  /**
   * The card at a point of the stage, -1 for none.
   * @param {number} x
   * @param {number} y
   */
  cardAt(x, y) {
    const point = camera.toWorld(this.camera, x, y);
    const hits = this.cardGrid?.within({ x: point.x, y: point.y, w: 0, h: 0 }) ?? [];
    return hits.find((at) => holds(/** @type {Rect} */ (this.scene.cards[at]), point.x, point.y)) ?? -1;
  }

  /**
   * The link nearest to a point of the stage, -1 when none is within reach.
   * @param {number} x
   * @param {number} y
   */
  linkAt(x, y) {
    const point = camera.toWorld(this.camera, x, y);
    const reach = REACH / this.camera.k;
    const around = { x: point.x - reach, y: point.y - reach, w: 2 * reach, h: 2 * reach };
    let best = -1;
    let least = reach;
    for (const place of this.linkGrid?.within(around) ?? []) {
      const far = distance(this.scene.links[place]?.points ?? new Float32Array(), point.x, point.y);
      if (far < least) [best, least] = [place, far];
    }
    return best;
  }
}
