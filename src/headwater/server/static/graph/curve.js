// How a line runs through its points. The SVG draws it the same way.

const STEPS = 12;
const RADIUS = 7;

/**
 * What takes a path: a canvas or a Path2D.
 * @typedef {Pick<CanvasRenderingContext2D, "moveTo" | "lineTo" | "bezierCurveTo" | "arcTo">} Path
 */

/**
 * Add a line to a path: level pieces straight, others as curves that leave and enter level; a line that leads back has
 * round corners instead.
 * @param {Path} path
 * @param {{points: Float32Array, isBack: boolean}} link
 * @param {boolean} isRough straight pieces will do: it is seen from far
 */
export function trace(path, link, isRough) {
  const { points } = link;
  path.moveTo(points[0] ?? 0, points[1] ?? 0);
  for (let at = 2; at + 1 < points.length; at += 2) {
    if (link.isBack && !isRough) corner(path, points, at);
    else piece(path, points, at, isRough);
  }
}

/**
 * @param {Path} path
 * @param {Float32Array} points
 * @param {number} at
 * @param {boolean} isRough
 */
function piece(path, points, at, isRough) {
  const x = points[at - 2] ?? 0;
  const y = points[at - 1] ?? 0;
  const toX = points[at] ?? 0;
  const toY = points[at + 1] ?? 0;
  const middle = (x + toX) / 2;
  if (isRough || y === toY || x === toX) path.lineTo(toX, toY);
  else path.bezierCurveTo(middle, y, middle, toY, toX, toY);
}

/**
 * @param {Path} path
 * @param {Float32Array} points
 * @param {number} at
 */
function corner(path, points, at) {
  const x = points[at] ?? 0;
  const y = points[at + 1] ?? 0;
  if (at + 3 >= points.length) return path.lineTo(x, y);
  const nextX = points[at + 2] ?? 0;
  const nextY = points[at + 3] ?? 0;
  const room = Math.min(
    Math.hypot(x - (points[at - 2] ?? 0), y - (points[at - 1] ?? 0)) / 2,
    Math.hypot(nextX - x, nextY - y) / 2,
  );
  path.arcTo(x, y, nextX, nextY, Math.min(RADIUS, room));
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
  const middle = (ax + bx) / 2;
  if (ay === by || ax === bx) return toSegment(ax, ay, bx, by, x, y);
  let least = Infinity;
  let lastX = ax;
  let lastY = ay;
  for (let step = 1; step <= STEPS; step++) {
    const t = step / STEPS;
    const nextX = cubic(ax, middle, middle, bx, t);
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
