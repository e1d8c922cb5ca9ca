// Which part of the world is seen. Pure: every function gives a new camera.

/** @import { Camera, Rect, Point } from "./types.js" */

export const NEAREST = 3;
export const FARTHEST = 0.02;
export const LEGIBLE = 0.8;

/** @param {number} k */
export function allowed(k) {
  return Math.min(NEAREST, Math.max(FARTHEST, k));
}

/**
 * From a point of the screen to the world.
 * @param {Camera} camera
 * @param {number} x
 * @param {number} y
 * @returns {Point}
 */
export function toWorld(camera, x, y) {
  return { x: camera.x + x / camera.k, y: camera.y + y / camera.k };
}

/**
 * From a point of the world to the screen.
 * @param {Camera} camera
 * @param {number} x
 * @param {number} y
 * @returns {Point}
 */
export function toScreen(camera, x, y) {
  return { x: (x - camera.x) * camera.k, y: (y - camera.y) * camera.k };
}

/**
 * Moved by so many pixels of the screen.
 * @param {Camera} camera
 * @param {number} dx
 * @param {number} dy
 * @returns {Camera}
 */
export function panned(camera, dx, dy) {
  return { x: camera.x - dx / camera.k, y: camera.y - dy / camera.k, k: camera.k };
}

/**
 * Zoomed by a factor, with the point of the screen staying where it is.
 * @param {Camera} camera
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @returns {Camera}
 */
export function zoomed(camera, factor, x, y) {
  const k = allowed(camera.k * factor);
  const fixed = toWorld(camera, x, y);
  return { x: fixed.x - x / k, y: fixed.y - y / k, k };
}

/**
 * With a point of the world in the middle of the screen.
 * @param {Point} point
 * @param {number} k
 * @param {number} width of the screen
 * @param {number} height
 * @returns {Camera}
 */
export function centred(point, k, width, height) {
  return { x: point.x - width / 2 / k, y: point.y - height / 2 / k, k };
}

/**
 * With all of a rectangle in sight, never nearer than `nearest`.
 * @param {Rect} rect
 * @param {number} width
 * @param {number} height
 * @param {number} nearest
 * @param {number} margin in pixels of the screen
 * @returns {Camera}
 */
export function fitting(rect, width, height, nearest = 1, margin = 32) {
  const across = Math.max(1, width - 2 * margin) / Math.max(1, rect.w);
  const down = Math.max(1, height - 2 * margin) / Math.max(1, rect.h);
  const k = allowed(Math.min(nearest, across, down));
  return centred({ x: rect.x + rect.w / 2, y: rect.y + rect.h / 2 }, k, width, height);
}

/**
 * A camera moved so that little of what is seen is empty: where the world ends on one side of the screen and goes on
 * behind the other, more of it comes into sight. A rectangle that must stay in sight does.
 * @param {Camera} camera
 * @param {Rect} world
 * @param {Rect} kept
 * @param {number} width
 * @param {number} height
 * @param {number} margin in pixels of the screen
 * @returns {Camera}
 */
export function filled(camera, world, kept, width, height, margin) {
  const edge = margin / camera.k;
  const x = along(camera.x, width / camera.k, world.x - edge, world.x + world.w + edge);
  const y = along(camera.y, height / camera.k, world.y - edge, world.y + world.h + edge);
  return revealing({ x, y, k: camera.k }, kept, width, height, margin);
}

/**
 * Where to begin to look, so that what is seen lies between two ends; in its middle where there is less to see.
 * @param {number} at
 * @param {number} seen how much is seen
 * @param {number} low
 * @param {number} high
 */
function along(at, seen, low, high) {
  if (high - low <= seen) return (low + high - seen) / 2;
  return Math.max(low, Math.min(at, high - seen));
}

/**
 * The nearest camera to this one that shows a rectangle with a margin; the same one where it is in sight already.
 * @param {Camera} camera
 * @param {Rect} rect
 * @param {number} width
 * @param {number} height
 * @param {number} margin in pixels of the screen
 * @returns {Camera}
 */
export function revealing(camera, rect, width, height, margin = 48) {
  const seen = { w: width / camera.k, h: height / camera.k };
  const edge = margin / camera.k;
  return {
    x: shifted(camera.x, seen.w, rect.x - edge, rect.w + 2 * edge),
    y: shifted(camera.y, seen.h, rect.y - edge, rect.h + 2 * edge),
    k: camera.k,
  };
}

/**
 * @param {number} start of what is seen
 * @param {number} size
 * @param {number} wantedStart
 * @param {number} wantedSize
 */
function shifted(start, size, wantedStart, wantedSize) {
  if (wantedSize > size) return wantedStart + wantedSize / 2 - size / 2;
  if (wantedStart < start) return wantedStart;
  return Math.max(start, wantedStart + wantedSize - size);
}

/**
 * Part of the way from one camera to another; zoom goes by factors, so that it looks even.
 * @param {Camera} from
 * @param {Camera} to
 * @param {number} part 0 to 1
 * @param {number} width
 * @param {number} height
 * @returns {Camera}
 */
export function between(from, to, part, width, height) {
  const eased = 1 - (1 - part) ** 3;
  const k = from.k * (to.k / from.k) ** eased;
  const a = toWorld(from, width / 2, height / 2);
  const b = toWorld(to, width / 2, height / 2);
  return centred({ x: a.x + (b.x - a.x) * eased, y: a.y + (b.y - a.y) * eased }, k, width, height);
}

/**
 * The part of the world that is seen, larger by a margin in pixels of the screen.
 * @param {Camera} camera
 * @param {number} width
 * @param {number} height
 * @param {number} margin
 * @returns {Rect}
 */
export function seen(camera, width, height, margin = 0) {
  const edge = margin / camera.k;
  return {
    x: camera.x - edge,
    y: camera.y - edge,
    w: width / camera.k + 2 * edge,
    h: height / camera.k + 2 * edge,
  };
}
