/** The ranking as a grid of photos: place, change of place, and (for everyone's ranking) the place that it has for oneself. */

import { element } from "../page/dom.js";
import { playMoves } from "./flip.js";
import { placeholder } from "../photos/thumbhash.js";
import { say } from "../page/words.js";

/** @typedef {import("../page/api.js").Placed & {other?: number | null}} Shown */

/** @param {Shown} shown */
function change(shown) {
  if (shown.was === null || shown.was === undefined || shown.was === shown.place) return { name: "same", steps: 0 };
  return shown.was > shown.place ? { name: "up", steps: shown.was - shown.place } : { name: "down", steps: shown.place - shown.was };
}

export class Tiles {
  /** @type {Map<number, HTMLElement>} */ #tiles = new Map();

  /** @param {HTMLElement} host an ordered list @param {(id: number) => void} opened */
  constructor(host, opened) {
    this.host = host;
    this.opened = opened;
  }

  /** @param {Shown[]} list @param {Map<number, import("../page/api.js").Photo>} photos @param {{still?: boolean}} [how] */
  show(list, photos, { still = false } = {}) {
    const nodes = list.filter(({ id }) => photos.has(id)).map((shown) => this.#tile(shown, photos.get(shown.id)));
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

  /** @param {Shown} shown @param {import("../page/api.js").Photo} photo */
  #tile(shown, photo) {
    let node = this.#tiles.get(shown.id);
    if (!node) {
      node = this.#build(photo);
      this.#tiles.set(shown.id, node);
    }
    const { name, steps } = change(shown);
    node.dataset.place = String(shown.place);
    node.querySelector(".tile-place").textContent = String(shown.place);
    const mark = node.querySelector(".tile-change");
    mark.className = `tile-change tile-${name}`;
    mark.textContent = steps ? String(steps) : "";
    const other = node.querySelector(".tile-other");
    other.textContent = shown.other ? say("you_place", { place: shown.other }) : "";
    const label = [say("tile_label", { place: shown.place, alt: photo.alt || say("photo_alt") })];
    if (steps) label.push(say(`moved_${name}`, { n: steps }));
    if (shown.other) label.push(say("you_place", { place: shown.other }));
    node.querySelector("button").setAttribute("aria-label", label.join(", "));
    return node;
  }

  /** @param {import("../page/api.js").Photo} photo */
  #build(photo) {
    const image = element("img", {
      class: "tile-photo",
      alt: "",
      width: photo.width,
      height: photo.height,
      loading: "lazy",
      decoding: "async",
      draggable: "false",
      sizes: "(min-width: 900px) 220px, 40vw",
      srcset: photo.srcset || undefined,
      src: photo.src,
    });
    image.style.backgroundImage = placeholder(photo.thumbhash);
    return element(
      "li",
      { "data-photo": photo.id },
      element(
        "button",
        { type: "button", class: "tile", onclick: () => this.opened(photo.id) },
        image,
        element("span", { class: "tile-place" }),
        element("span", { class: "tile-change" }),
        element("span", { class: "tile-other" }),
      ),
    );
  }
}
