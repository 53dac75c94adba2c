/**
 * One photo of the deck: a fixed frame, a blurred preview, and the photo once it is loaded and decoded, which is tried three times. The
 * first photo comes with the page.
 */

import { photoIsBroken } from "../page/api.js";
import { element, find, icon } from "../page/dom.js";
import { say } from "../page/words.js";
import { placeholder } from "../photos/thumbhash.js";

const RETRY_AFTER_MS = [500, 1500];

/**
 * The rating that a drag in each direction gives.
 * @type {Record<import("./gestures.js").Direction, import("../page/api.js").RatingValue>}
 */
export const RATING_OF = { left: "dislike", right: "like", up: "love" };

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

/** @param {import("../page/api.js").Photo} photo */
const newImage = (photo) =>
  element("img", {
    class: "card-photo",
    alt: photo.alt || say("photo_alt"),
    width: photo.width,
    height: photo.height,
    draggable: "false",
    sizes: find("#cards").dataset.sizes,
  });

export class CardView {
  /** @type {HTMLElement} */ node;
  /** @type {"loading" | "ready" | "broken" | "unreachable"} */ state = "loading";
  /** @type {Promise<void> | null} */ #loaded = null;
  #ambience;
  /** Pixels, during a drag. */ #width = 0;
  #shownSince = 0;
  #shownMs = 0;

  /** @param {import("../page/api.js").Card} card */
  constructor(card) {
    this.card = card;
    this.token = card.token;
    const { photo } = card;
    const fromPage = document.querySelector(`.first-photo [data-photo="${photo.id}"]`);
    this.image = /** @type {HTMLImageElement} */ (fromPage ?? newImage(photo));
    this.#ambience = element("div", { class: "card-ambience" });
    const credit = [photo.credit, photo.licence].filter(Boolean).join(" · ");
    this.node = element(
      "article",
      { class: "card", "data-token": card.token, "data-photo": photo.id },
      this.#ambience,
      this.image,
      credit ? element("p", { class: "card-credit", text: credit }) : "",
      ...Object.values(RATING_OF).map((value) =>
        element("div", { class: `stamp stamp-${value}`, "aria-hidden": "true" }, icon(value), element("span", { text: say(value) })),
      ),
    );
    if (this.image.complete && this.image.naturalWidth) this.#markReady();
  }

  /** Loads the photo, once. Resolves when it is decoded, or when loading has failed. */
  load() {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  async #load() {
    const { photo } = this.card;
    const preview = placeholder(photo.thumbhash);
    this.#ambience.style.backgroundImage = preview;
    if (this.state === "ready") return;
    // The same preview, sharp-edged, fills the photo's own place until it is decoded, so that nothing jumps.
    this.image.style.backgroundImage = preview;
    for (const wait of [0, ...RETRY_AFTER_MS]) {
      await pause(wait);
      // The photo that came with the page may be on its way already.
      if (wait || !this.image.src) {
        this.image.removeAttribute("src");
        this.image.removeAttribute("srcset");
        if (photo.srcset) this.image.srcset = photo.srcset;
        this.image.src = photo.src;
      }
      try {
        await this.image.decode();
        this.#markReady();
        return;
      } catch {
        // The next turn of the loop tries again; the state says so after the last one.
      }
    }
    this.state = (await photoIsBroken(photo.src)) ? "broken" : "unreachable";
  }

  #markReady() {
    this.state = "ready";
    this.node.dataset.ready = "";
  }

  /** Starts the viewing time at the first paint of the decoded photo. It only runs while the tab is visible. */
  async startClock() {
    await this.load();
    await painted();
    if (this.#shownSince || this.state !== "ready") return;
    if (document.visibilityState === "visible" && this.node.isConnected) this.#shownSince = performance.now();
  }

  pauseClock() {
    if (this.#shownSince) this.#shownMs += performance.now() - this.#shownSince;
    this.#shownSince = 0;
  }

  resumeClock() {
    if (this.state === "ready" && !this.#shownSince) this.#shownSince = performance.now();
  }

  get shownMs() {
    return Math.round(this.#shownMs + (this.#shownSince ? performance.now() - this.#shownSince : 0));
  }

  /** @param {number} dx @param {number} dy @param {import("./gestures.js").Direction | null} direction @param {number} progress 0 to 1 */
  drag(dx, dy, direction, progress) {
    const { style } = this.node;
    this.#width ||= this.node.clientWidth; // once: after a move, it would cost a layout
    const turn = (dx / Math.max(1, this.#width)) * 14;
    style.transform = `translate3d(${dx}px, ${dy}px, 0) rotate(${turn}deg)`;
    this.node.dataset.leaning = direction ? RATING_OF[direction] : "";
    style.setProperty("--lean", String(progress));
  }

  springBack() {
    this.#width = 0;
    const from = getComputedStyle(this.node).transform;
    this.node.style.transform = "";
    this.node.style.setProperty("--lean", "0");
    delete this.node.dataset.leaning;
    this.node.animate([{ transform: from }, { transform: "none" }], { duration: 420, easing: "cubic-bezier(.2, 1.35, .4, 1)" });
  }
}
