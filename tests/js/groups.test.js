// Where the names of groups stand, and which group a card is in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { groupOf, nameSpot } from "../../src/headwater/server/static/graph/groups.js";
import { card, sceneOf } from "./scenes.js";

const group = { key: "group:db", label: "db", x: 100, y: 200, w: 1000, h: 300, words: "" };
const at = (x, y, k) => ({ x, y, k });

test("a name stands in its box where cards can be read, above it where they cannot", () => {
  assert.deepEqual(nameSpot(group, at(0, 0, 1), 1280, 800, true), { x: 104, y: 202, widest: 992 });
  const far = nameSpot(group, at(0, 0, 0.2), 1280, 800, false);
  assert.deepEqual([far.x, far.y], [24, 16]);
  assert.ok(far.widest >= 140);
});

test("a name stays in sight as long as a part of its box is", () => {
  const spot = nameSpot(group, at(600, 300, 1), 1280, 800, true);
  assert.deepEqual([spot.x, spot.y], [4, 4], "at the edge of the screen, where the box begins behind it");
  const last = nameSpot(group, at(600, 490, 1), 1280, 800, true);
  assert.equal(last.y, 10 - 24, "it leaves with the last of the box");
  assert.equal(nameSpot(group, at(1200, 0, 1), 1280, 800, true), null);
  assert.equal(nameSpot(group, at(0, 600, 1), 1280, 800, true), null);
});

test("a box that is too small has no name", () => {
  assert.equal(nameSpot(group, at(0, 0, 0.02), 1280, 800, false), null);
});

test("a card is in the group around its middle", () => {
  const scene = { ...sceneOf([card("a", 300, 250), card("b", 5000, 250)], []), groups: [group] };
  assert.equal(groupOf(scene, scene.cards[0]), group);
  assert.equal(groupOf(scene, scene.cards[1]), undefined);
});
