/** The stack of photos: dealing, rating and undo. Each rating is in the outbox before the next photo comes up. */

import { asProblem, fetchDeck, whyLost } from "../page/api.js";
import { announce, onDetail } from "../page/dom.js";
import { toast } from "../page/toast.js";
import { say } from "../page/words.js";
import { CardView, RATING_OF } from "./card.js";
import { flyIn, flyOut } from "./flights.js";
import { watchDrags } from "./gestures.js";
import { clearNotice, explain, showNotice } from "./notices.js";
import { newId } from "../page/ids.js";

/**
 * @typedef {import("../page/api.js").Card} Card
 * @typedef {import("../page/api.js").RatingValue} RatingValue
 * @typedef {import("../page/api.js").Modality} Modality
 */

/** Cards in the page, the first one on top. */
const CARDS_IN_PAGE = 3;
/** Fewer cards than this make the deck ask for more. */
const FEW_CARDS = 4;
const ASK_AGAIN_MS = 3000;
const LONGEST_PAUSE_MS = 30_000;
/** A photo is prepared within seconds: when the count stands still for this long, the page says that something is slow. */
const STANDING_STILL_MS = 60_000;

/** Events: "rated" (detail: {photo, value, ratedCount}), "undone" (detail: {ratedCount}), "photos" (detail: {ready, total, updated, ratedCount}). */
export class Deck extends EventTarget {
  /** @type {CardView[]} */ #cards = [];
  /** Ratings of this page, newest last, which undo brings back at once. @type {{card: Card, value: RatingValue}[]} */ #history = [];
  /** Tokens of cards rated before this page was opened, newest first. @type {string[]} */ #earlier = [];
  /** Tokens of rated cards. @type {Set<string>} */ #ratedTokens = new Set();
  #ratedCount = 0;
  /** Ratings and undos of this page: a change during a request makes the server's count unreliable. */ #steps = 0;
  /** Whether the server's count has been taken over once. */ #counted = false;
  #storing = false;
  #asking = false;
  #failures = 0;
  /** Photos in a row that could not be reached. */ #misses = 0;
  #timer = 0;
  /** Number of the last rating event that this page knows of. A higher one was given on another device. */ #ratingsSeq = -1;
  /** Of the scope, as the last ranking had it. */ #revision = -1;
  /** As the server last counted them. @type {import("../page/api.js").DeckContent["photos"] | null} */ #photos = null;
  /** When the count of photos last moved, on the clock of `performance.now()`. */ #movedAt = 0;

  /** @param {HTMLElement} host @param {import("./outbox.js").Outbox} outbox */
  constructor(host, outbox) {
    super();
    this.host = host;
    this.outbox = outbox;
    watchDrags(host, {
      mayStart: () => this.#top?.state === "ready" && !this.#storing,
      moved: (dx, dy, direction, progress) => {
        host.dataset.dragging = "";
        host.style.setProperty("--leaning", String(progress));
        this.#top?.drag(dx, dy, direction, progress);
      },
      released: () => {
        this.#letGo();
        this.#top?.springBack();
      },
      committed: (direction, pointerType, dx, dy) => {
        this.#letGo();
        this.rate(RATING_OF[direction], pointerType, { dx, dy });
      },
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#top?.resumeClock();
      else this.#top?.pauseClock();
    });
    addEventListener("online", () => this.refill());
    onDetail(outbox, "accepted", (detail) => this.#accepted(detail));
    onDetail(outbox, "refused", (detail) => this.#refused(detail));
  }

  #letGo() {
    delete this.host.dataset.dragging;
    this.host.style.setProperty("--leaning", "0");
  }

  /** @returns {CardView | undefined} */
  get #top() {
    return this.#cards[0];
  }

  /** How many photos this rater has rated, including ratings that are not sent yet. */
  get ratedCount() {
    return this.#ratedCount;
  }

  /** Resolves once the first photo is there, or is known to be missing. */
  async open() {
    for (const token of await this.outbox.ratedTokens()) this.#ratedTokens.add(token);
    await this.refill();
    await this.#top?.load();
  }

  /**
   * Rates the photo on top.
   * @param {RatingValue} value
   * @param {Modality} modality how the rating was given
   * @param {{dx: number, dy: number}} [thrown] where a drag let go
   */
  async rate(value, modality, thrown) {
    const view = this.#top;
    if (!view || this.#storing) return;
    if (view.state !== "ready") {
      announce(say("still_loading"));
      return;
    }
    view.pauseClock();
    await this.#store(view, value, modality, thrown);
    this.dispatchEvent(new CustomEvent("rated", { detail: { photo: view.card.photo.id, value, ratedCount: this.#ratedCount } }));
    announce(say(`rated_${value}`, { n: this.#ratedCount }));
  }

  /** @param {CardView} view @param {RatingValue} value @param {Modality} [modality] @param {{dx: number, dy: number}} [thrown] */
  async #store(view, value, modality, thrown) {
    this.#storing = true;
    const { token } = view;
    this.#ratedTokens.add(token);
    try {
      await this.outbox.put({ kind: "set", client_id: newId(), token, value, on_screen_ms: view.shownMs, modality });
    } finally {
      this.#storing = false;
    }
    this.#cards = this.#cards.filter((other) => other !== view);
    this.#history.push({ card: view.card, value });
    this.#ratedCount += 1;
    this.#steps += 1;
    flyOut(view.node, value, thrown);
    this.#arrange();
  }

  /** Takes the last rating back. Its card returns at once when this page has it, else with the server's reply. */
  async undo() {
    if (this.#ratedCount && !this.#history.length && !this.#earlier.length) await this.refill();
    if (this.#storing) return;
    const last = this.#history.pop();
    const token = last?.card.token ?? this.#earlier.shift();
    if (!token) {
      toast(say("nothing_to_undo"));
      return;
    }
    this.#storing = true;
    try {
      await this.outbox.put({ kind: "undo", client_id: newId(), token });
    } finally {
      this.#storing = false;
    }
    this.#ratedCount -= 1;
    this.#steps += 1;
    if (last) this.#bringBack(last.card, last.value);
    this.dispatchEvent(new CustomEvent("undone", { detail: { ratedCount: this.#ratedCount } }));
    announce(say("undone"));
  }

  /** @param {Card} card @param {RatingValue} [value] the rating taken back: the card returns from that side */
  #bringBack(card, value) {
    this.#ratedTokens.delete(card.token);
    if (this.#cards.some((view) => view.token === card.token)) return;
    this.#top?.pauseClock();
    const view = new CardView(card);
    this.#cards.unshift(view);
    this.#arrange();
    if (value) flyIn(view.node, value);
  }

  /** @param {{entry: import("./outbox.js").Entry, reply: {ratings_seq: number, card?: Card | null}}} detail */
  #accepted({ entry, reply }) {
    this.#ratingsSeq = Math.max(this.#ratingsSeq, reply.ratings_seq);
    if (entry.kind === "undo" && reply.card) this.#bringBack(reply.card);
    const sentFromEarlierVisit = !this.#counted && !this.outbox.waiting;
    if (this.#cards.length < FEW_CARDS || sentFromEarlierVisit) this.refill();
  }

  /** @param {{entry: import("./outbox.js").Entry, problem: import("../page/api.js").Problem}} detail */
  #refused({ entry, problem }) {
    if (entry.kind === "undo" && problem.status === 404) toast(say("nothing_to_undo"));
    else toast(problem.message);
    if (problem.status !== 403) this.refill();
  }

  /** Fetches cards and adds those that are new here; the server deals open cards again. */
  async refill() {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    if (!this.#cards.length && !document.querySelector(".first-photo, #deck-notice[data-notice]")) showNotice("loading");
    const stepsBefore = this.outbox.waiting ? -1 : this.#steps;
    try {
      const content = await fetchDeck();
      this.#failures = 0;
      // A rating sent or given during the request may be missing from the server's count: the page's own count is better then.
      if (!this.outbox.waiting && this.#steps === stepsBefore) {
        this.#ratedCount = content.rated;
        this.#counted = true;
        if (!this.#history.length) this.#earlier = content.last_rated;
      }
      this.#take(content);
    } catch (cause) {
      this.#failures += 1;
      const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** this.#failures) * (0.5 + Math.random() / 2);
      const problem = asProblem(cause);
      this.#askAgainIn(Math.max(pause, problem.waitSeconds * 1000));
      if (!this.#cards.length) explain(problem);
    } finally {
      this.#asking = false;
    }
  }

  /**
   * Call with each ranking: where it counts ratings that this page did not give, another device did, and cards that were rated there go.
   * So do those of photos that have left the scope, by which its revision rises.
   * @param {number} ratingsSeq number of the last rating in the ranking @param {number} revision
   */
  rankedUpTo(ratingsSeq, revision) {
    const isChanged = revision > this.#revision && this.#revision >= 0;
    this.#revision = Math.max(this.#revision, revision);
    const isFirst = this.#ratingsSeq < 0;
    const isElsewhere = ratingsSeq > this.#ratingsSeq && !this.outbox.waiting && !this.#storing;
    if (isFirst || isElsewhere) this.#ratingsSeq = Math.max(this.#ratingsSeq, ratingsSeq);
    if (isElsewhere && !isFirst) this.#dropClosed("rated_elsewhere");
    else if (isChanged) this.#dropClosed("photo_left");
  }

  /** @param {string} why a sentence, where the photo on top goes */
  async #dropClosed(why) {
    const stepsBefore = this.#steps;
    const content = await fetchDeck().catch(() => null);
    if (!content || this.outbox.waiting || this.#steps !== stepsBefore) return;
    const open = new Set(content.cards.map((card) => card.token));
    const top = this.#top;
    this.#cards = this.#cards.filter((view) => open.has(view.token));
    this.#ratedCount = content.rated;
    if (top && this.#top !== top && !this.host.hasAttribute("data-dragging")) {
      top.pauseClock();
      toast(say(why));
    }
    this.#take(content);
  }

  /** Tells a new listener what is known by the event "photos". */
  report() {
    if (this.#photos) this.dispatchEvent(new CustomEvent("photos", { detail: { ...this.#photos, ratedCount: this.#ratedCount } }));
  }

  /** @param {import("../page/api.js").DeckContent} content */
  #take({ cards, photos }) {
    const known = new Set(this.#cards.map((view) => view.token));
    for (const card of cards) {
      if (!known.has(card.token) && !this.#ratedTokens.has(card.token)) this.#cards.push(new CardView(card));
    }
    this.#arrange();
    if (photos.ready !== this.#photos?.ready || photos.total !== this.#photos.total) this.#movedAt = performance.now();
    this.#photos = photos;
    this.report();
    const preparing = photos.ready < photos.total;
    if (this.#cards.length) {
      if (preparing || photos.updated !== null) this.#askAgainIn(ASK_AGAIN_MS * 2);
      return;
    }
    if (photos.total === 0) showNotice("no_photos");
    else if (preparing) {
      const late = performance.now() - this.#movedAt > STANDING_STILL_MS;
      showNotice(photos.ready ? "more_coming" : "preparing", { ...photos, detail: late ? say("preparing_is_slow") : undefined });
    } else if (this.outbox.waiting) showNotice("loading");
    else showNotice("all_rated", { n: this.#ratedCount });
    this.#askAgainIn(preparing || photos.updated !== null || !photos.total ? ASK_AGAIN_MS : LONGEST_PAUSE_MS);
  }

  /** @param {number} ms */
  #askAgainIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refill(), ms);
  }

  /** Puts the first cards into the page in order, and takes care of the one on top. */
  #arrange() {
    const inPage = this.#cards.slice(0, CARDS_IN_PAGE);
    for (const node of this.host.querySelectorAll(".card:not([data-leaving])")) {
      if (!inPage.some((view) => view.node === node)) node.remove();
    }
    inPage.forEach((view, depth) => {
      view.node.dataset.depth = String(depth);
      view.node.inert = depth > 0;
      if (!view.node.isConnected) this.host.append(view.node);
    });
    if (!this.#top) {
      if (!this.#asking) this.refill();
      return;
    }
    clearNotice();
    this.#tend(this.#top);
    this.#loadAhead();
    if (this.#cards.length < FEW_CARDS && !this.#asking) this.refill();
  }

  /** Loads the photos in their order, one after the other, so that the nearest one is there first; all at once where that fails. */
  async #loadAhead() {
    for (const view of this.#cards) {
      await view.load();
      if (view.state !== "ready") break;
    }
    for (const view of this.#cards) view.load();
  }

  /** Starts the viewing time of the photo on top, skips a broken photo, and moves one that cannot be reached to the end. @param {CardView} view */
  async #tend(view) {
    await view.load();
    if (view !== this.#top) return;
    if (view.state === "ready") {
      this.#misses = 0;
      view.startClock();
    } else if (view.state === "broken") {
      toast(say("photo_broken"));
      await this.#store(view, "skip");
    } else if (++this.#misses >= this.#cards.length) {
      this.#misses = 0;
      this.#cards = [];
      this.host.querySelectorAll(".card").forEach((node) => node.remove());
      showNotice(whyLost());
      this.#askAgainIn(ASK_AGAIN_MS);
    } else {
      toast(say("photo_unreachable"));
      this.#cards.shift();
      this.#cards.push(new CardView(view.card));
      this.#arrange();
    }
  }
}
