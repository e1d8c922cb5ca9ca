// What the stream of changes means for the picture: runs change the state of their jobs, edges change the picture.

/** @import { Island } from "./island.js" */
/** @import { Scene } from "../graph/types.js" */
/** @import { Live } from "../js/live.js" */

const TOGETHER_MS = 700;

/**
 * Keep the picture as it is now; one of another time does not change.
 * @param {Island} island
 * @param {Live} live
 */
export function followNews(island, live) {
  let timer = 0;
  live.on("runs", (data) => {
    const places = setState(island.view.scene, data.job, String(data.state).toLowerCase());
    if (!places.length || island.state.as_of) return;
    island.view.refreshCards(places);
    island.map.draw();
    island.inspector.renew(new Set(places.map((at) => island.view.scene.cards[at]?.node ?? "")));
  });
  live.on("edges", (data) => {
    if (island.state.as_of || !concerns(island.view.scene, data)) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => void island.again(), TOGETHER_MS);
  });
}

/**
 * Give the cards of a job, and of what it makes, a state.
 * @param {Scene} scene
 * @param {string} job
 * @param {string} state
 * @returns {number[]} places of the cards that have changed
 */
export function setState(scene, job, state) {
  const jobs = scene.cards.filter((card) => card.node === job);
  const made = jobs.flatMap((card) => (scene.out[card.at] ?? []).flatMap((place) => scene.cards[scene.links[place]?.target ?? -1] ?? []));
  const changed = [...jobs, ...made].filter((card) => card.state !== state);
  for (const card of changed) card.state = state;
  return changed.map((card) => card.at);
}

/**
 * Whether an edge has an end or its job in the picture.
 * @param {Scene} scene
 * @param {{source?: string, target?: string, job?: string}} edge
 */
export function concerns(scene, edge) {
  const ends = new Set([edge.source, edge.target, edge.job]);
  return scene.cards.some((card) => card.node !== "" && ends.has(card.node));
}
