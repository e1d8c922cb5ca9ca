// What every key and every button of the lineage page does. The keys stand in the page, in the list that "?" shows
// (fragments/keys.html): one table for both.

import { groupOf } from "../graph/groups.js";
import { throughCard, throughLink } from "../graph/paths.js";
import { step } from "../graph/steps.js";
import { under } from "../js/elements.js";
import { copyLink, savePicture } from "./export.js";

/** @import { Card } from "../graph/types.js" */
/** @import { Island } from "./island.js" */

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
    nearer: () => island.viewport.zoom(1.4),
    farther: () => island.viewport.zoom(1 / 1.4),
    fit: () => island.viewport.fit(),
    home: () => island.viewport.home(true),
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
  if (card.shape === "group") {
    return { columns: () => island.toggleColumns(), pin: () => island.fold(card.key), fold: () => island.fold(card.key) };
  }
  return {
    "open-up": () => island.turn(card.node, "up", "open"),
    "open-down": () => island.turn(card.node, "down", "open"),
    "shut-up": () => island.turn(card.node, "up", "shut"),
    "shut-down": () => island.turn(card.node, "down", "shut"),
    root: () => island.makeRoot(card.node),
    columns: () => island.toggleColumns(),
    find: () => island.columnSearch.open(card),
    edge: () => nextEdge(island, card),
    fold: () => {
      const group = groupOf(island.view.scene, card);
      return group ? island.fold(group.key) : island.say("It is in no group. View, Group puts nodes together.");
    },
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
    seek: () => island.cardSearch.box.focus(),
    inspect: () => island.inspector.place.focus(),
    back: () => island.release(),
    help: () => showKeys(document),
    time: (button) => island.timeline.toggle(button),
    compare: () => island.timeline.compare(),
    png: () => savePicture(island.tools.pathOf("svg"), island.tools.rootName()),
    link: () => copyLink(),
    colour: () => island.inspector.showImpact(),
    list: () => {
      island.release();
      return island.modes.list();
    },
    leave: () => island.makeRoot(island.rootId),
  };
}

/**
 * Open the evidence of an edge of a card, of the next one when it is asked for again: those that come in, then those that
 * go out.
 * @param {Island} island
 * @param {Card} card
 */
function nextEdge(island, card) {
  const { scene } = island.view;
  const edges = [...(scene.into[card.at] ?? []), ...(scene.out[card.at] ?? [])];
  const place = (edges.indexOf(island.edgeAt) + 1) % edges.length;
  const link = scene.links[edges[place] ?? -1];
  if (!link) return island.say(`No edge of ${card.label} is shown.`);
  const [source, target] = [scene.cards[link.source], scene.cards[link.target]];
  island.pin(throughLink(scene, link.at));
  island.edgeAt = link.at;
  island.said.textContent = `edge ${place + 1} of ${edges.length}: ${source?.label} to ${target?.label}`;
  return island.inspector.link(scene, link.at);
}

/**
 * A button, or a link that does the same without a script, gives a command.
 * @param {Island} island
 * @param {MouseEvent} event
 */
export function obeyButton(island, event) {
  const button = under(event, "[data-do]");
  if (!button?.dataset["do"] || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  island.run(button.dataset["do"], button);
}

/**
 * The command of a key press; an empty one where it is none of ours.
 * @param {ParentNode} page
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 */
export function commandOf(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  const row = page.querySelector(`[data-keys] [data-key~="${CSS.escape(event.key)}"]`);
  return row?.getAttribute("data-command") ?? "";
}

/** @param {ParentNode} page */
export function showKeys(page) {
  const dialog = page.querySelector("[data-keys]");
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}
