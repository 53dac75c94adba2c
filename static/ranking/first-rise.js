/**
 * Shows once that the ranking has become the rater's own: after the tenth rating, a ring and a label on the first photo that rose by it.
 *
 * The tenth rating is counted in the page where it is given, from the server's count. That it was shown is kept in this browser, by rater:
 * undoing the tenth rating and giving it again, before or after a reload, shows nothing.
 */

import { announce, element, find } from "../page/dom.js";
import { say } from "../page/words.js";

const RATINGS = 10;
const SHOWN_MS = 4000;
/** From this place on, a photo of the strip has its label on its left: on the right it would leave the screen. */
const LEFT_FROM = 4;

/** @typedef {import("../page/api.js").PlacedPhoto} PlacedPhoto */

export class FirstRise {
  #stored;
  #due = false;
  /** The rating event from which on a ranking contains the tenth rating; unknown until the server has it. */ #since = Infinity;
  /** Photos rated on this page. @type {Set<number>} */ #rated = new Set();

  /** @param {import("./ranking.js").Ranking} ranking @param {string} rater */
  constructor(ranking, rater) {
    this.ranking = ranking;
    this.#stored = `pav-first-rise-${rater}`;
  }

  /** @param {number} photo @param {number} count ratings so far, this one included */
  rated(photo, count) {
    this.#rated.add(photo);
    if (count === RATINGS && !localStorage.getItem(this.#stored)) this.#due = true;
  }

  /** @param {number} count ratings that are left */
  undone(count) {
    if (count >= RATINGS) return;
    this.#due = false;
    this.#since = Infinity;
  }

  /** @param {number} count ratings that the server has @param {number} seq the last event among them */
  stored(count, seq) {
    if (count >= RATINGS) this.#since = Math.min(this.#since, seq);
    this.look();
  }

  /** Call after anything that may show a photo that rose: a ranking is drawn, or another tab has opened. */
  async look() {
    if (!this.#isDue) return;
    for (let moves = moving(); moves.length; moves = moving()) await Promise.allSettled(moves.map(({ finished }) => finished));
    const rise = this.#isDue && this.#choose();
    if (!rise) return;
    this.#due = false;
    localStorage.setItem(this.#stored, "yes");
    show(rise);
  }

  get #isDue() {
    return this.#due && this.ranking.ratingsSeq >= this.#since && !document.querySelector("dialog[open]");
  }

  /**
   * The highest photo on screen that rose. One that was never rated comes first: it shows that PAV has learned a taste, while a loved photo
   * that rises only repeats what the rater said. A reload forgets which photos were rated before; the sentence stays true.
   */
  #choose() {
    const rises = visiblePhotos().flatMap((node) => {
      const placed = this.ranking.top.find(({ id }) => String(id) === node.dataset.photo);
      return placed && placed.was !== null && placed.was > placed.place ? [{ node, placed, steps: placed.was - placed.place }] : [];
    });
    return rises.find(({ placed }) => !this.#rated.has(placed.id)) ?? rises[0];
  }
}

/** Photos on their way to their new places. */
const moving = () =>
  document.getAnimations().filter(({ effect }) => effect instanceof KeyframeEffect && effect.target?.closest("#tiles, #ribbon"));

/** Photos of the rater's own ranking that are wholly on screen, in order: its grid, or on a phone the strip above the deck. */
function visiblePhotos() {
  const top = find(".bar").getBoundingClientRect().bottom;
  /** @type {NodeListOf<HTMLElement>} */
  const photos = document.querySelectorAll("#ranking-panel[data-of=me] #tiles li, #ribbon li");
  return [...photos].filter((photo) => {
    const box = photo.getBoundingClientRect();
    const strip = photo.closest("#ribbon");
    // The end of the strip fades out under the arrow that opens the ranking.
    const end = strip ? strip.getBoundingClientRect().right - box.width : innerWidth;
    return box.width > 0 && box.top >= top && box.bottom <= innerHeight && box.right <= end;
  });
}

/** @param {{node: HTMLElement, placed: PlacedPhoto, steps: number}} rise */
function show({ node, placed, steps }) {
  const mark = element(
    "span",
    { class: "rise", "data-side": placed.place < LEFT_FROM ? "end" : "start", "aria-hidden": "true" },
    element("span", { class: "rise-label", text: say("rise", { n: steps }) }),
  );
  node.append(mark);
  announce(say("rise_announced", { n: steps, place: placed.place }));
  setTimeout(() => mark.remove(), SHOWN_MS);
}
