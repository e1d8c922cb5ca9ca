// The canvas with what stands around it. Holds what is shown (State); everything else follows from it.

import { words } from "../graph/cards.js";
import { groupOf } from "../graph/groups.js";
import { Input } from "../graph/input.js";
import { Minimap } from "../graph/minimap.js";
import { throughCard, throughPort, throughSpot } from "../graph/paths.js";
import { placesOf, readScene } from "../graph/scene.js";
import { rootOf, step } from "../graph/steps.js";
import { GraphView } from "../graph/view.js";
import { put } from "../js/fragment.js";
import { live } from "../js/live.js";
import { note, plural } from "../js/notes.js";
import { postData, Trouble } from "../js/service.js";
import { atRoot, question, readAddress, turned, writeAddress } from "./address.js";
import { commandOf, commandsOf, obeyButton, showKeys } from "./commands.js";
import { Breadcrumbs } from "./breadcrumbs.js";
import { ColumnSearch } from "./columnsearch.js";
import { Inspector } from "./inspector.js";
import { Viewport } from "./viewport.js";
import { Modes } from "./modes.js";
import { followNews } from "./liveupdates.js";
import { CardSearch } from "./cardsearch.js";
import { Timeline } from "./timeline.js";
import { Tools } from "./tools.js";

/** @import { Answer, Manner, State } from "./types.js" */
/** @import { Lit, SentScene, Spot } from "../graph/types.js" */

const ADDRESS_AFTER_MS = 400;

export class Island {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.state = readAddress(location.search);
    this.view = new GraphView(this.part("stage"), () => this.moved());
    this.viewport = new Viewport(this.view);
    this.map = new Minimap(this.part("minimap"), this.view);
    this.said = this.part("said");
    this.stageNote = this.part("stage-note");
    this.inspector = new Inspector(this.part("inspector"), this);
    this.columnSearch = new ColumnSearch(this.part("finder"), this);
    this.cardSearch = new CardSearch(this.part("seek"), this);
    this.modes = new Modes(place, this);
    this.tools = new Tools(this.part("tools"), this);
    this.timeline = new Timeline(this.part("time"), this);
    this.crumbs = new Breadcrumbs(this.part("crumbs"), this);
    /** @type {Lit | null} what stays lit */
    this.pinned = null;
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {{change: Partial<State>, how: Manner} | null} what was chosen and is not shown yet */
    this.wanted = null;
    this.addressTimer = 0;
    /** the id of the root, whatever it was typed as */
    this.rootId = "";
    this.pointedAt = "";
    /** place of the link whose evidence was asked for by key, -1 for none */
    this.edgeAt = -1;
  }

  /** @param {string} name */
  part(name) {
    const found = this.place.querySelector(`[data-${name}]`);
    if (!(found instanceof HTMLElement)) throw new Error(`the page has no part ${name}`);
    return found;
  }

  start() {
    const sent = JSON.parse(this.part("scene").textContent ?? "{}");
    this.rootId = sent.root;
    const { at } = this.state;
    this.modes.show();
    this.display(sent.scene);
    this.viewport.goBack(at);
    this.restorePin();
    this.listen();
    // A way that cannot be read on this screen in one row stands in several.
    if (this.state.to && this.viewport.isTooWide()) void this.fetch(this.state, { fresh: true }, () => this.state).then(() => at && this.viewport.goBack(at));
    this.crumbs.visit(this.rootId);
    followNews(this, live());
  }

  listen() {
    const { stage } = this.view;
    new Input(this.view, {
      onPoint: (spot) => this.point(spot),
      onChoose: (spot) => this.choose(spot),
      onTwice: ({ card, port, open, shut }) => {
        const node = this.view.scene.cards[card]?.node;
        if (node && !port && !open && !shut) void this.makeRoot(node);
      },
    });
    stage.addEventListener("keydown", (event) => this.key(event));
    stage.addEventListener("focus", () => {
      if (this.view.active < 0) this.activate(rootOf(this.view.scene), false);
    });
    this.place.addEventListener("click", (event) => obeyButton(this, event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "?" && event.target === document.body) showKeys(document);
    });
    document.addEventListener("headwater:theme", () => this.recolour());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    addEventListener("popstate", () => this.goTo(readAddress(location.search)));
  }

  recolour() {
    this.view.refresh();
    this.map.draw();
  }

  // -- what is shown ---------------------------------------------------------------------------------------------

  /** @param {SentScene} sent */
  display(sent) {
    const scene = readScene(sent);
    this.edgeAt = -1;
    this.view.setScene(scene);
    this.timeline.tell(sent.differences);
    this.map.draw();
    this.inspector.colour(scene);
    this.pinned = this.litOfPin();
    this.view.light(this.pinned);
    if (this.cardSearch.box.value) this.cardSearch.show();
    this.view.stage.setAttribute(
      "aria-label",
      `Lineage: ${plural(sent.nodes, "node")}, ${plural(sent.edges, "edge")}. Arrow keys walk along it; the table below has the same facts.`,
    );
  }

  /** @returns {State} what is shown once everything that was chosen is */
  get next() {
    return { ...this.state, ...this.wanted?.change };
  }

  /**
   * Show something else. Cards that stay keep their places. What is still on its way comes too, and what was pinned or
   * moved meanwhile stays so: give nothing but what changes.
   * @param {Partial<State>} change
   * @param {Manner} [how] `anchor` is the node that stays put; `fresh` starts at the root
   */
  async change(change, how = {}) {
    const before = this.wanted;
    const wanted = (this.wanted = { change: { ...before?.change, ...change }, how: before?.how.fresh ? before.how : how });
    const isShown = await this.fetch(this.next, wanted.how, () => ({ ...this.state, ...wanted.change }));
    if (this.wanted === wanted) this.wanted = null;
    if (isShown) {
      this.remember();
      this.crumbs.visit(this.rootId);
      if (wanted.change.as_of !== undefined || wanted.change.against !== undefined) void this.inspector.again();
    }
  }

  /** Put what is shown into the history. */
  remember() {
    this.tools.offer(this.state);
    history.pushState(null, "", `?${writeAddress(this.state)}`);
  }

  /** Show the same again: something has changed. What was pinned stays so. */
  async again() {
    if (this.wanted) return this.change({});
    await this.fetch(this.state, { anchor: this.rootId }, () => this.state);
  }

  /**
   * Go to a state of the history.
   * @param {State} state
   */
  async goTo(state) {
    const isOther = state.root !== this.state.root;
    this.wanted = null;
    if (await this.fetch(state, { fresh: isOther }, () => state)) {
      if (state.at) this.viewport.goBack(state.at);
      if (!this.restorePin()) void this.modes.list();
    }
  }

  /**
   * @param {State} next
   * @param {Manner} how
   * @param {() => State} settled the state once it is shown
   * @returns {Promise<boolean>} whether it is shown
   */
  async fetch(next, how, settled) {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    this.place.setAttribute("aria-busy", "true");
    try {
      const body = question(next, how.fresh || next.to ? {} : placesOf(this.view.scene), next.to ? this.viewport.wide() : 0);
      const answer = await postData("/lineage/picture", body, asking.signal);
      this.state = settled();
      this.modes.settle(answer);
      put(this.part("table"), answer.table);
      this.keepStill(() => this.display(answer.scene), how);
      this.sayOnStage(answer.scene.problem);
      this.tools.show(this.state, answer.scene.problem);
      return true;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return false;
      if (!(error instanceof Trouble)) throw error;
      this.sayOnStage(error.message);
      this.tools.show(this.state, "");
      return false;
    } finally {
      if (this.asking === asking) this.place.removeAttribute("aria-busy");
    }
  }

  /**
   * Change the scene so that one card stays where it is on the screen.
   * @param {() => void} deed
   * @param {Manner} how
   */
  keepStill(deed, how) {
    const { view } = this;
    const key = how.anchor ?? "";
    const before = view.scene.cards[view.scene.byKey.get(key) ?? -1];
    const active = view.scene.cards[view.active]?.key;
    deed();
    const after = view.scene.cards[view.scene.byKey.get(key) ?? -1];
    if (before && after) {
      const { camera: seen } = view;
      view.look({ x: seen.x + after.x - before.x, y: seen.y + after.y - before.y, k: seen.k });
    } else if (how.fresh) this.viewport.home(false);
    const place = active === undefined ? undefined : view.scene.byKey.get(active);
    if (place !== undefined) this.activate(place, false);
  }

  // -- pointing and choosing ---------------------------------------------------------------------------------------

  moved() {
    this.map.follow();
    this.columnSearch.follow();
    const { view } = this;
    const { x, y } = this.viewport.rootPlace();
    this.state.at = { x: view.camera.x - x, y: view.camera.y - y, k: view.camera.k };
    view.stage.classList.add("is-moving");
    clearTimeout(this.addressTimer);
    this.addressTimer = window.setTimeout(() => {
      view.stage.classList.remove("is-moving");
      history.replaceState(history.state, "", `?${writeAddress(this.state)}`);
    }, ADDRESS_AFTER_MS);
  }

  /** @param {Spot} spot */
  point(spot) {
    const key = `${spot.card} ${spot.link} ${spot.port}`;
    if (key === this.pointedAt) return;
    this.pointedAt = key;
    this.view.stage.classList.toggle("is-on-link", spot.card < 0 && spot.link >= 0);
    this.view.light(throughSpot(this.view.scene, spot) ?? this.pinned);
    // Cards that are too small to read are no elements, so they have no title of their own.
    this.view.stage.title = this.view.isNear ? "" : (this.view.scene.cards[spot.card]?.whole ?? "");
  }

  /** @param {Spot} spot */
  choose(spot) {
    const card = this.view.scene.cards[spot.card];
    this.view.stage.focus({ preventScroll: true });
    if (spot.group || card?.shape === "group") void this.fold(spot.group || card?.key || "");
    else if (card && spot.open) void this.turn(card.node, spot.open, "open");
    else if (card && spot.shut) void this.turn(card.node, spot.shut, "shut");
    else if (card) {
      this.activate(card.at, false);
      this.pin(throughSpot(this.view.scene, spot), card.node, spot.port);
      void this.inspector.about(card.node, spot.port);
      if (spot.morePorts) void this.columnSearch.open(card);
    } else if (spot.link >= 0) {
      this.pin(throughSpot(this.view.scene, spot));
      void this.inspector.link(this.view.scene, spot.link);
    } else this.release();
  }

  /**
   * Keep something lit.
   * @param {Lit | null} lit
   * @param {string} node for the address, empty where nothing in it can be named
   * @param {string} port
   */
  pin(lit, node = "", port = "") {
    this.pinned = lit;
    this.edgeAt = -1;
    Object.assign(this.state, { pin: node, port });
    this.view.light(lit);
  }

  release() {
    this.pin(null);
    this.moved();
  }

  /** What the pin of the state lights in the scene; null where it is not in it. */
  litOfPin() {
    const { scene } = this.view;
    const { pin, port } = this.state;
    const card = pin ? scene.cards.find((one) => one.node === pin) : undefined;
    if (!card) return null;
    return port ? throughPort(scene, card.at, port) : throughCard(scene, card.at);
  }

  /** @returns {boolean} whether something is pinned */
  restorePin() {
    const { pin, port } = this.state;
    const lit = this.litOfPin();
    if (!lit) return false;
    this.pin(lit, pin, port);
    void this.inspector.about(pin, port);
    return true;
  }

  /**
   * @param {string} node
   * @param {"up" | "down"} side
   * @param {"open" | "shut"} deed
   */
  turn(node, side, deed) {
    const { opened, shut } = turned(this.next, node, side, deed);
    return this.change({ opened, shut }, { anchor: node });
  }

  /**
   * Fold a group into one card, or open it again.
   * @param {string} key of the group
   */
  async fold(key) {
    const folded = this.view.scene.cards.filter((card) => card.shape === "group").map((card) => card.key);
    const isFolded = folded.includes(key);
    await this.change({ collapsed: isFolded ? folded.filter((one) => one !== key) : [...folded, key] }, { anchor: key });
    // Who folds a group by keyboard stands on its card, who opens it on the first card in it.
    const { scene } = this.view;
    const group = scene.groups.find((one) => one.key === key);
    const inside = group && scene.cards.find((card) => groupOf(scene, card) === group);
    const next = scene.byKey.get(key) ?? inside?.at;
    if (next === undefined) return;
    this.activate(next, false);
    this.view.reveal(next);
  }

  toggleColumns() {
    return this.change({ columns: !this.next.columns }, { anchor: this.rootId });
  }

  /** @param {string} node */
  async makeRoot(node) {
    await this.change(atRoot(node), { fresh: true });
    await this.inspector.node(this.rootId);
  }

  // -- keys and buttons --------------------------------------------------------------------------------------------

  /**
   * Make a card the one that keys move from, and say what it is.
   * @param {number} at
   * @param {boolean} isMove it was walked to: it comes into sight, and its path is lit
   */
  activate(at, isMove) {
    const card = this.view.scene.cards[at];
    if (!card) return;
    this.view.setActive(at);
    this.view.stage.setAttribute("aria-activedescendant", `card-${at}`);
    if (!isMove) return;
    this.view.reveal(at);
    this.view.light(throughCard(this.view.scene, at));
    this.said.textContent = words(card);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const command = commandOf(document, event);
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    this.run(command);
  }

  /**
   * @param {string} command
   * @param {HTMLElement} [button] that gave it
   */
  run(command, button) {
    commandsOf(this)[command]?.(button);
  }

  /**
   * Say over the canvas what is wrong.
   * @param {string} text empty for nothing
   */
  sayOnStage(text) {
    this.stageNote.textContent = text;
    this.stageNote.hidden = !text;
  }

  /** @param {string} text */
  say(text) {
    note(text);
  }
}
