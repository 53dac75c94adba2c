/** Two photos of a stack side by side: the better one stays, the other one is out. Each decision is a rating each way. */

import { find, findAs } from "../page/dom.js";
import { say } from "../page/words.js";
import { largest } from "./photos.js";

/** @typedef {import("./photos.js").Photo} Photo */

const LIKED = 2;

/** Events: "rate" (detail: {photo, value, modality}), "closed" once all are decided or the dialog is closed. */
export class Decide extends EventTarget {
  #dialog = findAs(HTMLDialogElement, "#decide");
  /** @type {Photo[]} */ #left = [];

  constructor() {
    super();
    find("#decide-left").addEventListener("click", () => this.#choose(0, "button"));
    find("#decide-right").addEventListener("click", () => this.#choose(1, "button"));
    find("#decide-both").addEventListener("click", () => this.#next([this.#left[0], ...this.#left.slice(2)]));
    find("#decide-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.dispatchEvent(new CustomEvent("closed")));
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.#choose(0, "key");
      if (event.key === "ArrowRight") this.#choose(1, "key");
    });
  }

  /** @param {Photo[]} photos of a stack, the best one first */
  open(photos) {
    this.#dialog.showModal();
    this.#next(photos);
  }

  /** @param {Photo[]} photos */
  #next(photos) {
    this.#left = photos;
    if (photos.length < 2) {
      this.#dialog.close();
      return;
    }
    find("#decide-title").textContent = say("decide_of", { left: photos.length - 1 });
    ["#decide-left", "#decide-right"].forEach((place, side) => {
      const image = /** @type {HTMLImageElement} */ (find("img", find(place)));
      image.src = largest(photos[side]);
    });
  }

  /** @param {0 | 1} side @param {"key" | "button"} modality */
  #choose(side, modality) {
    const [better, other] = side === 0 ? [this.#left[0], this.#left[1]] : [this.#left[1], this.#left[0]];
    const rate = (/** @type {Photo} */ photo, /** @type {number} */ value) =>
      this.dispatchEvent(new CustomEvent("rate", { detail: { photo: photo.id, value, modality } }));
    if ((better.value ?? 0) < LIKED) rate(better, LIKED); // a pick stays a pick
    rate(other, 1);
    this.#next([better, ...this.#left.slice(2)]);
  }
}
