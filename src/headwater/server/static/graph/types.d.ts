// What the modules of the canvas hand to one another. World units are pixels at zoom 1; y points down.
// A browser never asks for it.

export interface Rect {
  /** left */
  x: number;
  /** top */
  y: number;
  w: number;
  h: number;
}

export interface Point {
  x: number;
  y: number;
}

/** A box of the picture: a dataset (or a job that is shown as one), or a job between datasets ("pill"). */
export interface Card {
  /** its place in `Scene.cards` */
  at: number;
  /** what the server calls it */
  key: string;
  /** the id of the node; of the job, for a pill; empty for a group */
  node: string;
  shape: "card" | "pill" | "group";
  x: number;
  y: number;
  w: number;
  h: number;
  /** its label, cut to fit */
  name: string;
  /** the end of its name that tells it from the others */
  label: string;
  /** its whole name */
  whole: string;
  /** the line under the name */
  word: string;
  /** the sign of the type */
  mark: string;
  /** of its strip */
  colour: keyof Colours;
  /** of a job's latest run, lower case; empty where there is none */
  state: string;
  isRoot: boolean;
  /** it does not hold at the instant that is shown */
  isGhost: boolean;
  /** where it can be folded: the sides that lead away from the root */
  away: "up" | "down" | "both";
  /** neighbours upstream that are not shown */
  up: number;
  /** neighbours downstream that are not shown */
  down: number;
  /** columns that are shown */
  ports: Port[];
  /** columns that are not */
  morePorts: number;
  /** "added", "removed" or "changed" when two instants are compared */
  change: string;
  /** "breaks", "changes" or "check" when an impact is shown */
  severity: string;
}

/** A column of a card. */
export interface Port {
  name: string;
  /** empty when it is not known */
  type: string;
  /** its middle, from the top of the card */
  y: number;
}

/** A box around cards, with a name. */
export interface Group {
  key: string;
  label: string;
  x: number;
  y: number;
  w: number;
  h: number;
  /** what it holds */
  words: string;
}

/** A line of the picture. `points` are x, y pairs in world units. */
export interface Link {
  /** its place in `Scene.links` */
  at: number;
  /** place of the card in `Scene.cards` */
  source: number;
  target: number;
  sourcePort: string;
  targetPort: string;
  points: Float32Array;
  /** it leads to the left, because it closes a cycle */
  isBack: boolean;
  /** it decides, or was inferred; no value is known to flow */
  isDashed: boolean;
  /** it does not hold at the instant that is shown */
  isPast: boolean;
  change: string;
  /** around its points */
  box: Rect;
}

export interface Scene {
  cards: Card[];
  links: Link[];
  /** open ones; a collapsed one is a card */
  groups: Group[];
  /** place of a card by key */
  byKey: Map<string, number>;
  /** places of the links that enter a card, by card */
  into: number[][];
  /** places of the links that leave a card, by card */
  out: number[][];
  bounds: Rect;
}

/** Which part of the world is seen: the world point at the upper left corner, and the zoom. */
export interface Camera {
  x: number;
  y: number;
  k: number;
}

/** What is lit: cards and links, and for columns the ports, as "place of card" and NUL and "name". */
export interface Lit {
  cards: Set<number>;
  links: Set<number>;
  ports: Set<string>;
}

/** The colours of the theme, by the names of the palette. */
export type Colours = Record<
  | "bg" | "card" | "ink" | "dim" | "edge" | "rim" | "job" | "group" | "root" | "data" | "model" | "predictions" | "feature"
  | "service" | "memory" | "good" | "bad" | "warn" | "light" | "added" | "removed" | "changed",
  string
>;

/** A card of the server's picture (`headwater.query.drawing.picture.Card`). */
export interface SentCard {
  id: string;
  node: string;
  kind: string;
  type: string;
  /** the whole name */
  name: string;
  /** the end of it that tells it from the others */
  label: string;
  /** the same, cut to fit the card */
  short: string;
  detail: string;
  mark: string;
  x: number;
  y: number;
  w: number;
  h: number;
  state: string;
  hidden_up: number;
  hidden_down: number;
  ports: { field: string; y: number; type: string }[];
  more_ports: number;
  is_root: boolean;
  is_ghost: boolean;
}

export interface SentLink {
  source: string;
  target: string;
  source_port: string;
  target_port: string;
  how: string;
  is_indirect: boolean;
  is_back: boolean;
  is_past: boolean;
  points: [number, number][];
}

export interface SentGroup {
  id: string;
  label: string;
  x: number;
  y: number;
  w: number;
  h: number;
  counts: Record<string, number>;
  state: string;
  is_collapsed: boolean;
}

export interface SentScene {
  picture: { cards: SentCard[]; links: SentLink[]; groups: SentGroup[] };
  /** by card */
  changes: Record<string, string>;
  /** by the link's place; empty when nothing is compared */
  link_changes: string[];
  /** by type of card */
  colours: Record<string, string>;
  /** between two instants, in words */
  differences: string;
  /** why it is not grouped as it was asked for, in words; empty where it is */
  problem: string;
  nodes: number;
  edges: number;
}

/** What the pointer is on. */
export interface Spot {
  /** -1 for none */
  card: number;
  /** -1 for none */
  link: number;
  /** name of a column, empty for none */
  port: string;
  /** a count of hidden neighbours */
  open: "" | "up" | "down";
  shut: "" | "up" | "down";
  morePorts: boolean;
  /** key of a group whose name it is on, empty for none */
  group: string;
}

/** What a canvas tells of a pointer. */
export interface Listener {
  onPoint: (spot: Spot) => void;
  onChoose: (spot: Spot) => void;
  /** a card was clicked twice */
  onTwice: (spot: Spot) => void;
}

/** Everything a drawing depends on. */
export interface Drawing {
  to: CanvasRenderingContext2D;
  scene: Scene;
  colours: Colours;
  /** zoom */
  k: number;
}
