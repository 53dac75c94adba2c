/** The large view of a photo: its place for the rater and for everyone, who made it and under which licence. */

import { photoIsBroken } from "../page/api.js";
import { element, find, findAs, icon, keepFocus } from "../page/dom.js";
import { clearEmptyState, showEmptyState, tryAgain } from "../page/empty-state.js";
import { say } from "../page/words.js";
import { placeholder } from "../photos/thumbhash.js";

/** What could not be loaded is tried again after this time. */
const AGAIN_MS = 5000;

/** @param {string} name @param {string} value */
const fact = (name, value) => element("div", {}, element("dt", { text: name }), element("dd", { text: value }));

/** @param {number | null} place */
const numbered = (place) => (place ? say("number", { place }) : "–");

/** How the two places compare; "" while one is missing. @param {import("../page/api.js").RankedPhoto} photo */
function comparisonOf({ place, everyones_place }) {
  if (!place || !everyones_place) return "";
  const steps = everyones_place - place;
  const name = steps > 0 ? "up" : steps < 0 ? "down" : "equal";
  const sentence = steps > 0 ? say("higher_for_you", { n: steps }) : steps < 0 ? say("lower_for_you", { n: -steps }) : say("same_for_you");
  return element("p", { class: "viewer-comparison" }, icon(name), element("span", { text: sentence }));
}

export class Viewer {
  #dialog = findAs(HTMLDialogElement, "#viewer");
  /** @type {number[]} */ #ids = [];
  #at = 0;
  #again = 0;

  /** @param {import("../photos/photo-book.js").PhotoBook} book */
  constructor(book) {
    this.book = book;
    find("#viewer-close").addEventListener("click", () => this.#dialog.close());
    find("#viewer-previous").addEventListener("click", () => this.#step(-1));
    find("#viewer-next").addEventListener("click", () => this.#step(1));
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.#step(-1);
      if (event.key === "ArrowRight") this.#step(1);
    });
  }

  /** @param {number} id @param {number[]} ids the order for "previous" and "next" */
  open(id, ids) {
    this.#ids = ids;
    this.#at = Math.max(0, ids.indexOf(id));
    this.#clearNotice();
    this.#dialog.showModal();
    this.#show();
  }

  /** @param {number} steps */
  #step(steps) {
    const at = this.#at + steps;
    if (at < 0 || at >= this.#ids.length) return;
    this.#at = at;
    this.#clearNotice();
    this.#show();
  }

  async #show() {
    const id = this.#ids[this.#at];
    clearTimeout(this.#again);
    const known = this.book.known(id);
    if (known) this.#fill(known);
    else this.#empty();
    find("#viewer-previous").toggleAttribute("disabled", this.#at === 0);
    find("#viewer-next").toggleAttribute("disabled", this.#at === this.#ids.length - 1);
    try {
      const photo = (await this.book.look([id], { anew: true })).get(id);
      if (photo && this.#ids[this.#at] === id) this.#fill(photo);
    } catch {
      if (!known && this.#ids[this.#at] === id) this.#explain("photo_failed");
    }
  }

  #empty() {
    find("#viewer-photo").replaceChildren();
    find("#viewer-facts").replaceChildren();
    this.#clearNotice();
  }

  /** Says in the photo's place why it is missing. A photo that could not be reached is tried again. @param {"photo_failed" | "photo_gone"} name */
  #explain(name) {
    find("#viewer-photo").replaceChildren();
    const mayCome = name === "photo_failed";
    showEmptyState(find("#viewer-notice"), {
      name,
      icon: mayCome ? "offline" : "photo",
      title: say(`${name}_title`),
      text: say(`${name}_text`),
      action: mayCome ? tryAgain(() => this.#show()) : undefined,
    });
    if (mayCome) this.#again = setTimeout(() => this.#dialog.open && this.#show(), AGAIN_MS);
  }

  #clearNotice() {
    keepFocus(
      () => clearEmptyState(find("#viewer-notice")),
      () => find("#viewer-close"),
    );
  }

  /** @param {import("../page/api.js").RankedPhoto} photo @param {HTMLElement} image */
  async #missing(photo, image) {
    const name = (await photoIsBroken(photo.src)) ? "photo_gone" : "photo_failed";
    if (image.isConnected) this.#explain(name);
  }

  /** @param {import("../page/api.js").RankedPhoto} photo */
  #fill(photo) {
    const place = find("#viewer-photo");
    if (place.querySelector("img")?.dataset.photo !== String(photo.id)) {
      const image = element("img", {
        alt: photo.alt || say("photo_alt"),
        width: photo.width,
        height: photo.height,
        "data-photo": photo.id,
        sizes: "90vw",
        srcset: photo.srcset || undefined,
        src: photo.src,
        onload: () => this.#clearNotice(),
        onerror: () => this.#missing(photo, image),
      });
      image.style.backgroundImage = placeholder(photo.thumbhash);
      place.replaceChildren(image);
    }
    const facts = [fact(say("for_you"), numbered(photo.place)), fact(say("for_everyone"), numbered(photo.everyones_place))];
    const credit = [photo.credit, photo.licence].filter(Boolean).join(" · ");
    find("#viewer-facts").replaceChildren(
      element("dl", { class: "facts" }, ...facts),
      comparisonOf(photo),
      credit ? element("p", { class: "viewer-credit", text: say("photo_by", { credit }) }) : "",
    );
  }
}
