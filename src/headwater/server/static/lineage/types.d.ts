// What the modules of the lineage page hand to one another. A browser never asks for it.

/** Ids of nodes, by direction. */
export interface Hands {
  up: string[];
  down: string[];
}

/** Where the canvas stands, from the root's corner, and the zoom. */
export interface Place {
  x: number;
  y: number;
  k: number;
}

/** What is shown. The address has the same names. */
export interface State {
  root: string;
  /** hops */
  up: number;
  down: number;
  /** by hand */
  opened: Hands;
  shut: Hands;
  as_of: string;
  /** an earlier instant to compare with */
  against: string;
  /** the other end of a path */
  to: string;
  columns: boolean;
  /** columns that were looked for on cards, by id of the node */
  found: Record<string, string[]>;
  jobs: string;
  kinds: string;
  limit: number;
  /** how nodes are put together in boxes, and the selectors by which they are */
  group: string;
  by: string;
  /** groups that are one card */
  collapsed: string[];
  at: Place | null;
  /** the node that is pinned, and the column of it */
  pin: string;
  port: string;
  /** the change whose impact is shown, and the column that it is about */
  change: string;
  column: string;
}

/** How a change of the picture is shown: the node that stays put, or from the root on. */
export interface Manner {
  anchor?: string;
  fresh?: boolean;
}

/** A column and its type, empty where that is not known. */
export type Column = [string, string];

/** The whole path of a column: columns by id of a node, and source, column, target, column of each edge. */
export interface ColumnPath {
  columns: Record<string, string[]>;
  edges: [string, string, string, string][];
}

/** The picture of a view, and the same as a fragment; the root by its id, its short and its whole name. */
export interface Answer {
  scene: import("../graph/types.js").SentScene;
  table: string;
  root: string;
  name: string;
  whole: string;
}
