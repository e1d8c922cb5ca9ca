// The stream of changes against a server of its own: messages, resuming, silence, refusal, polling; and tabs that share it.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, test } from "node:test";
import { StreamReader } from "../../src/headwater/server/static/js/eventstream.js";
import { Live } from "../../src/headwater/server/static/js/live.js";
import { concerns, setState } from "../../src/headwater/server/static/lineage/liveupdates.js";
import { card, link, sceneOf } from "./scenes.js";

const QUICK = { silenceMs: 400, retryMs: 5, mostRetryMs: 20, pollMs: 20, patience: 3 };

/** What is open is closed after each test, one that failed too: else the process would go on for ever. */
const closing = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A server that answers each request for the stream with the next of some plays. */
async function served(plays, runs = []) {
  const asked = [];
  const open = new Set();
  const server = createServer((request, response) => {
    open.add(response);
    if (request.url.startsWith("/api/v1/runs")) return response.end(JSON.stringify({ runs: runs.shift() ?? [] }));
    asked.push(request.headers["last-event-id"] ?? "");
    return plays[Math.min(asked.length, plays.length) - 1](response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    for (const response of open) response.destroy();
    server.close();
  };
  closing.push(close);
  return { base: `http://127.0.0.1:${server.address().port}`, asked, close };
}

const sending = (...messages) => (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const [id, topic, data] of messages) response.write(`id: ${id}\nevent: ${topic}\ndata: ${JSON.stringify(data)}\n\n`);
};
const failing = (status) => (response) => response.writeHead(status).end();
const ending = (play) => (response) => {
  play(response);
  response.end();
};

const until = async (condition) => {
  for (let at = 0; at < 1500 && !condition(); at++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
};

async function listening(plays, runs) {
  const server = await served(plays, runs);
  const live = new Live({ ...QUICK, base: server.base });
  const heard = [];
  const seen = [];
  live.on("runs", (data) => heard.push(data));
  live.watch((status) => seen.push(status));
  const done = live.start();
  closing.push(() => live.stop());
  return {
    ...server,
    live,
    heard,
    seen,
    async finish() {
      live.stop();
      server.close();
      await done;
    },
  };
}

test("text is cut into messages wherever it was torn", () => {
  const text = ": hello\n\nid: 7\nevent: runs\ndata: {\"a\":\ndata: 1}\n\nretry: 5\n\ndata: nonsense\n\nid: 8\r\nevent: edges\r\ndata: {}\r\n\r\n";
  const wanted = [{ id: "7", topic: "runs", data: { a: 1 } }, { id: "8", topic: "edges", data: {} }];
  assert.deepEqual(new StreamReader().push(text), wanted);
  for (let cut = 1; cut < text.length; cut += 3) {
    const reader = new StreamReader();
    assert.deepEqual([...reader.push(text.slice(0, cut)), ...reader.push(text.slice(cut))].length, 2, `cut at ${cut}`);
  }
});

test("messages arrive, and after a break it goes on from the last", async () => {
  const one = await listening([ending(sending(["1", "runs", { job: "a" }])), sending(["2", "runs", { job: "b" }])]);
  await until(() => one.heard.length === 2);
  assert.deepEqual(one.asked.slice(0, 2), ["", "1"]); // a machine that is busy is silent, and asks once more
  assert.deepEqual(one.heard.map((data) => data.job), ["a", "b"]);
  assert.ok(one.seen.includes("live"));
  await one.finish();
});

test("who is cut off before the first message goes on from where the stream began", async () => {
  const opening = (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.end("retry: 5\nid: 4.0.0\n\n");
  };
  const one = await listening([opening, sending(["5", "runs", { job: "a" }])]);
  await until(() => one.heard.length === 1);
  assert.deepEqual(one.asked.slice(0, 2), ["", "4.0.0"]);
  await one.finish();
});

test("a stream that falls silent is opened again: so a computer that slept catches up", async () => {
  const one = await listening([sending(["5", "runs", {}]), sending(["6", "runs", {}])]);
  await until(() => one.heard.length === 2);
  assert.deepEqual(one.asked.slice(0, 2), ["", "5"]);
  await one.finish();
});

test("who may not listen does not ask again and again", async () => {
  const one = await listening([failing(401)]);
  await until(() => one.seen.includes("off"));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(one.asked.length, 1);
  await one.finish();
});

test("where no stream gets through, runs are asked for, and only changes are told", async () => {
  const runs = [
    [{ run_id: "r", job: "j", state: "RUNNING" }],
    [{ run_id: "r", job: "j", state: "RUNNING" }],
    [{ run_id: "r", job: "j", state: "COMPLETED" }],
  ];
  const one = await listening([failing(502)], runs);
  await until(() => one.heard.length === 1);
  assert.deepEqual([one.heard[0].job, one.heard[0].state], ["j", "COMPLETED"]);
  assert.ok(one.seen.includes("polling"));
  await one.finish();
});

test("a tab that does not listen itself is told by the one that does", async () => {
  const other = new Live(QUICK);
  closing.push(() => other.stop());
  const heard = [];
  other.on("runs", (data) => heard.push(data));
  const one = await listening([sending(["9", "runs", { job: "a" }])]);
  await until(() => heard.length === 1);
  assert.equal(other.lastId, "9", "it goes on from there when it has to take over");
  assert.equal(other.status, "live");
  const late = new Live(QUICK);
  closing.push(() => late.stop());
  late.channel.postMessage({ isAsking: true });
  await until(() => late.status === "live");
  assert.equal(late.lastId, "9", "a tab that comes late is told where the stream stands");
  late.stop();
  other.stop();
  await one.finish();
});

test("a run changes the state of its job and of what the job makes", () => {
  const pill = card("job", 100, 0, { kind: "job", h: 26 });
  const scene = sceneOf([card("a", 0, 0), pill, card("b", 200, 0)], [link("a", "job"), link("job", "b")]);
  assert.deepEqual(setState(scene, "job", "failed"), [1, 2]);
  assert.deepEqual(setState(scene, "job", "failed"), []);
  assert.deepEqual(setState(scene, "elsewhere", "failed"), []);
  assert.ok(concerns(scene, { source: "x", target: "b", job: "" }));
  assert.ok(!concerns(scene, { source: "x", target: "y", job: "" }));
});
