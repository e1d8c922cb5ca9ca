// Finds what lies in a part of the world: a grid of buckets, filled once for a scene.

/** @import { Rect } from "./types.js" */

const MOST_BUCKETS = 1 << 16;

export class Grid {
  /**
   * @param {readonly Rect[]} boxes what to find; the answer is places in this list
   * @param {number} size of a bucket, in world units
   */
  constructor(boxes, size) {
    this.boxes = boxes;
    const bounds = around(boxes);
    this.x = bounds.x;
    this.y = bounds.y;
    this.size = Math.max(size, Math.sqrt((bounds.w * bounds.h) / MOST_BUCKETS), bounds.w / 4096, bounds.h / 4096);
    this.across = Math.max(1, Math.ceil(bounds.w / this.size) + 1);
    this.down = Math.max(1, Math.ceil(bounds.h / this.size) + 1);
    this.fill();
    /** @type {Uint32Array} a box that lies in several buckets is found once: the search that found it last */
    this.found = new Uint32Array(boxes.length);
    this.search = 0;
  }

  /** Counts first, then places: two flat arrays instead of thousands of lists. */
  fill() {
    const counts = new Uint32Array(this.across * this.down + 1);
    this.eachBucket((bucket) => {
      counts[bucket + 1] = (counts[bucket + 1] ?? 0) + 1;
    });
    for (let at = 1; at < counts.length; at++) counts[at] = (counts[at] ?? 0) + (counts[at - 1] ?? 0);
    /** @type {Uint32Array} where each bucket starts in `places` */
    this.starts = counts;
    this.places = new Uint32Array(counts[counts.length - 1] ?? 0);
    const next = counts.slice();
    const places = this.places;
    this.eachBucket((bucket, place) => {
      const at = next[bucket] ?? 0;
      places[at] = place;
      next[bucket] = at + 1;
    });
  }

  /** @param {(bucket: number, place: number) => void} visit */
  eachBucket(visit) {
    this.boxes.forEach((box, place) => {
      const { left, top, right, bottom } = this.range(box);
      for (let row = top; row <= bottom; row++) {
        for (let column = left; column <= right; column++) visit(row * this.across + column, place);
      }
    });
  }

  /** @param {Rect} rect */
  range(rect) {
    return {
      left: clamp((rect.x - this.x) / this.size, this.across),
      top: clamp((rect.y - this.y) / this.size, this.down),
      right: clamp((rect.x + rect.w - this.x) / this.size, this.across),
      bottom: clamp((rect.y + rect.h - this.y) / this.size, this.down),
    };
  }

  /**
   * The places of all boxes that touch a rectangle, each once, in no order.
   * @param {Rect} rect
   * @returns {number[]}
   */
  within(rect) {
    const { left, top, right, bottom } = this.range(rect);
    const search = ++this.search;
    /** @type {number[]} */
    const hits = [];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) this.collect(row * this.across + column, rect, search, hits);
    }
    return hits;
  }

  /**
   * @param {number} bucket
   * @param {Rect} rect
   * @param {number} search
   * @param {number[]} hits
   */
  collect(bucket, rect, search, hits) {
    const starts = /** @type {Uint32Array} */ (this.starts);
    const places = /** @type {Uint32Array} */ (this.places);
    const end = starts[bucket + 1] ?? 0;
    for (let at = starts[bucket] ?? 0; at < end; at++) {
      const place = places[at] ?? 0;
      if (this.found[place] === search) continue;
      this.found[place] = search;
      const box = this.boxes[place];
      if (box && overlaps(box, rect)) hits.push(place);
    }
  }
}

/**
 * @param {number} value
 * @param {number} count
 */
function clamp(value, count) {
  return Math.min(count - 1, Math.max(0, Math.floor(value)));
}

/**
 * @param {Rect} a
 * @param {Rect} b
 */
export function overlaps(a, b) {
  return a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;
}

/**
 * @param {Rect} rect
 * @param {number} x
 * @param {number} y
 */
export function holds(rect, x, y) {
  return x >= rect.x && x <= rect.x + rect.w && y >= rect.y && y <= rect.y + rect.h;
}

/**
 * The rectangle around all of these; an empty one at the origin for none.
 * @param {readonly Rect[]} boxes
 * @returns {Rect}
 */
export function around(boxes) {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const box of boxes) {
    left = Math.min(left, box.x);
    top = Math.min(top, box.y);
    right = Math.max(right, box.x + box.w);
    bottom = Math.max(bottom, box.y + box.h);
  }
  return left === Infinity ? { x: 0, y: 0, w: 0, h: 0 } : { x: left, y: top, w: right - left, h: bottom - top };
}
