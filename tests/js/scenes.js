// Scenes for tests, as the server sends them, with what does not matter filled in.

import { readScene } from "../../src/headwater/server/static/graph/scene.js";

export const card = (id, x, y, more = {}) => ({
  id,
  node: id,
  kind: "dataset",
  type: "table",
  name: id,
  label: id,
  short: id,
  detail: "",
  mark: "",
  x,
  y,
  w: 208,
  h: 46,
  state: "",
  hidden_up: 0,
  hidden_down: 0,
  ports: [],
  more_ports: 0,
  is_root: false,
  is_ghost: false,
  ...more,
});

export const link = (source, target, more = {}) => ({
  source,
  target,
  source_port: "",
  target_port: "",
  how: "declared",
  is_indirect: false,
  is_back: false,
  is_past: false,
  points: [
    [0, 0],
    [1, 1],
  ],
  ...more,
});

export const sceneOf = (cards, links, more = {}) =>
  readScene({ picture: { cards, links, groups: [] }, changes: {}, link_changes: [], colours: { model: "model" }, nodes: cards.length, edges: links.length, ...more });
