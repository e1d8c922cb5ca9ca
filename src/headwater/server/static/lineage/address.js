// What is shown, as the address of the page holds it: a link to a view brings the same view back.

/**
 * @typedef {object} Hands
 * @property {string[]} up ids of nodes
 * @property {string[]} down
 */

/**
 * @typedef {object} State
 * @property {string} root
 * @property {number} up hops
 * @property {number} down
 * @property {Hands} opened
 * @property {Hands} shut
 * @property {string} asOf
 * @property {string} against
 * @property {string} to
 * @property {boolean} columns
 * @property {Record<string, string[]>} found columns that were looked for on cards, by id of the node
 * @property {"nodes" | "edges"} jobs
 * @property {string} kinds
 * @property {number} limit
 * @property {string} group how nodes are put together in boxes
 * @property {string[]} collapsed groups that are one card
 * @property {{x: number, y: number, k: number} | null} at where the canvas stands, from the root's corner, and the zoom
 * @property {string} pin id of the node that is pinned; with a NUL and a column, of that column
 * @property {string} change
 * @property {string} column
 */

/** @returns {State} */
export function plainState() {
  return {
    root: "",
    up: 1,
    down: 1,
    opened: { up: [], down: [] },
    shut: { up: [], down: [] },
    asOf: "",
    against: "",
    to: "",
    columns: false,
    found: {},
    jobs: "nodes",
    kinds: "",
    limit: 500,
    group: "",
    collapsed: [],
    at: null,
    pin: "",
    change: "",
    column: "",
  };
}

/**
 * What changes when another node is the root: it is looked at as at first.
 * @param {string} node
 * @returns {Partial<State>}
 */
export function atRoot(node) {
  const { up, down, opened, shut, to, pin, change, column } = plainState();
  return { root: node, up, down, opened, shut, to, pin, change, column };
}

/**
 * @param {string} search the part of an address after "?"
 * @returns {State}
 */
export function readAddress(search) {
  const given = new URLSearchParams(search);
  const state = plainState();
  const text = (/** @type {string} */ name) => given.get(name) ?? "";
  return {
    ...state,
    root: text("root"),
    up: wholeNumber(given.get("up"), state.up),
    down: wholeNumber(given.get("down"), state.down),
    opened: readHands(text("opened")),
    shut: readHands(text("shut")),
    asOf: text("as_of"),
    against: text("against"),
    to: text("to"),
    columns: text("columns") === "true",
    found: readLists(text("found")),
    jobs: text("jobs") === "edges" ? "edges" : "nodes",
    kinds: text("kinds"),
    limit: wholeNumber(given.get("limit"), state.limit),
    group: text("group"),
    collapsed: readList(text("collapsed")),
    at: readPlace(text("at")),
    pin: [text("pin"), text("port")].filter(Boolean).join("\0"),
    change: text("change"),
    column: text("column"),
  };
}

/**
 * @param {State} state
 * @returns {string} the part after "?"; what is as usual is left out
 */
export function writeAddress(state) {
  const given = new URLSearchParams();
  const plain = plainState();
  const put = (/** @type {string} */ name, /** @type {unknown} */ value, /** @type {unknown} */ usual) => {
    if (value !== usual) given.set(name, String(value));
  };
  put("root", state.root, "");
  put("up", state.up, plain.up);
  put("down", state.down, plain.down);
  put("opened", writeHands(state.opened), "");
  put("shut", writeHands(state.shut), "");
  put("as_of", state.asOf, "");
  put("against", state.against, "");
  put("to", state.to, "");
  put("columns", state.columns, false);
  put("found", Object.keys(state.found).length ? JSON.stringify(state.found) : "", "");
  put("jobs", state.jobs, plain.jobs);
  put("kinds", state.kinds, "");
  put("limit", state.limit, plain.limit);
  put("group", state.group, "");
  put("collapsed", state.collapsed.length ? JSON.stringify(state.collapsed) : "", "");
  if (state.at) put("at", [state.at.x.toFixed(0), state.at.y.toFixed(0), state.at.k.toFixed(3)].join(","), "");
  const [, pinned, port] = /^(.*)\0(.*)$/s.exec(state.pin) ?? ["", state.pin, ""]; // the server takes no NUL
  put("pin", pinned, "");
  put("port", port, "");
  put("change", state.change, "");
  put("column", state.column, "");
  return given.toString();
}

/**
 * What the server is asked for.
 * @param {State} state
 * @param {Record<string, [number, number, number, number]>} placed where cards stand already
 * @param {number} wide how wide a picture of ways may be before it stands in several rows; 0 for any width
 */
export function question(state, placed = {}, wide = 0) {
  return {
    root: state.root,
    up: state.up,
    down: state.down,
    opened: state.opened,
    shut: state.shut,
    as_of: state.asOf,
    against: state.against,
    to: state.to,
    columns: state.columns,
    found: state.found,
    jobs: state.jobs,
    kinds: state.kinds,
    limit: state.limit,
    group: state.group,
    collapsed: state.collapsed,
    wide,
    placed,
  };
}

/**
 * The state after a node was opened or shut by hand, in one direction. The last word counts.
 * @param {State} state
 * @param {string} node
 * @param {"up" | "down"} side
 * @param {"open" | "shut"} deed
 * @returns {State}
 */
export function turned(state, node, side, deed) {
  const without = (/** @type {string[]} */ ids) => ids.filter((id) => id !== node);
  const opened = { ...state.opened, [side]: without(state.opened[side]) };
  const shut = { ...state.shut, [side]: without(state.shut[side]) };
  (deed === "open" ? opened : shut)[side].push(node);
  return { ...state, opened, shut };
}

/** @param {string} text */
function readHands(text) {
  const found = readJson(text);
  return { up: texts(found?.up), down: texts(found?.down) };
}

/** @param {string} text */
function readList(text) {
  return texts(readJson(text));
}

/** @param {string} text */
function readLists(text) {
  const found = readJson(text);
  const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
  return Object.fromEntries(isObject ? Object.entries(found).map(([key, list]) => [key, texts(list)]) : []);
}

/**
 * @param {string} text
 * @returns {any} undefined for what is not JSON: the server says what is wrong with it
 */
function readJson(text) {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** @param {unknown} found */
function texts(found) {
  return Array.isArray(found) ? found.map(String) : [];
}

/** @param {Hands} hands */
function writeHands(hands) {
  const given = Object.entries(hands).filter(([, ids]) => ids.length > 0);
  return given.length ? JSON.stringify(Object.fromEntries(given)) : "";
}

/**
 * @param {string | null} text
 * @param {number} usual
 */
function wholeNumber(text, usual) {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : usual;
}

/** @param {string} text */
function readPlace(text) {
  const parts = text.split(",").map(Number);
  const [x, y, k] = parts;
  if (parts.length !== 3 || !parts.every(Number.isFinite) || !k || k <= 0) return null;
  return { x: x ?? 0, y: y ?? 0, k };
}
