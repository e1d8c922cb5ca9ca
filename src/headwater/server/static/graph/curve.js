// How a line runs through its points: it leaves and enters each of them sideways. The SVG draws it the same way.

const LEAST_BEND = 18;
const STEPS = 12;

/**
 * What takes a path: a canvas or a Path2D.
 * @typedef {Pick<CanvasRenderingContext2D, "moveTo" | "lineTo" | "bezierCurveTo">} Path
 */

/**
 * How far the handles of a curve reach.
 * @param {number} fromX
 * @param {number} toX
 */
function bend(fromX, toX) {
  return Math.max(LEAST_BEND, Math.abs(toX - fromX) / 2);
}

/**
 * Add a line to a path.
 * @param {Path} path
 * @param {Float32Array} points
 * @param {boolean} isRough straight pieces will do: it is seen from far
 */
export function trace(path, points, isRough) {
  let x = points[0] ?? 0;
  let y = points[1] ?? 0;
  path.moveTo(x, y);
  for (let at = 2; at + 1 < points.length; at += 2) {
    const toX = points[at] ?? 0;
    const toY = points[at + 1] ?? 0;
    if (isRough || y === toY || x === toX) path.lineTo(toX, toY);
    else {
      const reach = bend(x, toX);
      path.bezierCurveTo(x + reach, y, toX - reach, toY, toX, toY);
    }
    x = toX;
    y = toY;
  }
}

/**
 * How far a point is from a line, in world units.
 * @param {Float32Array} points
 * @param {number} x
 * @param {number} y
 */
export function distance(points, x, y) {
  let least = Infinity;
  for (let at = 0; at + 3 < points.length; at += 2) {
    least = Math.min(least, distanceToPiece(points, at, x, y));
  }
  return least;
}

/**
 * @param {Float32Array} points
 * @param {number} at
 * @param {number} x
 * @param {number} y
 */
function distanceToPiece(points, at, x, y) {
  const ax = points[at] ?? 0;
  const ay = points[at + 1] ?? 0;
  const bx = points[at + 2] ?? 0;
  const by = points[at + 3] ?? 0;
  const reach = bend(ax, bx);
  let least = Infinity;
  let lastX = ax;
  let lastY = ay;
  for (let step = 1; step <= STEPS; step++) {
    const t = step / STEPS;
    const nextX = ay === by ? ax + (bx - ax) * t : cubic(ax, ax + reach, bx - reach, bx, t);
    const nextY = cubic(ay, ay, by, by, t);
    least = Math.min(least, toSegment(lastX, lastY, nextX, nextY, x, y));
    lastX = nextX;
    lastY = nextY;
  }
  return least;
}

/**
 * @param {number} a
 * @param {number} b
 * @param {number} c
 * @param {number} d
 * @param {number} t
 */
function cubic(a, b, c, d, t) {
  const s = 1 - t;
  return s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
}

/**
 * @param {number} ax
 * @param {number} ay
 * @param {number} bx
 * @param {number} by
 * @param {number} x
 * @param {number} y
 */
function toSegment(ax, ay, bx, by, x, y) {
  const dx = bx - ax;
  const dy = by - ay;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}
