// What belongs together: the path through a card, through a line, through a column; and where arrow keys lead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { portKey, throughCard, throughLink, throughPort } from "../../src/headwater/server/static/graph/paths.js";
import { rootOf, step } from "../../src/headwater/server/static/graph/steps.js";
import { litColumns } from "../../src/headwater/server/static/lineage/inspector.js";
import { card, link, sceneOf } from "./scenes.js";

/** a -> b -> d, a -> c -> d, e -> d, and a cycle d -> b */
const diamond = () =>
  sceneOf(
    [card("a", 0, 100), card("b", 200, 0), card("c", 200, 200), card("d", 400, 100, { is_root: true }), card("e", 200, 400)],
    [link("a", "b"), link("a", "c"), link("b", "d"), link("c", "d"), link("e", "d"), link("d", "b", { is_back: true })],
  );

test("a card's path is everything before and after it", () => {
  const lit = throughCard(diamond(), 2);
  assert.deepEqual([...lit.cards].sort(), [0, 1, 2, 3]);
  assert.ok(lit.links.has(1) && lit.links.has(3));
  assert.ok(!lit.links.has(0), "a sibling's line is not on the path");
  assert.ok(!lit.cards.has(4), "another source of the target is not on the path");
});

test("a cycle ends", () => {
  const lit = throughCard(diamond(), 1);
  assert.deepEqual([...lit.cards].sort(), [0, 1, 2, 3, 4]);
});

test("a line's path has both its ends", () => {
  const lit = throughLink(diamond(), 4);
  assert.deepEqual([...lit.cards].sort(), [1, 3, 4]);
  assert.deepEqual([...throughLink(diamond(), 99).cards], []);
});

test("a column's path follows its own lines alone", () => {
  const ports = { ports: [{ field: "x", type: "int", y: 58 }, { field: "y", type: "", y: 82 }] };
  const scene = sceneOf(
    [card("a", 0, 0, ports), card("b", 200, 0, ports), card("c", 400, 0, ports)],
    [
      link("a", "b", { source_port: "x", target_port: "y" }),
      link("a", "b", { source_port: "y", target_port: "x" }),
      link("b", "c", { source_port: "y", target_port: "x" }),
    ],
  );
  const lit = throughPort(scene, 1, "y");
  assert.deepEqual([...lit.links].sort(), [0, 2]);
  assert.deepEqual([...lit.ports].sort(), [portKey(0, "x"), portKey(1, "y"), portKey(2, "x")].sort());
});

test("a path of columns from the server lights jobs between its cards", () => {
  const pill = card("job", 100, 0, { kind: "job", h: 26 });
  const scene = sceneOf(
    [card("a", 0, 0), pill, card("b", 200, 0), card("c", 200, 90)],
    [link("a", "job"), link("job", "b"), link("job", "c")],
  );
  const lit = litColumns(scene, { columns: { a: ["x"], b: ["y"], elsewhere: ["z"] }, edges: [["a", "x", "b", "y"]] });
  assert.deepEqual([...lit.cards].sort(), [0, 1, 2]);
  assert.deepEqual([...lit.links].sort(), [0, 1]);
});

test("a scene says what a card is by its shape and colour", () => {
  const scene = sceneOf(
    [card("m", 0, 0, { type: "model" }), card("j", 0, 90, { kind: "job", h: 26 }), card("group:a", 0, 180, { kind: "group", node: "" })],
    [link("m", "j", { how: "inferred" }), link("j", "m", { is_indirect: true })],
    { changes: { m: "added" }, link_changes: ["removed", ""] },
  );
  assert.deepEqual(scene.cards.map((one) => one.shape), ["card", "pill", "group"]);
  assert.deepEqual(scene.cards.map((one) => one.colour), ["model", "data", "data"]);
  assert.deepEqual(scene.cards.map((one) => one.change), ["added", "", ""]);
  assert.deepEqual(scene.links.map((one) => one.isDashed), [true, true]);
  assert.deepEqual(scene.links.map((one) => one.change), ["removed", ""]);
});

test("arrow keys walk along the flow, and to the nearest card up and down", () => {
  const scene = diamond();
  assert.equal(rootOf(scene), 3);
  assert.equal(step(scene, -1, "left"), 3);
  assert.equal(step(scene, 0, "left"), 0, "nothing is upstream of a source");
  assert.equal(step(scene, 4, "right"), 3);
  assert.equal(step(scene, 1, "down"), 2);
  assert.equal(step(scene, 2, "up"), 1);
  assert.equal(step(scene, 2, "down"), 4);
  assert.equal(rootOf(sceneOf([], [])), -1);
});

test("a path through 5,000 cards takes less than a blink", () => {
  const cards = Array.from({ length: 5000 }, (_, at) => card(String(at), (at % 70) * 250, Math.floor(at / 70) * 60));
  const links = Array.from({ length: 12000 }, (_, at) => link(String(at % 4900), String((at % 4900) + (at < 4900 ? 1 : 70))));
  const scene = sceneOf(cards, links);
  let least = Infinity;
  for (let time = 0; time < 5; time++) {
    const start = process.cpuUsage().user;
    const lit = throughCard(scene, 2500);
    least = Math.min(least, process.cpuUsage().user - start);
    assert.ok(lit.cards.size > 1000, String(lit.cards.size));
  }
  assert.ok(least < 50_000, `${least} microseconds`);
});
