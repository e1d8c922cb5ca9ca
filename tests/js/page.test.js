// What the page does around the canvas: addresses that bring a view back, keys, the way one came.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainState, question, readAddress, turned, writeAddress } from "../../src/headwater/server/static/lineage/address.js";
import { visited } from "../../src/headwater/server/static/lineage/breadcrumbs.js";
import { fileName, pngScale, smallerWords } from "../../src/headwater/server/static/lineage/export.js";
import { commandOf } from "../../src/headwater/server/static/lineage/commands.js";
import { nextTheme } from "../../src/headwater/server/static/js/theme.js";
import { isMouseWheel } from "../../src/headwater/server/static/graph/input.js";
import { words } from "../../src/headwater/server/static/graph/cards.js";

const HOSTILE = "dataset:s3://a&b=c#d?e:<script>\u202e\n\u0000\"'%";

test("an address brings back what it was made from", () => {
  const state = {
    ...plainState(),
    root: HOSTILE,
    up: 3,
    down: 0,
    opened: { up: [HOSTILE, "b"], down: [] },
    shut: { up: [], down: ["c"] },
    as_of: "@1.5",
    against: "2026-01-01",
    to: "z",
    columns: true,
    jobs: "edges",
    kinds: "TABLE",
    limit: 50,
    group: "selector",
    by: `tag:pii & !'a;b'; ${HOSTILE}`,
    found: { [HOSTILE]: [HOSTILE] },
    collapsed: [HOSTILE],
    at: { x: -12, y: 40, k: 0.825 },
    pin: HOSTILE,
    port: "column",
    change: "drop",
    column: "x",
  };
  assert.deepEqual(readAddress(writeAddress(state)), state);
});

test("what is as usual is not in the address", () => {
  assert.equal(writeAddress({ ...plainState(), root: "a" }), "root=a");
});

test("an address that somebody mangled gives what is usual", () => {
  const state = readAddress("root=a&up=-1&down=9999999&opened={&at=1,2&limit=x&jobs=no&shut=[1]");
  assert.deepEqual(state, { ...plainState(), root: "a" });
});

test("the server is asked for what the address says", () => {
  const body = question({ ...plainState(), root: "a", as_of: "now" }, { a: [1, 2, 3, 4] });
  assert.equal(body.as_of, "now");
  assert.deepEqual(body.placed, { a: [1, 2, 3, 4] });
  assert.ok(!("at" in body) && !("pin" in body));
});

test("opening and shutting: the last word counts, in each direction on its own", () => {
  let state = turned(plainState(), "a", "up", "open");
  state = turned(state, "a", "down", "open");
  state = turned(state, "a", "up", "shut");
  assert.deepEqual(state.opened, { up: [], down: ["a"] });
  assert.deepEqual(state.shut, { up: ["a"], down: [] });
  state = turned(state, "a", "up", "open");
  assert.deepEqual(state.shut, { up: [], down: [] });
});

test("the way one came is shortened by going back, and never long", () => {
  const way = [{ node: "a" }, { node: "b" }, { node: "c" }];
  assert.deepEqual(visited(way, { node: "b" }), [{ node: "a" }, { node: "b" }]);
  assert.equal(visited([1, 2, 3, 4, 5, 6].map((node) => ({ node })), { node: 7 }).length, 6);
});

test("keys with Ctrl are the browser's", () => {
  const page = { querySelector: () => assert.fail("nothing is looked up") };
  assert.equal(commandOf(page, { key: "c", ctrlKey: true, metaKey: false, altKey: false }), "");
});

test("the theme goes round", () => {
  assert.deepEqual(["system", "light", "dark", undefined, "odd"].map(nextTheme), ["light", "dark", "system", "light", "system"]);
});

test("a mouse wheel is told from a touchpad", () => {
  assert.ok(isMouseWheel({ deltaMode: 1, deltaX: 0, deltaY: 3 }));
  assert.ok(isMouseWheel({ deltaMode: 0, deltaX: 0, deltaY: -120 }));
  assert.ok(!isMouseWheel({ deltaMode: 0, deltaX: 3, deltaY: 120 }));
  assert.ok(!isMouseWheel({ deltaMode: 0, deltaX: 0, deltaY: 7.5 }));
});

test("a file's name holds nothing that a system minds", () => {
  assert.equal(fileName("../../etc/passwd\n<a>"), "..-..-etc-passwd-a");
  assert.equal(fileName("///"), "lineage");
});

test("a screen reader hears the name, what it is, and how much is not shown", () => {
  const card = { label: "orders", shape: "card", word: "table", state: "", change: "added", severity: "", up: 2, down: 0 };
  assert.equal(words(card), "orders, table, added, 2 more upstream");
});

test("a picture that is too large is drawn smaller, and that is said", () => {
  assert.equal(pngScale(1000, 800), 2);
  assert.equal(smallerWords(pngScale(1000, 800)), "");
  assert.equal(pngScale(5000, 5000), 1);
  assert.match(smallerWords(pngScale(5000, 5000)), /at 50 % of its usual size\. The SVG is sharp/);
  assert.equal(pngScale(32_768, 10), 0.5);
  assert.match(smallerWords(1.999), /at 99 %/);
});
