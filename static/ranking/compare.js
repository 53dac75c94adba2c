/** You beside everyone: two columns of the same length, and a line from each photo's place in the one to its place in the other. */

import { drawing, element } from "../page/dom.js";
import { playMoves } from "./flip.js";
import { placeholder } from "../photos/thumbhash.js";
import { say } from "../page/words.js";

export const ROWS = 12;

/** @typedef {{id: number, place: number, other: number | null}} Row */

/**
 * From a photo's place on the one side to its place on the other; one that is not shown over there runs out at the foot.
 * @param {number} id @param {number} place @param {number | null} other @param {boolean} shown on both sides @param {boolean} fromRight
 */
function line(id, place, other, shown, fromRight) {
  const from = place * 10 - 5;
  const to = shown ? other * 10 - 5 : (ROWS + 1 + Math.min(8, ((other ?? ROWS) - ROWS) / 12)) * 10;
  // The place on the other side is written beside a photo whose line runs out: the line begins behind it.
  const start = shown ? 0 : 13;
  const x = (share) => (fromRight ? 100 - share : share);
  const kind = !shown ? "line-out" : from < to ? "line-up" : from > to ? "line-down" : "";
  const path = drawing("path", { d: `M${x(start)} ${from} C ${x(50)} ${from}, ${x(50)} ${to}, ${x(100)} ${to}`, class: kind });
  path.dataset.photo = String(id);
  return path;
}

export class Comparison {
  #you = element("ol", { class: "compare-column", "data-of": "me" });
  #everyone = element("ol", { class: "compare-column", "data-of": "everyone" });
  #lines = drawing("svg", { class: "compare-lines", viewBox: `0 0 100 ${ROWS * 10}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  /** @type {Map<string, HTMLElement>} */ #rows = new Map();

  /** @param {HTMLElement} host @param {(id: number) => void} opened */
  constructor(host, opened) {
    this.opened = opened;
    host.replaceChildren(
      element("h3", { class: "compare-head", text: say("you") }),
      element("h3", { class: "compare-head compare-head-end", text: say("everyone") }),
      this.#you,
      this.#lines,
      this.#everyone,
    );
  }

  /** @param {Row[]} mine @param {Row[]} theirs @param {Map<number, import("../page/api.js").Photo>} photos */
  show(mine, theirs, photos) {
    this.#fill(this.#you, "me", mine.slice(0, ROWS), photos);
    this.#fill(this.#everyone, "everyone", theirs.slice(0, ROWS), photos);
    const onRight = new Map(theirs.slice(0, ROWS).map((row) => [row.id, row.place]));
    const onLeft = new Set(mine.slice(0, ROWS).map((row) => row.id));
    this.#lines.replaceChildren(
      ...mine.slice(0, ROWS).map((row) => line(row.id, row.place, onRight.get(row.id) ?? row.other, onRight.has(row.id), false)),
      ...theirs.slice(0, ROWS).filter((row) => !onLeft.has(row.id)).map((row) => line(row.id, row.place, row.other, false, true)),
    );
  }

  /** @param {HTMLElement} column @param {string} of @param {Row[]} rows @param {Map<number, import("../page/api.js").Photo>} photos */
  #fill(column, of, rows, photos) {
    const nodes = rows.filter(({ id }) => photos.has(id)).map((row) => this.#row(of, row, photos.get(row.id)));
    playMoves(column, () => column.replaceChildren(...nodes));
  }

  /** @param {string} of @param {Row} row @param {import("../page/api.js").Photo} photo */
  #row(of, row, photo) {
    const key = `${of} ${row.id}`;
    let node = this.#rows.get(key);
    if (!node) {
      const image = element("img", { alt: "", src: photo.src, srcset: photo.srcset || undefined, sizes: "96px", loading: "lazy", width: 64, height: 48 });
      image.style.backgroundImage = placeholder(photo.thumbhash);
      const button = element("button", { type: "button", class: "compare-row", onclick: () => this.opened(row.id) });
      button.append(element("span", { class: "compare-place" }), image, element("span", { class: "compare-other" }));
      node = element("li", { "data-photo": row.id }, button);
      const light = (on) => this.#lines.querySelector(`[data-photo="${row.id}"]`)?.classList.toggle("is-lit", on);
      button.addEventListener("pointerenter", () => light(true));
      button.addEventListener("pointerleave", () => light(false));
      button.addEventListener("focus", () => light(true));
      button.addEventListener("blur", () => light(false));
      this.#rows.set(key, node);
    }
    node.querySelector(".compare-place").textContent = String(row.place);
    const inOther = row.other !== null && row.other <= ROWS;
    node.querySelector(".compare-other").textContent = row.other && !inOther ? say("number", { place: row.other }) : "";
    const otherName = say(of === "me" ? "everyone_place" : "you_place", { place: row.other ?? "–" });
    node.querySelector("button").setAttribute("aria-label", `${say("tile_label", { place: row.place, alt: photo.alt || say("photo_alt") })}, ${otherName}`);
    return node;
  }
}
