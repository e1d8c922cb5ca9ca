// Cameras, grids and curves: what is seen is what is found, and nothing jumps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { between, centred, filled, fitting, panned, revealing, seen, toScreen, toWorld, zoomed } from "../../src/headwater/server/static/graph/camera.js";
import { distance, trace } from "../../src/headwater/server/static/graph/curve.js";
import { Grid, around, holds, overlaps } from "../../src/headwater/server/static/graph/spatial.js";

/** A generator of numbers from 0 to 1 that depends on its seed alone. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test("a point goes to the screen and back", () => {
  const camera = { x: -40, y: 12, k: 0.37 };
  const there = toScreen(camera, 123, 456);
  const back = toWorld(camera, there.x, there.y);
  near(back.x, 123);
  near(back.y, 456);
});

test("zooming keeps the point under the pointer where it is", () => {
  let camera = { x: 5, y: 7, k: 1 };
  for (const factor of [1.3, 0.2, 4, 100, 0.0001]) {
    const before = toWorld(camera, 300, 200);
    camera = zoomed(camera, factor, 300, 200);
    const after = toWorld(camera, 300, 200);
    near(before.x, after.x);
    near(before.y, after.y);
    assert.ok(camera.k >= 0.02 && camera.k <= 3);
  }
});

test("panning moves by pixels of the screen", () => {
  const camera = panned({ x: 0, y: 0, k: 2 }, 10, -20);
  assert.deepEqual(camera, { x: -5, y: 10, k: 2 });
});

test("a fitting camera shows all of a rectangle and is never nearer than asked", () => {
  for (const rect of [{ x: 0, y: 0, w: 10, h: 10 }, { x: -500, y: 20, w: 9000, h: 300 }]) {
    const camera = fitting(rect, 800, 600, 1);
    const view = seen(camera, 800, 600);
    assert.ok(view.x <= rect.x && view.x + view.w >= rect.x + rect.w);
    assert.ok(view.y <= rect.y && view.y + view.h >= rect.y + rect.h);
    assert.ok(camera.k <= 1);
  }
});

test("what is in sight does not move the camera, what is not comes into sight", () => {
  const camera = { x: 0, y: 0, k: 1 };
  assert.deepEqual(revealing(camera, { x: 100, y: 100, w: 50, h: 50 }, 800, 600), camera);
  const moved = revealing(camera, { x: 2000, y: -900, w: 200, h: 46 }, 800, 600);
  const view = seen(moved, 800, 600);
  assert.ok(view.x <= 2000 && view.x + view.w >= 2200);
  assert.ok(view.y <= -900 && view.y + view.h >= -854);
});

test("a journey starts where it starts and ends where it ends", () => {
  const from = centred({ x: 0, y: 0 }, 1, 800, 600);
  const to = centred({ x: 4000, y: 900 }, 0.1, 800, 600);
  for (const [part, camera] of [[0, from], [1, to]]) {
    const found = between(from, to, part, 800, 600);
    near(found.x, camera.x);
    near(found.y, camera.y);
    near(found.k, camera.k);
  }
});

test("the grid finds exactly what a search through all finds", () => {
  const next = random(7);
  const boxes = Array.from({ length: 700 }, () => ({ x: next() * 5000 - 900, y: next() * 3000, w: next() * 260, h: next() * 90 }));
  const grid = new Grid(boxes, 200);
  for (let at = 0; at < 60; at++) {
    const rect = { x: next() * 6000 - 1500, y: next() * 4000 - 500, w: next() * 900, h: next() * 600 };
    const slow = boxes.flatMap((box, place) => (overlaps(box, rect) ? [place] : []));
    assert.deepEqual(grid.within(rect).sort((a, b) => a - b), slow);
  }
});

test("a grid of nothing and a grid of one point answer", () => {
  assert.deepEqual(new Grid([], 100).within({ x: 0, y: 0, w: 9, h: 9 }), []);
  assert.deepEqual(new Grid([{ x: 5, y: 5, w: 0, h: 0 }], 100).within({ x: 0, y: 0, w: 9, h: 9 }), [0]);
  assert.deepEqual(around([]), { x: 0, y: 0, w: 0, h: 0 });
  assert.ok(holds({ x: 0, y: 0, w: 2, h: 2 }, 2, 0));
});

test("a huge world does not make a huge grid", () => {
  const grid = new Grid([{ x: 0, y: 0, w: 1, h: 1 }, { x: 9e6, y: 9e6, w: 1, h: 1 }], 10);
  assert.ok(grid.across * grid.down < 2e5);
  assert.deepEqual(grid.within({ x: 8.9e6, y: 8.9e6, w: 2e5, h: 2e5 }), [1]);
});

test("a line is near its own points and far from others", () => {
  const points = Float32Array.from([0, 0, 100, 80, 200, 80]);
  near(distance(points, 0, 0), 0);
  near(distance(points, 150, 80), 0);
  near(distance(points, 150, 90), 10);
  assert.ok(distance(points, 50, 40) < 1);
  assert.ok(distance(points, 50, 400) > 300);
});

test("a line passes every point it was given", () => {
  const ends = [];
  const path = {
    moveTo: (x, y) => ends.push([x, y]),
    lineTo: (x, y) => ends.push([x, y]),
    bezierCurveTo: (a, b, c, d, x, y) => ends.push([x, y]),
    arcTo: (x, y) => ends.push([x, y]),
  };
  const points = Float32Array.from([0, 0, 10, 20, 30, 20]);
  for (const isBack of [false, true]) {
    for (const isRough of [false, true]) {
      ends.length = 0;
      trace(path, { points, isBack }, isRough);
      assert.deepEqual(ends, [[0, 0], [10, 20], [30, 20]]);
    }
  }
});

test("a camera is moved to where there is something to see, and what must be seen stays in sight", () => {
  const root = { x: 1900, y: 100, w: 208, h: 46 };
  const world = { x: 0, y: 0, w: 2108, h: 200 };
  const middle = centred({ x: 2004, y: 123 }, 1, 1000, 700);
  const moved = filled(middle, world, root, 1000, 700, 56);
  assert.deepEqual(moved, { x: 2108 + 56 - 1000, y: 100 - 350, k: 1 }); // at the right end; low worlds stand in the middle
  const amid = centred({ x: 1054, y: 123 }, 1, 1000, 700);
  assert.equal(filled(amid, world, { ...root, x: 950 }, 1000, 700, 56).x, amid.x); // something on both sides: as it was
});
