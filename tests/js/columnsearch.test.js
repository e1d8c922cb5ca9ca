// The search in a card: what fits what was typed, and what comes onto the card.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainState, question, readAddress, writeAddress } from "../../src/headwater/server/static/lineage/address.js";
import { brought, fitting } from "../../src/headwater/server/static/lineage/columnsearch.js";

const COLUMNS = [["user_id", "int"], ["id", "int"], ["Identity", "text"], ["mean radius", ""]];
const names = (text) => fitting(COLUMNS, text).map(([name]) => name);

test("every word must be in a column's name; those that begin with the first come first", () => {
  assert.deepEqual(names("id"), ["id", "Identity", "user_id"]);
  assert.deepEqual(names("ID user"), ["user_id"]);
  assert.deepEqual(names("rad mean"), ["mean radius"]);
  assert.deepEqual(names("nothing"), []);
});

test("nothing typed fits everything, in the order of the table", () => {
  assert.deepEqual(fitting(COLUMNS, "  "), COLUMNS);
});

test("a column that was chosen stands first, once, and no more than a card holds", () => {
  const known = { a: ["one"], b: ["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"] };
  assert.deepEqual(brought(known, "a", "two").a, ["two", "one"]);
  assert.deepEqual(brought(known, "b", "x3").b, ["x3", "x1", "x2", "x4", "x5", "x6", "x7", "x8"]);
  assert.deepEqual(brought(known, "b", "new").b.length, 8);
  assert.deepEqual(brought({}, "c", "z"), { c: ["z"] });
  assert.deepEqual(known.a, ["one"]);
});

test("what was found is in the address and in what the server is asked", () => {
  const state = { ...plainState(), root: "r", found: { "dataset:db:t": ['a,"b'] } };
  assert.deepEqual(readAddress(writeAddress(state)).found, state.found);
  assert.deepEqual(question(state).found, state.found);
  for (const wrong of ["", "[1]", "3", "{", '{"a":1}']) {
    assert.ok(Object.values(readAddress(`found=${encodeURIComponent(wrong)}`).found).every(Array.isArray));
  }
});

test("a pinned column is in the address without a NUL, which no server takes", () => {
  const state = { ...plainState(), root: "r", pin: "dataset:db:t", port: "a column" };
  assert.equal(writeAddress(state), "root=r&pin=dataset%3Adb%3At&port=a+column");
  assert.deepEqual(readAddress(writeAddress(state)), state);
  assert.equal(readAddress("pin=x").pin, "x");
});
