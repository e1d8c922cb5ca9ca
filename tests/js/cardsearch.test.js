// What is found in a picture, and in which order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { holding } from "../../src/headwater/server/static/lineage/cardsearch.js";
import { card, sceneOf } from "./scenes.js";

const scene = sceneOf([card("raw.orders", 300, 0), card("clean.orders", 0, 50), card("clean.users", 0, 0)], []);
const names = (text) => holding(scene.cards, text).map((one) => one.label);

test("cards that hold every word, from left to right and from top to bottom", () => {
  assert.deepEqual(names("ORDERS"), ["clean.orders", "raw.orders"]);
  assert.deepEqual(names("clean"), ["clean.users", "clean.orders"]);
  assert.deepEqual(names("ord clean"), ["clean.orders"]);
  assert.deepEqual(names("x"), []);
  assert.deepEqual(names("  "), []);
});

test("a column on a card counts", () => {
  const columns = sceneOf([card("t", 0, 0, { ports: [{ field: "email", y: 50, type: "" }] })], []);
  assert.deepEqual(holding(columns.cards, "mail").map((one) => one.at), [0]);
});
