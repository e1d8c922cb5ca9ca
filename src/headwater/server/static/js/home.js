// The home page stays as new as the log: what changes asks for the list of what is new, which the server words.

import { put } from "./fragment.js";
import { live } from "./live.js";

const TOGETHER_MS = 400;
const TOPICS = ["runs", "nodes", "schema"];

const place = document.querySelector("[data-feed]");
let timer = 0;
let isAsking = false;

/** @param {Element} feed */
async function refresh(feed) {
  timer = 0;
  if (isAsking) return later(feed);
  isAsking = true;
  try {
    const response = await fetch("/feed", { credentials: "same-origin" });
    // While somebody is in the list with the keyboard, it stays as it is.
    if (response.ok && !feed.contains(document.activeElement)) put(feed, await response.text());
  } catch {
    // The sign in the head says that the server is away; the next change asks again.
  } finally {
    isAsking = false;
  }
  return undefined;
}

/** @param {Element} feed */
function later(feed) {
  timer ||= window.setTimeout(() => void refresh(feed), TOGETHER_MS);
}

if (place) for (const topic of TOPICS) live().on(topic, () => later(place));
