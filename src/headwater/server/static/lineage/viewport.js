// Where the canvas looks: at the root at first, and where an address says.

import * as camera from "../graph/camera.js";
import { rootOf } from "../graph/steps.js";

/** @import { Card } from "../graph/types.js" */
/** @import { GraphView } from "../graph/view.js" */

const MARGIN = 56;
const NEAREST = 1.1;
/** a way is seen whole, as long as its names can be read at all */
const LEAST_OF_WAYS = 0.55;
const MARGIN_OF_WAYS = 24;
/** the controls at the foot of the canvas cover no end of a way */
const FOOT = 44;

export class Viewport {
  /** @param {GraphView} view */
  constructor(view) {
    this.view = view;
    /** both ends of a way are in sight, if that can be */
    this.isWay = false;
  }

  /** How wide the world may be to be legible as a whole. */
  wide() {
    return Math.max(1, Math.floor((this.view.width - 2 * MARGIN_OF_WAYS) / camera.LEGIBLE));
  }

  isTooWide() {
    return this.view.scene.bounds.w > this.wide();
  }

  /**
   * Everything, where it can be read so; else the root in the middle, as far as there is something on both its sides.
   * @param {boolean} isSmooth
   */
  home(isSmooth) {
    const { view } = this;
    const root = view.scene.cards[rootOf(view.scene)];
    if (!root) return;
    const [margin, least] = this.isWay ? [MARGIN_OF_WAYS, LEAST_OF_WAYS] : [MARGIN, camera.LEGIBLE];
    const room = view.height - (this.isWay ? FOOT : 0);
    const whole = camera.fitting(view.scene.bounds, view.width, room, NEAREST, margin);
    const near = camera.centred({ x: root.x + root.w / 2, y: root.y + root.h / 2 }, 1, view.width, view.height);
    const { scene, width, height } = view;
    const next = whole.k >= least ? whole : camera.filled(near, scene.bounds, root, width, height, MARGIN);
    if (isSmooth) view.travel(next);
    else view.look(next);
  }

  /** The corner of the root: a viewport in an address starts there, for a picture made anew may stand elsewhere. */
  rootPlace() {
    return this.view.scene.cards[rootOf(this.view.scene)] ?? { x: 0, y: 0 };
  }

  /** @param {{x: number, y: number, k: number} | null} at from the corner of the root */
  goBack(at) {
    const { x, y } = this.rootPlace();
    if (at) this.view.look({ x: at.x + x, y: at.y + y, k: camera.allowed(at.k) });
    else this.home(false);
  }

  /**
   * A card that was looked for: in sight, and near enough to be read.
   * @param {Card} card
   */
  goTo(card) {
    const { view } = this;
    if (view.camera.k >= camera.LEGIBLE) return view.reveal(card.at);
    const middle = { x: card.x + card.w / 2, y: card.y + card.h / 2 };
    return view.travel(camera.centred(middle, camera.LEGIBLE, view.width, view.height));
  }

  /** Everything. */
  fit() {
    const { view } = this;
    view.travel(camera.fitting(view.scene.bounds, view.width, view.height));
  }

  /** @param {number} factor */
  zoom(factor) {
    const { view } = this;
    view.travel(camera.zoomed(view.journey?.to ?? view.camera, factor, view.width / 2, view.height / 2));
  }
}
