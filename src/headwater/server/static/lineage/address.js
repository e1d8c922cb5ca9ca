// What is shown, as the address of the page holds it: a link to a view brings the same view back.

/** @import { Hands, State } from "./types.js" */

/** @returns {State} what is as usual, and so stands in no address */
export function plainState() {
  const none = () => ({ up: [], down: [] });
  return {
    root: "", up: 1, down: 1, opened: none(), shut: none(), as_of: "", against: "", to: "", columns: false, found: {},
    jobs: "nodes", kinds: "", limit: 500, group: "", by: "", collapsed: [], at: null, pin: "", port: "", change: "", column: "",
  };
}

/**
 * What changes when another node is the root: it is looked at as at first.
 * @param {string} root
 * @returns {Partial<State>}
 */
export function atRoot(root) {
  const { up, down, opened, shut, to, pin, port, change, column } = plainState();
  return { root, up, down, opened, shut, to, pin, port, change, column };
}

/**
 * @param {string} search the part of an address after "?"
 * @returns {State} as usual where the address is not what we write: the server says what is wrong with it
 */
export function readAddress(search) {
  const given = new URLSearchParams(search);
  const state = plainState();
  for (const [name, usual] of Object.entries(state)) {
    const text = given.get(name) ?? "";
    if (text) Object.assign(state, { [name]: read(name, text, usual) });
  }
  return state;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {unknown} usual
 */
function read(name, text, usual) {
  if (name === "jobs") return text === "edges" ? text : usual;
  if (typeof usual === "string") return text;
  if (typeof usual === "boolean") return text === "true";
  if (typeof usual === "number") return /^\d{1,6}$/.test(text) ? Number(text) : usual;
  if (name === "at") return readPlace(text);
  const found = readJson(text);
  if (Array.isArray(usual)) return texts(found);
  const lists = Object.entries(isObject(found) ? found : {}).map(([key, list]) => [key, texts(list)]);
  return { .../** @type {object} */ (usual), ...Object.fromEntries(lists) };
}

/**
 * @param {State} state
 * @returns {string} the part after "?"
 */
export function writeAddress(state) {
  const given = new URLSearchParams();
  const usual = new Map(Object.entries(plainState()));
  for (const [name, value] of Object.entries(state)) {
    const text = write(value);
    if (text !== write(usual.get(name))) given.set(name, text);
  }
  return given.toString();
}

/** @param {unknown} value */
function write(value) {
  if (!isObject(value)) return Array.isArray(value) ? JSON.stringify(value) : String(value ?? "");
  if ("k" in value) return `${value.x.toFixed(0)},${value.y.toFixed(0)},${value.k.toFixed(3)}`;
  const lists = Object.entries(value).filter(([, list]) => list.length);
  return JSON.stringify(Object.fromEntries(lists));
}

/**
 * What the server is asked for.
 * @param {State} state
 * @param {Record<string, [number, number, number, number]>} placed where cards stand already
 * @param {number} wide how wide a picture of ways may be before it stands in several rows; 0 for any width
 */
export function question(state, placed = {}, wide = 0) {
  const { at, pin, port, change, column, ...asked } = state;
  return { ...asked, wide, placed };
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
  const without = (/** @type {Hands} */ hands) => ({ ...hands, [side]: hands[side].filter((id) => id !== node) });
  const [opened, shut] = [without(state.opened), without(state.shut)];
  (deed === "open" ? opened : shut)[side].push(node);
  return { ...state, opened, shut };
}

/** @param {string} text */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {any} found
 * @returns {found is any} an object that is no list
 */
function isObject(found) {
  return typeof found === "object" && found !== null && !Array.isArray(found);
}

/** @param {unknown} found */
function texts(found) {
  return Array.isArray(found) ? found.map(String) : [];
}

/** @param {string} text */
function readPlace(text) {
  const [x = NaN, y = NaN, k = NaN] = text.split(",").map(Number);
  return [x, y, k].every(Number.isFinite) && k > 0 ? { x, y, k } : null;
}
