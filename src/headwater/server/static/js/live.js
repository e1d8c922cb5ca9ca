// What changes, as it changes: one stream a browser, shared among its tabs. One tab listens and tells the others; when it
// goes, another takes over from what was heard last. Where no stream gets through, the latest runs are asked for instead.

import { follow, Refused } from "./eventstream.js";

/** @import { LiveSettings, Message, News, Status } from "./types.js" */

const NAME = "headwater-live";
const URL_OF_STREAM = "/api/v1/stream";
const URL_OF_RUNS = "/api/v1/runs?limit=50";

/** @type {LiveSettings} */
const USUAL = { base: "", silenceMs: 40_000, retryMs: 500, mostRetryMs: 15_000, pollMs: 10_000, patience: 3 };

export class Live {
  /** @param {Partial<LiveSettings>} settings */
  constructor(settings = {}) {
    this.settings = { ...USUAL, ...settings };
    /** @type {Map<string, Set<(data: any) => void>>} */
    this.handlers = new Map();
    /** @type {Set<(status: Status) => void>} */
    this.watchers = new Set();
    /** @type {Status} */
    this.status = "waiting";
    this.lastId = "";
    this.isLeading = false;
    this.ending = new AbortController();
    this.channel = new BroadcastChannel(NAME);
    this.channel.onmessage = (event) => this.hear(event.data);
    /** @type {Map<string, string>} states of runs, by id, as polling saw them */
    this.polled = new Map();
  }

  /**
   * Call a handler with the data of each message of a topic: runs, nodes, edges, schema, quarantine.
   * @param {string} topic
   * @param {(data: any) => void} handler
   */
  on(topic, handler) {
    const known = this.handlers.get(topic);
    if (known) known.add(handler);
    else this.handlers.set(topic, new Set([handler]));
  }

  /** @param {(status: Status) => void} watcher */
  watch(watcher) {
    this.watchers.add(watcher);
    watcher(this.status);
  }

  /** Listen, or wait to: until `stop`. */
  async start() {
    const { signal } = this.ending;
    this.channel.postMessage({ isAsking: true });
    try {
      // Without locks (a page that is not served securely) every tab has a stream of its own.
      if (globalThis.navigator?.locks) await navigator.locks.request(NAME, { signal }, () => this.lead());
      else await this.lead();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  stop() {
    this.ending.abort();
    this.channel.close();
  }

  /** This tab listens for all. */
  async lead() {
    const { signal } = this.ending;
    let failures = 0;
    this.isLeading = true;
    while (!signal.aborted) {
      try {
        await this.stream(() => (failures = 0));
        failures += 1;
      } catch (error) {
        if (error instanceof Refused) return this.tell({ status: "off" });
        failures += 1;
      }
      if (signal.aborted) return undefined;
      if (failures >= this.settings.patience) await this.poll();
      else this.tell({ status: "waiting" });
      await pause(Math.min(this.settings.mostRetryMs, this.settings.retryMs * 2 ** failures), signal);
    }
    return undefined;
  }

  /** @param {() => void} onOpen */
  stream(onOpen) {
    return follow({
      url: this.settings.base + URL_OF_STREAM,
      lastId: this.lastId,
      signal: this.ending.signal,
      silenceMs: this.settings.silenceMs,
      onOpen: () => {
        onOpen();
        this.tell({ status: "live" });
      },
      onMessage: (message) => this.tell({ message }),
    });
  }

  /** Ask for the latest runs, and tell of those whose state is another than before. */
  async poll() {
    try {
      const response = await fetch(this.settings.base + URL_OF_RUNS, { signal: this.ending.signal });
      if (!response.ok) return this.tell({ status: "waiting" });
      const isFirst = this.polled.size === 0;
      for (const run of (await response.json()).runs) {
        const isNews = !isFirst && this.polled.get(run.run_id) !== run.state;
        this.polled.set(run.run_id, run.state);
        if (isNews) this.tell({ message: { id: "", topic: "runs", data: { ...run, run: run.run_id } } });
      }
      this.tell({ status: "polling" });
      await pause(this.settings.pollMs, this.ending.signal);
    } catch {
      this.tell({ status: "waiting" });
    }
    return undefined;
  }

  /**
   * Tell the other tabs, and this one.
   * @param {News} news
   */
  tell(news) {
    if (this.ending.signal.aborted) return;
    this.channel.postMessage(news);
    this.hear(news);
  }

  /** @param {News} news */
  hear({ message, status, lastId, isAsking }) {
    if (isAsking && this.isLeading) this.channel.postMessage({ status: this.status, lastId: this.lastId });
    if (lastId && !this.isLeading) this.lastId = lastId;
    if (message) {
      this.lastId = message.id || this.lastId;
      for (const handler of this.handlers.get(message.topic) ?? []) handler(message.data);
    }
    const now = message && message.id ? "live" : status;
    if (!now || now === this.status) return;
    this.status = now;
    for (const watcher of this.watchers) watcher(now);
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

/** @type {Live | undefined} */
let shared;

/** The one of this page. */
export function live() {
  shared ??= new Live();
  return shared;
}

const WORDS = { waiting: "Connecting …", live: "Live", polling: "Every 10 s", off: "Not live" };

/**
 * Listen for this page, and show in its head whether it does.
 * @param {Document} page
 */
export function startLive(page) {
  const sign = page.querySelector("[data-live]");
  if (!(sign instanceof HTMLElement)) return;
  live().watch((status) => {
    sign.hidden = false;
    sign.dataset["live"] = status;
    sign.title = `Changes are shown as they happen: ${WORDS[status]}`;
    const word = sign.querySelector("[data-live-word]");
    if (word) word.textContent = WORDS[status];
  });
  void live().start();
  addEventListener("pagehide", () => live().stop());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}
