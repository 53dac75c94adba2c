/** You beside everyone: two columns of the same length, with a line from each photo's place in one to its place in the other. */

import { element, find, svgElement } from "../page/dom.js";
import { say } from "../page/words.js";
import { previewWhenNear } from "../photos/thumbhash.js";
import { playMoves } from "./flip.js";

export const ROWS = 12;
/** Height of a row in the coordinates of the lines. */
const ROW = 10;

/**
 * @typedef {import("../page/api.js").Photo} Photo
 * @typedef {{id: number, place: number, other: number | null}} Row `other` is the place in the other column's ranking
 * @typedef {"me" | "everyone"} Side
 */

/** Where the line of a photo ends that the other column does not show: below its foot, lower for a lower place. @param {number | null} other */
const belowTheFoot = (other) => (ROWS + 1 + Math.min(8, ((other ?? ROWS) - ROWS) / 12)) * ROW;

/** @param {Row} row @param {boolean} shownInBoth @param {Side} side where the line starts */
function line({ id, place, other }, shownInBoth, side) {
  const from = place * ROW - ROW / 2;
  const to = shownInBoth && other !== null ? other * ROW - ROW / 2 : belowTheFoot(other);
  // The other place is written beside a photo whose line leaves at the foot: the line starts after it.
  const start = shownInBoth ? 0 : 13;
  const x = (/** @type {number} */ percent) => (side === "everyone" ? 100 - percent : percent);
  const kind = !shownInBoth ? "line-out" : from < to ? "line-up" : from > to ? "line-down" : "";
  const path = svgElement("path", { d: `M${x(start)} ${from} C ${x(50)} ${from}, ${x(50)} ${to}, ${x(100)} ${to}`, class: kind });
  path.dataset.photo = String(id);
  return path;
}

export class Comparison {
  #you = element("ol", { class: "compare-column", "data-of": "me" });
  #everyone = element("ol", { class: "compare-column", "data-of": "everyone" });
  #lines = svgElement("svg", {
    class: "compare-lines",
    viewBox: `0 0 100 ${ROWS * ROW}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  /** @type {Map<string, HTMLElement>} */ #rows = new Map();

  /** @param {HTMLElement} host @param {(id: number) => void} onOpen */
  constructor(host, onOpen) {
    this.onOpen = onOpen;
    host.replaceChildren(
      element("h3", { class: "compare-head", text: say("you") }),
      element("h3", { class: "compare-head compare-head-end", text: say("everyone") }),
      this.#you,
      this.#lines,
      this.#everyone,
    );
  }

  /** @param {Row[]} mine @param {Row[]} theirs @param {Map<number, Photo>} photos */
  show(mine, theirs, photos) {
    const left = mine.slice(0, ROWS);
    const right = theirs.slice(0, ROWS);
    this.#fill(this.#you, "me", left, photos);
    this.#fill(this.#everyone, "everyone", right, photos);
    const onRight = new Map(right.map((row) => [row.id, row.place]));
    const onLeft = new Set(left.map((row) => row.id));
    this.#lines.replaceChildren(
      ...left.map((row) => line({ ...row, other: onRight.get(row.id) ?? row.other }, onRight.has(row.id), "me")),
      ...right.filter((row) => !onLeft.has(row.id)).map((row) => line(row, false, "everyone")),
    );
  }

  /** @param {HTMLElement} column @param {Side} side @param {Row[]} rows @param {Map<number, Photo>} photos */
  #fill(column, side, rows, photos) {
    const nodes = rows.flatMap((row) => {
      const photo = photos.get(row.id);
      return photo ? [this.#row(side, row, photo)] : [];
    });
    playMoves(column, () => column.replaceChildren(...nodes));
  }

  /** @param {Side} side @param {Row} row @param {Photo} photo */
  #row(side, row, photo) {
    const key = `${side} ${row.id}`;
    const node = this.#rows.get(key) ?? this.#build(photo);
    this.#rows.set(key, node);
    find(".compare-place", node).textContent = String(row.place);
    const shownInOther = row.other !== null && row.other <= ROWS;
    find(".compare-other", node).textContent = row.other && !shownInOther ? say("number", { place: row.other }) : "";
    const label = say("tile_label", { place: row.place, alt: photo.alt || say("photo_alt") });
    const other = { place: row.other ?? "–" };
    const otherLabel = side === "me" ? say("everyone_place", other) : say("you_place", other);
    find(".visually-hidden", node).textContent = `${label}, ${otherLabel}`;
    return node;
  }

  /** @param {Photo} photo */
  #build(photo) {
    const image = element("img", {
      alt: "",
      src: photo.src,
      srcset: photo.srcset || undefined,
      sizes: "96px",
      loading: "lazy",
      width: 64,
      height: 48,
    });
    previewWhenNear(image, photo.thumbhash);
    const light = (/** @type {boolean} */ on) => () =>
      this.#lines.querySelector(`[data-photo="${photo.id}"]`)?.classList.toggle("is-lit", on);
    const button = element(
      "button",
      {
        type: "button",
        class: "compare-row",
        onclick: () => this.onOpen(photo.id),
        onpointerenter: light(true),
        onpointerleave: light(false),
        onfocus: light(true),
        onblur: light(false),
      },
      element("span", { class: "compare-place", "aria-hidden": "true" }),
      image,
      element("span", { class: "compare-other", "aria-hidden": "true" }),
      element("span", { class: "visually-hidden" }),
    );
    return element("li", { "data-photo": photo.id }, button);
  }
}
