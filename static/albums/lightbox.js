/** A photo of an album in large: zoom by click, wheel or two fingers, the next one by swipe or key, a rating by button or key. */

import { element, find, findAs } from "../page/dom.js";
import { say } from "../page/words.js";
import { colour, largest, source } from "./photos.js";

/**
 * @typedef {import("./photos.js").Photo} Photo
 * @typedef {import("./photos.js").Value} Value
 */

const ZOOMED = 2.5;
const MOST_ZOOM = 6;
/** A swipe goes on to the next photo past this share of the width. */
const SWIPE = 0.18;
const TAP_SLOP = 8;
/** @type {Record<string, Value>} */ export const VALUE_OF_KEY = { x: 1, 1: 1, 2: 2, 3: 3, p: 3 };

/** Events: "rate" (detail: {photo, value, modality}), "undo", "closed" (detail: place in the list). */
export class Lightbox extends EventTarget {
  #dialog = findAs(HTMLDialogElement, "#lightbox");
  #host = find("#lightbox-photo");
  /** @type {Photo[]} */ #photos = [];
  #at = 0;
  /** @type {HTMLElement | null} */ #image = null;
  #scale = 1;
  #x = 0;
  #y = 0;
  /** @type {Map<number, {x: number, y: number}>} */ #pointers = new Map();
  #moved = 0;
  #spread = 0;
  #share;

  /** @param {(score: number | null) => number} share of a predicted score between the lowest and the highest */
  constructor(share) {
    super();
    this.#share = share;
    find("#lightbox-close").addEventListener("click", () => this.#dialog.close());
    find("#lightbox-previous").addEventListener("click", () => this.#step(-1));
    find("#lightbox-next").addEventListener("click", () => this.#step(1));
    this.#dialog.addEventListener("close", () => this.dispatchEvent(new CustomEvent("closed", { detail: this.#at })));
    this.#dialog.addEventListener("keydown", (event) => this.#keyed(event));
    for (const button of this.#dialog.querySelectorAll("[data-value]")) {
      button.addEventListener("click", () => this.#rate(/** @type {Value} */ (Number(button.getAttribute("data-value"))), "button"));
    }
    this.#watchPointers();
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {number} place @param {Photo[]} photos */
  open(place, photos) {
    this.#photos = photos;
    this.#at = place;
    this.#dialog.showModal();
    this.#show();
  }

  /** Brings rating and score up to date. */
  refresh() {
    if (this.isOpen) this.#showFacts();
  }

  #show() {
    const photo = this.#photos[this.#at];
    if (!photo) return;
    this.#reset();
    const image = element("img", {
      alt: photo.alt || photo.name,
      src: largest(photo),
      draggable: "false",
      width: photo.width,
      height: photo.height,
    });
    image.style.backgroundColor = colour(photo.thumbhash);
    image.style.backgroundImage = `url("${source(photo, 1)}")`; // in the cache: the grid has shown it
    image.addEventListener("error", () => image.isConnected && this.#host.replaceChildren(element("p", { text: say("viewer_missing") })));
    this.#image = image;
    this.#host.replaceChildren(image);
    find("#lightbox-previous").toggleAttribute("disabled", this.#at === 0);
    find("#lightbox-next").toggleAttribute("disabled", this.#at === this.#photos.length - 1);
    this.#showFacts();
    const next = this.#photos[this.#at + 1];
    if (next) new Image().src = largest(next);
  }

  #showFacts() {
    const photo = this.#photos[this.#at];
    find("#lightbox-count").textContent = say("viewer_count", { place: this.#at + 1, total: this.#photos.length });
    find("#lightbox-name").textContent = photo.name;
    find("#lightbox-bar").style.transform = `scaleX(${this.#share(photo.score)})`;
    for (const button of this.#dialog.querySelectorAll("[data-value]")) {
      button.setAttribute("aria-pressed", String(String(photo.value) === button.getAttribute("data-value")));
    }
  }

  /** @param {number} steps */
  #step(steps) {
    const at = this.#at + steps;
    if (!this.#photos[at]) return;
    this.#at = at;
    this.#show();
  }

  /** @param {Value} value @param {string} modality */
  #rate(value, modality) {
    this.dispatchEvent(new CustomEvent("rate", { detail: { photo: this.#photos[this.#at].id, value, modality } }));
    if (modality === "key") this.#step(1);
  }

  /** @param {KeyboardEvent} event */
  #keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "arrowleft") this.#step(-1);
    else if (key === "arrowright") this.#step(1);
    else if (key === "z") this.dispatchEvent(new CustomEvent("undo"));
    else if (key in VALUE_OF_KEY) {
      if (!event.repeat) this.#rate(VALUE_OF_KEY[key], "key");
    } else return;
    event.preventDefault();
  }

  #reset() {
    this.#scale = 1;
    this.#x = this.#y = 0;
    this.#place();
  }

  #place() {
    if (this.#scale === 1 && !this.#pointers.size) this.#x = this.#y = 0;
    if (this.#image) this.#image.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    this.#host.toggleAttribute("data-zoomed", this.#scale > 1);
  }

  /** Zooms so that what is under the point stays there. @param {number} scale @param {number} clientX @param {number} clientY */
  #zoom(scale, clientX, clientY) {
    const box = this.#host.getBoundingClientRect();
    const [dx, dy] = [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
    const next = Math.min(MOST_ZOOM, Math.max(1, scale));
    this.#x = dx - (dx - this.#x) * (next / this.#scale);
    this.#y = dy - (dy - this.#y) * (next / this.#scale);
    this.#scale = next;
    this.#place();
  }

  #watchPointers() {
    const host = this.#host;
    host.addEventListener("pointerdown", (event) => {
      host.setPointerCapture(event.pointerId);
      if (!this.#pointers.size) this.#moved = 0;
      this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      this.#spread = this.#distance();
    });
    host.addEventListener("pointermove", (event) => {
      const before = this.#pointers.get(event.pointerId);
      if (!before) return;
      const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
      this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      this.#moved += Math.hypot(dx, dy);
      if (this.#pointers.size > 1) {
        const spread = this.#distance();
        if (this.#spread) this.#zoom((this.#scale * spread) / this.#spread, event.clientX, event.clientY);
        this.#spread = spread;
        return;
      }
      this.#x += dx;
      if (this.#scale > 1) this.#y += dy;
      this.#place();
    });
    const released = (/** @type {PointerEvent} */ event) => {
      if (!this.#pointers.delete(event.pointerId) || this.#pointers.size) return;
      const moved = this.#x;
      if (this.#moved < TAP_SLOP && event.type === "pointerup") {
        this.#zoom(this.#scale > 1 ? 1 : ZOOMED, event.clientX, event.clientY);
        return;
      }
      if (this.#scale > 1) return;
      this.#reset();
      if (Math.abs(moved) > host.clientWidth * SWIPE) this.#step(moved > 0 ? -1 : 1);
    };
    host.addEventListener("pointerup", released);
    host.addEventListener("pointercancel", released);
    host.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.#zoom(this.#scale * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
      },
      { passive: false },
    );
  }

  #distance() {
    const [one, other] = [...this.#pointers.values()];
    return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
  }
}
