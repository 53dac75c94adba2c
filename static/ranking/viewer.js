/** A photo of the ranking, large: its place for oneself and for everyone, who made it and under which licence. */

import { element, find, icon } from "../page/dom.js";
import { placeholder } from "../photos/thumbhash.js";
import { say } from "../page/words.js";

export class Viewer {
  #dialog = /** @type {HTMLDialogElement} */ (find("#viewer"));
  /** @type {number[]} */ #ids = [];
  #at = 0;

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

  /** @param {number} id @param {number[]} ids the order to leaf through */
  open(id, ids) {
    this.#ids = ids;
    this.#at = Math.max(0, ids.indexOf(id));
    this.#dialog.showModal();
    this.#show();
  }

  /** @param {number} steps */
  #step(steps) {
    const at = this.#at + steps;
    if (at < 0 || at >= this.#ids.length) return;
    this.#at = at;
    this.#show();
  }

  async #show() {
    const id = this.#ids[this.#at];
    const known = this.book.known(id);
    if (known) this.#fill(known);
    find("#viewer-previous").toggleAttribute("disabled", this.#at === 0);
    find("#viewer-next").toggleAttribute("disabled", this.#at === this.#ids.length - 1);
    try {
      const photo = (await this.book.look([id], { anew: true })).get(id);
      if (photo && this.#ids[this.#at] === id) this.#fill(photo);
    } catch (problem) {
      if (!known) find("#viewer-facts").textContent = problem.message;
    }
  }

  /** @param {import("../page/api.js").PlacedPhoto} photo */
  #fill(photo) {
    const place = find("#viewer-photo");
    const current = place.querySelector("img");
    if (current?.dataset.photo !== String(photo.id)) {
      const image = element("img", { alt: photo.alt || say("photo_alt"), width: photo.width, height: photo.height, "data-photo": photo.id });
      image.style.backgroundImage = placeholder(photo.thumbhash);
      image.setAttribute("sizes", "90vw");
      if (photo.srcset) image.setAttribute("srcset", photo.srcset);
      image.setAttribute("src", photo.src);
      place.replaceChildren(image);
    }
    const fact = (name, value) => element("div", {}, element("dt", { text: name }), element("dd", { text: value }));
    const facts = [
      fact(say("for_you"), photo.place ? say("number", { place: photo.place }) : "–"),
      fact(say("for_everyone"), photo.everyones_place ? say("number", { place: photo.everyones_place }) : "–"),
    ];
    const credit = [photo.credit, photo.licence].filter(Boolean).join(" · ");
    find("#viewer-facts").replaceChildren(element("dl", { class: "facts" }, ...facts), this.#verdict(photo), credit ? element("p", { class: "viewer-credit", text: say("photo_by", { credit }) }) : "");
  }

  /** @param {import("../page/api.js").PlacedPhoto} photo */
  #verdict(photo) {
    if (!photo.place || !photo.everyones_place) return "";
    const steps = photo.everyones_place - photo.place;
    const sentence = steps > 0 ? say("higher_for_you", { n: steps }) : steps < 0 ? say("lower_for_you", { n: -steps }) : say("same_for_you");
    return element("p", { class: "viewer-verdict" }, icon(steps > 0 ? "up" : steps < 0 ? "down" : "equal"), element("span", { text: sentence }));
  }
}
