/**
 * A grid of thousands of photos. Only those near the window are in the page; nodes that leave it are used again.
 *
 * The grid itself has the focus, and names the photo that keys act on (`aria-activedescendant`): a node that leaves the page takes no
 * focus along.
 */

import { element, find } from "../page/dom.js";
import { say } from "../page/words.js";
import { colour, source } from "./photos.js";

/** @typedef {import("./photos.js").Photo & {stack?: number}} Shown `stack`: how many more are folded under it */

const GAP = 4;
const NARROW = 600;
const TILE = { narrow: 112, wide: 176 };
/** Rows above and below the window that are in the page too, in windows. */
const AHEAD = 0.5;
/** Pixels per millisecond: whoever scrolls faster sees colours, and the photos when they slow down. */
const HURRIED = 4;
const SETTLE_MS = 120;
const LONG_PRESS_MS = 450;
const PRESS_SLOP = 10;

/** Events: "open" (detail: place in the list), "selection" (detail: how many), "key" (detail: the KeyboardEvent, where the grid has no use for it). */
export class Grid extends EventTarget {
  /** @type {Shown[]} */ #photos = [];
  /** @type {Map<number, HTMLElement>} by photo */ #nodes = new Map();
  /** @type {HTMLElement[]} */ #free = [];
  /** @type {Map<HTMLElement, Shown>} whose photo is not loaded yet */ #bare = new Map();
  /** @type {Set<number>} */ #selected = new Set();
  #active = 0;
  #anchor = 0;
  #columns = 3;
  #size = 0;
  #width = 0;
  #due = 0;
  #settling = 0;
  #before = { top: 0, at: 0 };
  #lowest = 0;
  #range = 1;
  #pressed = false;

  /** @param {HTMLElement} host */
  constructor(host) {
    super();
    this.host = host;
    new ResizeObserver(() => this.#measure()).observe(host);
    addEventListener("scroll", () => this.#drawSoon(), { passive: true });
    addEventListener("resize", () => this.#drawSoon(), { passive: true });
    host.addEventListener("click", (event) => this.#clicked(event));
    host.addEventListener("keydown", (event) => this.#keyed(event));
    host.addEventListener("focus", () => this.#drawSoon());
    this.#watchLongPress();
  }

  /** The photos that keys and buttons act on: those selected, in order, or else the active one. @returns {number[]} */
  get chosen() {
    if (this.#selected.size) return this.#photos.filter(({ id }) => this.#selected.has(id)).map(({ id }) => id);
    return this.#photos[this.#active] ? [this.#photos[this.#active].id] : [];
  }

  get selected() {
    return this.#selected;
  }

  get photos() {
    return this.#photos;
  }

  /** @param {Shown[]} photos */
  show(photos) {
    const active = this.#photos[this.#active]?.id;
    this.#photos = photos;
    this.#active = Math.max(
      0,
      photos.findIndex(({ id }) => id === active),
    );
    const known = new Set(photos.map(({ id }) => id));
    const before = this.#selected.size;
    for (const id of this.#selected) if (!known.has(id)) this.#selected.delete(id);
    if (this.#selected.size !== before) this.#tellSelection();
    const scores = photos.flatMap(({ score }) => (score === null ? [] : [score]));
    this.#lowest = scores.reduce((low, score) => Math.min(low, score), Infinity);
    this.#range = Math.max(1e-9, scores.reduce((high, score) => Math.max(high, score), -Infinity) - this.#lowest);
    this.#measure();
    this.draw({ anew: true });
  }

  /** Where a predicted score lies between the lowest and the highest of the album: 0 to 1. @param {number | null} score */
  share(score) {
    return score === null ? 0 : (score - this.#lowest) / this.#range;
  }

  clearSelection() {
    this.#selected.clear();
    this.#tellSelection();
    this.draw({ anew: true });
  }

  /** Makes a photo the active one and brings it into view. @param {number} place */
  goTo(place) {
    this.#active = Math.min(this.#photos.length - 1, Math.max(0, place));
    const top = this.host.getBoundingClientRect().top + Math.floor(this.#active / this.#columns) * (this.#size + GAP);
    const bar = find(".bar").getBoundingClientRect().bottom;
    if (top < bar) scrollBy({ top: top - bar - GAP });
    else if (top + this.#size > innerHeight) scrollBy({ top: top + this.#size - innerHeight + GAP });
    this.draw();
  }

  #measure() {
    const width = this.host.clientWidth;
    const target = width < NARROW ? TILE.narrow : TILE.wide;
    this.#columns = Math.max(3, Math.round((width + GAP) / (target + GAP)));
    this.#size = (width - GAP * (this.#columns - 1)) / this.#columns;
    const rows = Math.ceil(this.#photos.length / this.#columns);
    this.host.style.blockSize = `${Math.max(0, rows * (this.#size + GAP) - GAP)}px`;
    if (width !== this.#width) this.draw({ anew: true });
    this.#width = width;
  }

  #drawSoon() {
    this.#due ||= requestAnimationFrame(() => this.draw());
  }

  /** @param {number} top of the grid in the window */
  #isHurried(top) {
    const at = performance.now();
    const { top: topBefore, at: atBefore } = this.#before;
    this.#before = { top, at };
    return Math.abs(top - topBefore) > HURRIED * (at - atBefore);
  }

  #loadPhotos() {
    clearTimeout(this.#settling);
    for (const [node, photo] of this.#bare) {
      /** @type {HTMLImageElement} */ (node.firstElementChild).src = source(photo, this.#size * Math.min(2, devicePixelRatio));
    }
    this.#bare.clear();
  }

  /** @param {{anew?: boolean}} [options] `anew`: photos or their ratings have changed */
  draw({ anew = false } = {}) {
    cancelAnimationFrame(this.#due);
    this.#due = 0;
    const row = this.#size + GAP;
    const top = this.host.getBoundingClientRect().top;
    const hurried = this.#isHurried(top);
    const from = Math.max(0, Math.floor((-top - innerHeight * AHEAD) / row) * this.#columns);
    const to = Math.min(this.#photos.length, Math.ceil((innerHeight * (1 + AHEAD) - top) / row) * this.#columns);
    const wanted = new Map();
    for (let place = from; place < to; place++) wanted.set(this.#photos[place].id, place);
    if (this.#photos[this.#active]) wanted.set(this.#photos[this.#active].id, this.#active);
    for (const [id, node] of this.#nodes) {
      if (wanted.has(id)) continue;
      this.#nodes.delete(id);
      this.#bare.delete(node);
      this.#free.push(node);
    }
    for (const [id, place] of wanted) {
      let node = this.#nodes.get(id);
      const isNew = !node;
      if (!node) {
        node = this.#free.pop() ?? build();
        this.#nodes.set(id, node);
      }
      if (isNew || anew) this.#fill(node, this.#photos[place], place, isNew);
      node.toggleAttribute("data-active", place === this.#active);
      if (!node.isConnected) this.host.append(node);
    }
    for (const node of this.#free) node.remove();
    this.#free.length = Math.min(this.#free.length, this.#columns * 4);
    clearTimeout(this.#settling);
    if (hurried) this.#settling = setTimeout(() => this.#loadPhotos(), SETTLE_MS);
    else this.#loadPhotos();
    const active = this.#photos[this.#active];
    if (active) this.host.setAttribute("aria-activedescendant", `photo-${active.id}`);
    else this.host.removeAttribute("aria-activedescendant");
  }

  /** @param {HTMLElement} node @param {Shown} photo @param {number} place @param {boolean} isNew */
  #fill(node, photo, place, isNew) {
    const { style } = node;
    const column = place % this.#columns;
    style.transform = `translate(${column * (this.#size + GAP)}px, ${((place - column) / this.#columns) * (this.#size + GAP)}px)`;
    style.inlineSize = style.blockSize = `${this.#size}px`;
    if (isNew) {
      node.id = `photo-${photo.id}`;
      style.backgroundColor = colour(photo.thumbhash);
      /** @type {HTMLImageElement} */ (node.firstElementChild).removeAttribute("src"); // not the photo that this node had before
      this.#bare.set(node, photo);
    }
    node.setAttribute("aria-posinset", String(place + 1));
    node.setAttribute("aria-setsize", String(this.#photos.length));
    node.setAttribute("aria-selected", String(this.#selected.has(photo.id)));
    node.dataset.value = photo.value === null ? "" : String(photo.value);
    node.toggleAttribute("data-waiting", photo.score === null);
    /** @type {HTMLElement} */ (node.children[1]).style.transform = `scaleX(${0.06 + 0.94 * this.share(photo.score)})`;
    /** @type {HTMLElement} */ (node.children[2]).dataset.stack = photo.stack ? `+${photo.stack}` : "";
    const label = [say("tile", { name: photo.alt || photo.name, place: place + 1, total: this.#photos.length })];
    if (photo.value !== null) label.push(say(`tile_${photo.value}`));
    else if (photo.score === null) label.push(say("tile_waiting"));
    if (photo.stack) label.push(say("tile_stack", { n: photo.stack }));
    node.setAttribute("aria-label", label.join(", "));
  }

  /** @param {Event} event @returns {number} -1 where none was hit */
  #placeOf(event) {
    const node = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    return node ? this.#photos.findIndex(({ id }) => node.id === `photo-${id}`) : -1;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const place = this.#placeOf(event);
    if (place < 0 || this.#pressed) {
      this.#pressed = false;
      return;
    }
    const onCheck = event.target instanceof Element && event.target.matches(".tile-check");
    this.#active = place;
    if (event.shiftKey) this.#selectTo(place);
    else if (onCheck || event.ctrlKey || event.metaKey || this.#selected.size) this.toggle(place);
    else {
      this.draw();
      this.dispatchEvent(new CustomEvent("open", { detail: place }));
    }
  }

  /** A long press selects on a touch screen, which has no hovering. */
  #watchLongPress() {
    let timer = 0;
    let x = 0;
    let y = 0;
    this.host.addEventListener("pointerdown", (event) => {
      clearTimeout(timer);
      this.#pressed = false;
      if (event.pointerType !== "touch") return;
      const place = this.#placeOf(event);
      [x, y] = [event.clientX, event.clientY];
      timer = setTimeout(() => {
        if (place < 0) return;
        this.#pressed = true;
        this.toggle(place);
      }, LONG_PRESS_MS);
    });
    this.host.addEventListener("pointermove", (event) => {
      if (Math.hypot(event.clientX - x, event.clientY - y) > PRESS_SLOP) clearTimeout(timer);
    });
    for (const type of ["pointerup", "pointercancel"]) this.host.addEventListener(type, () => clearTimeout(timer));
    this.host.addEventListener("contextmenu", (event) => this.#pressed && event.preventDefault());
  }

  /** @param {number} place */
  toggle(place) {
    const { id } = this.#photos[place];
    if (!this.#selected.delete(id)) this.#selected.add(id);
    this.#active = this.#anchor = place;
    this.#tellSelection();
    this.draw({ anew: true });
  }

  /** @param {number} place */
  #selectTo(place) {
    const [from, to] = [Math.min(this.#anchor, place), Math.max(this.#anchor, place)];
    for (const { id } of this.#photos.slice(from, to + 1)) this.#selected.add(id);
    this.#active = place;
    this.#tellSelection();
    this.draw({ anew: true });
  }

  #tellSelection() {
    this.host.toggleAttribute("data-selecting", this.#selected.size > 0);
    this.dispatchEvent(new CustomEvent("selection", { detail: this.#selected.size }));
  }

  /** @param {KeyboardEvent} event */
  #keyed(event) {
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.#columns, ArrowDown: this.#columns };
    const combined = event.ctrlKey || event.metaKey;
    if (event.key in steps || event.key === "Home" || event.key === "End") {
      const before = this.#active;
      const place = event.key === "Home" ? 0 : event.key === "End" ? this.#photos.length - 1 : before + steps[event.key];
      if (place < 0 || place >= this.#photos.length) return;
      if (event.shiftKey && !this.#selected.size) this.#anchor = before;
      this.goTo(place);
      if (event.shiftKey) this.#selectTo(place);
    } else if (event.key === " ") {
      if (event.shiftKey) this.#selectTo(this.#active);
      else if (this.#photos[this.#active]) this.toggle(this.#active);
    } else if (event.key === "Enter") {
      if (this.#photos[this.#active]) this.dispatchEvent(new CustomEvent("open", { detail: this.#active }));
    } else if (combined && event.key.toLowerCase() === "a") {
      for (const { id } of this.#photos) this.#selected.add(id);
      this.#tellSelection();
      this.draw({ anew: true });
    } else if (event.key === "Escape" && this.#selected.size) {
      this.clearSelection();
    } else {
      if (!combined && !event.altKey) this.dispatchEvent(new CustomEvent("key", { detail: event }));
      return;
    }
    event.preventDefault();
  }
}

const build = () =>
  element(
    "div",
    { role: "option", class: "tile" },
    element("img", { alt: "", decoding: "async", draggable: "false" }),
    element("i", { class: "tile-bar" }),
    element("span", { class: "tile-check" }),
  );
