// Reads a stream of events (HTML standard 9.2) by fetch: so it can say what it heard last, and notice silence.

/** @import { Following, Message } from "./types.js" */

/** Splits text as it arrives into messages. */
export class StreamReader {
  constructor() {
    this.rest = "";
  }

  /**
   * @param {string} text the next piece
   * @returns {Message[]} what is complete now
   */
  push(text) {
    const blocks = (this.rest + text).split(/\r?\n\r?\n/);
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => readBlock(block) ?? []);
  }
}

/**
 * @param {string} block the lines of one message
 * @returns {Message | undefined} nothing for a comment, or for data that is not JSON
 */
function readBlock(block) {
  const fields = { id: "", event: "message", data: /** @type {string[]} */ ([]) };
  for (const line of block.split(/\r?\n/)) {
    const [name, value] = splitLine(line);
    if (name === "data") fields.data.push(value);
    else if (name === "id" || name === "event") fields[name] = value;
  }
  if (!fields.data.length) return fields.id ? { id: fields.id, topic: "", data: null } : undefined;
  try {
    return { id: fields.id, topic: fields.event, data: JSON.parse(fields.data.join("\n")) };
  } catch {
    return undefined;
  }
}

/**
 * @param {string} line
 * @returns {[string, string]}
 */
function splitLine(line) {
  const at = line.indexOf(":");
  if (at < 0) return [line, ""];
  return [line.slice(0, at), line.slice(at + 1).replace(/^ /, "")];
}

/** The one who asks may not listen. */
export class Refused extends Error {}

/**
 * Follow a stream until it ends.
 * @param {Following} following
 */
export async function follow({ url, lastId, signal, silenceMs, onOpen, onMessage }) {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), silenceMs);
  try {
    const response = await fetch(url, {
      headers: { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) },
      cache: "no-store",
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (response.status === 401 || response.status === 403) throw new Refused();
    if (!response.ok || !response.body) throw new Error(`the stream answered ${response.status}`);
    onOpen();
    const reader = new StreamReader();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), silenceMs);
      reader.push(piece.value).forEach(onMessage);
    }
  } finally {
    clearTimeout(timer);
  }
}
