// The home page stays as new as the log. What is new is asked for at once when something changes; what is wrong and what
// is covered less often, for they cost the server more, and every minute, for a run is late because time goes by.

import { put } from "./fragment.js";
import { live } from "./live.js";

const FEED_MS = 400;
const PARTS_MS = 3000;
const MINUTE_MS = 60_000;
/** what takes the server long is not asked for all the time */
const REST = 20;
const TOPICS = ["runs", "nodes", "schema", "quarantine"];

/** Something that is asked for when it may have changed: not too often, and not while nobody looks. */
class Renewal {
  /**
   * @param {string} path
   * @param {number} leastMs how long to wait at least
   * @param {(text: string) => void} show
   */
  constructor(path, leastMs, show) {
    this.path = path;
    this.leastMs = this.waitMs = leastMs;
    this.show = show;
    this.timer = 0;
    this.isAsking = false;
    this.isStale = false;
    document.addEventListener("visibilitychange", () => this.isStale && this.soon());
  }

  soon() {
    this.isStale = true;
    if (!document.hidden) this.timer ||= window.setTimeout(() => void this.ask(), this.waitMs);
  }

  async ask() {
    this.timer = 0;
    if (this.isAsking) return this.soon();
    this.isAsking = true;
    this.isStale = false;
    const start = performance.now();
    try {
      const response = await fetch(this.path);
      if (response.ok) this.show(await response.text());
      const again = Number(response.headers.get("Headwater-Again"));
      if (again) setTimeout(() => this.soon(), again * 1000);
    } catch {
      // The sign in the head says that the server is away; when it is back, all is asked for again.
    } finally {
      this.isAsking = false;
      this.waitMs = Math.max(this.leastMs, REST * (performance.now() - start));
    }
    return undefined;
  }
}

/**
 * Put a part in the place of what it was; while somebody is in it with the keyboard it stays as it is.
 * @param {Element} old
 * @param {() => void} change
 */
function renew(old, change) {
  if (!old.contains(document.activeElement)) change();
}

/** @param {Element} place the parts of the page, or what an empty store shows */
function start(place) {
  const feed = new Renewal("/feed", FEED_MS, (text) => {
    const list = place.querySelector("[data-feed]");
    if (list) renew(list, () => put(list, text));
  });
  const parts = new Renewal("/home/parts", PARTS_MS, (text) => {
    const fresh = document.createElement("div");
    put(fresh, text);
    if (!place.querySelector("[data-part]")) return place.replaceChildren(...fresh.childNodes);
    for (const part of fresh.querySelectorAll("[data-part]")) {
      const old = place.querySelector(`[data-part="${part.getAttribute("data-part")}"]`);
      if (old) renew(old, () => old.replaceWith(part));
    }
    return undefined;
  });
  const both = () => {
    feed.soon();
    parts.soon();
  };
  for (const topic of TOPICS) live().on(topic, both);
  let isAway = false;
  live().watch((status) => {
    if (status === "live" && isAway) both();
    isAway = status !== "live";
  });
  setInterval(() => parts.soon(), MINUTE_MS);
}

const place = document.querySelector("[data-home]");
if (place) start(place);
