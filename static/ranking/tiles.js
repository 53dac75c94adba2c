/** The ranking as a grid of photos: the place, how far it moved, and in everyone's ranking the rater's own place. */

import { element, find } from "../page/dom.js";
import { say } from "../page/words.js";
import { previewWhenNear } from "../photos/thumbhash.js";
import { playMoves } from "./flip.js";

/**
 * @typedef {import("../page/api.js").Photo} Photo
 * @typedef {import("../page/api.js").PlacedPhoto & {other?: number | null}} Shown `other` is the rater's own place in everyone's ranking
 */

/** @param {Shown} shown */
function changeOf({ place, was }) {
  if (was === null || was === place) return { name: "same", steps: 0 };
  return was > place ? { name: "up", steps: was - place } : { name: "down", steps: place - was };
}

export class Tiles {
  /** @type {Map<number, HTMLElement>} */ #tiles = new Map();

  /** @param {HTMLElement} host an ordered list @param {(id: number) => void} onOpen */
  constructor(host, onOpen) {
    this.host = host;
    this.onOpen = onOpen;
  }

  /** @param {Shown[]} list @param {Map<number, Photo>} photos @param {{still?: boolean}} [options] `still`: without an animation */
  show(list, photos, { still = false } = {}) {
    const nodes = list.flatMap((shown) => {
      const photo = photos.get(shown.id);
      return photo ? [this.#tile(shown, photo)] : [];
    });
    const reorder = () => {
      const focused = this.host.contains(document.activeElement) ? document.activeElement : null;
      this.host.replaceChildren(...nodes);
      if (focused?.isConnected) /** @type {HTMLElement} */ (focused).focus({ preventScroll: true });
    };
    if (still || !this.host.childElementCount) reorder();
    else playMoves(this.host, reorder);
    const kept = new Set(nodes);
    for (const [id, node] of this.#tiles) if (!kept.has(node)) this.#tiles.delete(id);
  }

  /** @param {Shown} shown @param {Photo} photo */
  #tile(shown, photo) {
    const node = this.#tiles.get(shown.id) ?? this.#build(photo);
    this.#tiles.set(shown.id, node);
    const { name, steps } = changeOf(shown);
    find(".tile-place", node).textContent = String(shown.place);
    const change = find(".tile-change", node);
    change.className = `tile-change tile-${name}`;
    change.textContent = steps ? String(steps) : "";
    const other = shown.other ? say("you_place", { place: shown.other }) : "";
    find(".tile-other", node).textContent = other;
    const label = [say("tile_label", { place: shown.place, alt: photo.alt || say("photo_alt") })];
    if (steps) label.push(say(`moved_${name}`, { n: steps }));
    if (other) label.push(other);
    find(".visually-hidden", node).textContent = label.join(", ");
    return node;
  }

  /** @param {Photo} photo */
  #build(photo) {
    const image = element("img", {
      class: "tile-photo",
      alt: "",
      width: photo.width,
      height: photo.height,
      loading: "lazy",
      decoding: "async",
      draggable: "false",
      sizes: "(min-width: 900px) 160px, 100px",
      srcset: photo.srcset || undefined,
      src: photo.src,
    });
    previewWhenNear(image, photo.thumbhash);
    return element(
      "li",
      { "data-photo": photo.id },
      element(
        "button",
        { type: "button", class: "tile", onclick: () => this.onOpen(photo.id) },
        image,
        element("span", { class: "tile-place", "aria-hidden": "true" }),
        element("span", { class: "tile-change", "aria-hidden": "true" }),
        element("span", { class: "tile-other", "aria-hidden": "true" }),
        element("span", { class: "visually-hidden" }),
      ),
    );
  }
}
