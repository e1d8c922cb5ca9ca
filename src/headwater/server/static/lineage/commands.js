// What every key and every button of the lineage page does.

import { throughCard } from "../graph/paths.js";
import { step } from "../graph/steps.js";
import { copyLink, savePicture } from "./exporting.js";
import { showKeys } from "./keyboard.js";

/** @typedef {import("./island.js").Island} Island */

/**
 * The commands by name. Each may be told which button gave it.
 * @param {Island} island
 * @returns {Record<string, (button?: HTMLElement) => unknown>}
 */
export function commandsOf(island) {
  return { ...moving(island), ...changing(island), ...showing(island) };
}

/**
 * Along the graph, and the camera.
 * @param {Island} island
 * @returns {Record<string, () => unknown>}
 */
function moving(island) {
  const { scene, active } = island.view;
  return {
    left: () => island.activate(step(scene, active, "left"), true),
    right: () => island.activate(step(scene, active, "right"), true),
    above: () => island.activate(step(scene, active, "up"), true),
    below: () => island.activate(step(scene, active, "down"), true),
    nearer: () => island.lookout.zoom(1.4),
    farther: () => island.lookout.zoom(1 / 1.4),
    fit: () => island.lookout.fit(),
    home: () => island.lookout.home(true),
  };
}

/**
 * What is shown.
 * @param {Island} island
 * @returns {Record<string, () => unknown>}
 */
function changing(island) {
  const card = island.view.scene.cards[island.view.active];
  if (!card) return { columns: () => island.toggleColumns() };
  if (card.shape === "group") return { columns: () => island.toggleColumns(), pin: () => island.fold(card.key) };
  return {
    "open-up": () => island.turn(card.node, "up", "open"),
    "open-down": () => island.turn(card.node, "down", "open"),
    "shut-up": () => island.turn(card.node, "up", "shut"),
    "shut-down": () => island.turn(card.node, "down", "shut"),
    root: () => island.makeRoot(card.node),
    columns: () => island.toggleColumns(),
    find: () => island.finder.open(card),
    pin: () => {
      island.pin(throughCard(island.view.scene, card.at), card.node);
      void island.inspector.node(card.node);
    },
  };
}

/**
 * What stands around the canvas.
 * @param {Island} island
 * @returns {Record<string, (button?: HTMLElement) => unknown>}
 */
function showing(island) {
  return {
    inspect: () => island.inspector.place.focus(),
    back: () => island.release(),
    help: () => showKeys(document),
    time: (button) => island.timeline.toggle(button),
    compare: () => island.timeline.compare(),
    png: () => savePicture(island.view, island.state.root),
    link: () => copyLink(),
    colour: () => island.inspector.showImpact(),
  };
}
