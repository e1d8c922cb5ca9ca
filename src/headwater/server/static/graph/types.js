// What the modules of the canvas hand to one another. World units are pixels at zoom 1; y points down.

/**
 * @typedef {object} Rect
 * @property {number} x left
 * @property {number} y top
 * @property {number} w
 * @property {number} h
 */

/**
 * @typedef {object} Point
 * @property {number} x
 * @property {number} y
 */

/**
 * A box of the picture: a dataset (or a job that is shown as one), or a job between datasets ("pill").
 * @typedef {object} Card
 * @property {number} at its place in `Scene.cards`
 * @property {string} key what the server calls it
 * @property {string} node the id of the node; of the job, for a pill; empty for a group
 * @property {"card" | "pill" | "group"} shape
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {number} h
 * @property {string} name its label, cut to fit
 * @property {string} label the end of its name that tells it from the others
 * @property {string} whole its whole name
 * @property {string} word the line under the name
 * @property {string} mark the sign of the type
 * @property {keyof Colours} colour of its strip
 * @property {string} state of a job's latest run, lower case; empty where there is none
 * @property {boolean} isRoot
 * @property {boolean} isGhost it does not hold at the instant that is shown
 * @property {"up" | "down" | "both"} away where it can be folded: the sides that lead away from the root
 * @property {number} up neighbours upstream that are not shown
 * @property {number} down neighbours downstream that are not shown
 * @property {Port[]} ports columns that are shown
 * @property {number} morePorts columns that are not
 * @property {string} change "added", "removed" or "changed" when two instants are compared
 * @property {string} severity "breaks", "changes" or "check" when an impact is shown
 */

/**
 * A column of a card.
 * @typedef {object} Port
 * @property {string} name
 * @property {string} type empty when it is not known
 * @property {number} y its middle, from the top of the card
 */

/**
 * A box around cards, with a name.
 * @typedef {object} Group
 * @property {string} key
 * @property {string} label
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {number} h
 * @property {string} words what it holds
 */

/**
 * A line of the picture. `points` are x, y pairs in world units.
 * @typedef {object} Link
 * @property {number} at its place in `Scene.links`
 * @property {number} source place of the card in `Scene.cards`
 * @property {number} target
 * @property {string} sourcePort
 * @property {string} targetPort
 * @property {Float32Array} points
 * @property {boolean} isBack it leads to the left, because it closes a cycle
 * @property {boolean} isDashed it decides, or was inferred; no value is known to flow
 * @property {boolean} isPast it does not hold at the instant that is shown
 * @property {string} change
 * @property {Rect} box around its points
 */

/**
 * @typedef {object} Scene
 * @property {Card[]} cards
 * @property {Link[]} links
 * @property {Group[]} groups open ones; a collapsed one is a card
 * @property {Map<string, number>} byKey place of a card by key
 * @property {number[][]} into places of the links that enter a card, by card
 * @property {number[][]} out places of the links that leave a card, by card
 * @property {Rect} bounds
 */

/**
 * Which part of the world is seen: the world point at the upper left corner, and the zoom.
 * @typedef {object} Camera
 * @property {number} x
 * @property {number} y
 * @property {number} k
 */

/**
 * What is lit: cards and links, and for columns the ports, as "place of card" and NUL and "name".
 * @typedef {object} Lit
 * @property {Set<number>} cards
 * @property {Set<number>} links
 * @property {Set<string>} ports
 */

/**
 * The colours of the theme, by the names of the palette.
 * @typedef {Record<"bg" | "card" | "ink" | "dim" | "edge" | "rim" | "job" | "group" | "root" | "data" | "model" | "predictions" | "feature" |
 *   "service" | "memory" | "good" | "bad" | "warn" | "light" | "added" | "removed" | "changed", string>} Colours
 */

export {};
