/** The stack of photos: deals, answers, undo. An answer is stored in the outbox before the next photo comes up. */

import { fetchDeck, Problem } from "../page/api.js";
import { ANSWER_OF, CardView } from "./card.js";
import { announce } from "../page/dom.js";
import { flyIn, flyOut } from "./flights.js";
import { watchDrags } from "./gestures.js";
import { clearNotice, showNotice } from "./notices.js";
import { newId } from "./outbox.js";
import { toast } from "../page/toast.js";
import { say } from "../page/words.js";

/** Cards that stand in the page, decoded ahead, the first one on top. */
const IN_THE_PAGE = 3;
/** Ask for more when fewer cards than this are left. */
const LOW = 4;
const ASK_AGAIN_MS = 3000;
const LONGEST_PAUSE_MS = 30_000;

/** Events: "answered" (detail: {value, answered}), "undone" (detail: {answered}), "photos" (detail: {described, total}). */
export class Deck extends EventTarget {
  /** @type {CardView[]} */ #cards = [];
  /** Answered in this page, newest last, to bring back at once. @type {{card: import("../page/api.js").Card, value: string}[]} */ #history = [];
  /** @type {Set<string>} */ #gone = new Set();
  #answered = 0;
  /** Counts answers and undos of this page, to notice one that happened while the server was asked. */ #steps = 0;
  /** Whether the server has told how many answers it has. */ #counted = false;
  #storing = false;
  #asking = false;
  #failures = 0;
  /** Photos in a row that could not be reached. */ #misses = 0;
  #timer = 0;

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
        this.answer(ANSWER_OF[direction], pointerType, { dx, dy });
      },
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#top?.resumeClock();
      else this.#top?.pauseClock();
    });
    addEventListener("online", () => this.refill());
    outbox.addEventListener("accepted", (event) => this.#accepted(/** @type {CustomEvent} */ (event).detail));
    outbox.addEventListener("refused", (event) => this.#refused(/** @type {CustomEvent} */ (event).detail));
  }

  #letGo() {
    delete this.host.dataset.dragging;
    this.host.style.setProperty("--leaning", "0");
  }

  get #top() {
    return this.#cards[0];
  }

  /** How many photos this person has answered, the waiting ones included. */
  get answered() {
    return this.#answered;
  }

  async open() {
    for (const token of await this.outbox.answeredTokens()) this.#gone.add(token);
    await this.refill();
  }

  /**
   * @param {string} value dislike, like, love or skip
   * @param {string} modality key, button, touch, mouse or pen
   * @param {{dx: number, dy: number}} [thrown] where a drag let go
   */
  async answer(value, modality, thrown) {
    const view = this.#top;
    if (!view || this.#storing) return;
    if (view.state !== "ready") {
      announce(say("still_loading"));
      return;
    }
    view.pauseClock();
    await this.#leave(view, value, modality, thrown);
    this.dispatchEvent(new CustomEvent("answered", { detail: { value, answered: this.#answered } }));
    announce(say(`said_${value}`, { n: this.#answered }));
  }

  /** @param {CardView} view @param {string} value @param {string} [modality] @param {{dx: number, dy: number}} [thrown] */
  async #leave(view, value, modality, thrown) {
    this.#storing = true;
    const { token } = view;
    this.#gone.add(token);
    try {
      await this.outbox.put({ kind: "set", client_id: newId(), token, value, on_screen_ms: view.shownMs, modality });
    } finally {
      this.#storing = false;
    }
    this.#cards = this.#cards.filter((other) => other !== view);
    this.#history.push({ card: view.card, value });
    this.#answered += 1;
    this.#steps += 1;
    flyOut(view.node, value, thrown);
    this.#arrange();
  }

  /** Take the last answer back: its card is on top again at once, and the server is told in its turn. */
  async undo() {
    if (this.#storing || this.#answered === 0) {
      if (this.#answered === 0) toast(say("nothing_to_undo"));
      return;
    }
    const last = this.#history.pop();
    this.#storing = true;
    try {
      await this.outbox.put({ kind: "undo", client_id: newId(), token: last?.card.token ?? "" });
    } finally {
      this.#storing = false;
    }
    this.#answered -= 1;
    this.#steps += 1;
    if (last) this.#bringBack(last.card, last.value);
    this.dispatchEvent(new CustomEvent("undone", { detail: { answered: this.#answered } }));
    announce(say("undone"));
  }

  /** @param {import("../page/api.js").Card} card @param {string} [value] what had been answered: it comes back from that side */
  #bringBack(card, value) {
    this.#gone.delete(card.token);
    if (this.#cards.some((view) => view.token === card.token)) return;
    this.#top?.pauseClock();
    const view = new CardView(card);
    this.#cards.unshift(view);
    this.#arrange();
    if (value) flyIn(view.node, value);
  }

  /** @param {{entry: import("./outbox.js").Entry, answer: {card?: import("../page/api.js").Card}}} detail */
  #accepted({ entry, answer }) {
    if (entry.kind === "undo" && answer.card) this.#bringBack(answer.card);
    const late = !this.#counted && !this.outbox.waiting; // answers of an earlier visit have just been sent
    if (this.#cards.length < LOW || late) this.refill();
  }

  /** @param {{entry: import("./outbox.js").Entry, problem: Problem}} detail */
  #refused({ entry, problem }) {
    if (entry.kind === "undo" && problem.status === 404) toast(say("nothing_to_undo"));
    else toast(problem.message);
    if (problem.status !== 403) this.refill();
  }

  /** Ask the server for cards, and take those that are new here. What it deals twice is one card. */
  async refill() {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    if (!this.#cards.length && !document.querySelector("[data-notice]")) showNotice("loading");
    const before = this.outbox.waiting ? -1 : this.#steps;
    try {
      const deck = await fetchDeck();
      this.#failures = 0;
      // What was on its way or done meanwhile may or may not be counted in it: then our own count is the better one.
      if (!this.outbox.waiting && this.#steps === before) {
        this.#answered = deck.answered;
        this.#counted = true;
      }
      this.#take(deck);
    } catch (problem) {
      this.#failures += 1;
      const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** this.#failures) * (0.5 + Math.random() / 2);
      const asked = problem instanceof Problem ? problem.waitSeconds * 1000 : 0;
      this.#askAgainIn(Math.max(pause, asked));
      if (!this.#cards.length) this.#explain(problem);
    } finally {
      this.#asking = false;
    }
  }

  /** @param {import("../page/api.js").Deck} deck */
  #take(deck) {
    const known = new Set(this.#cards.map((view) => view.token));
    for (const card of deck.cards) {
      if (!known.has(card.token) && !this.#gone.has(card.token)) this.#cards.push(new CardView(card));
    }
    const { photos } = deck;
    this.#arrange();
    this.dispatchEvent(new CustomEvent("photos", { detail: { ...photos, answered: this.#answered } }));
    if (this.#cards.length) {
      if (photos.described < photos.total) this.#askAgainIn(ASK_AGAIN_MS * 2);
      return;
    }
    if (photos.total === 0) showNotice("no_photos");
    else if (photos.described < photos.total) showNotice("describing", photos);
    else if (this.outbox.waiting) showNotice("loading");
    else showNotice("all_rated", { n: this.#answered });
    this.#askAgainIn(photos.described < photos.total || !photos.total ? ASK_AGAIN_MS : LONGEST_PAUSE_MS);
  }

  /** @param {unknown} cause */
  #explain(cause) {
    const problem = cause instanceof Problem ? cause : new Problem("broken", say("broken"));
    const again = () => this.refill();
    if (problem.kind === "offline") showNotice("offline", {}, again);
    else showNotice(problem.kind === "busy" ? "busy" : "error", { detail: problem.message }, again);
  }

  /** @param {number} ms */
  #askAgainIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refill(), ms);
  }

  /** Put the first cards into the page in order, and look after the one on top. */
  #arrange() {
    const standing = this.#cards.slice(0, IN_THE_PAGE);
    for (const node of this.host.querySelectorAll(".card:not([data-leaving])")) {
      if (!standing.some((view) => view.node === node)) node.remove();
    }
    standing.forEach((view, depth) => {
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
    if (this.#cards.length < LOW && !this.#asking) this.refill();
  }

  /** @param {CardView} view */
  async #tend(view) {
    await view.settled;
    if (view !== this.#top) return;
    if (view.state === "ready") {
      this.#misses = 0;
      view.startClock();
    } else if (view.state === "broken") {
      toast(say("photo_broken"));
      await this.#leave(view, "skip");
    } else if (++this.#misses >= this.#cards.length) {
      this.#misses = 0;
      this.#cards = [];
      this.host.querySelectorAll(".card").forEach((node) => node.remove());
      showNotice("offline", {}, () => this.refill());
      this.#askAgainIn(ASK_AGAIN_MS);
    } else {
      toast(say("photo_unreachable"));
      this.#cards.shift();
      this.#cards.push(new CardView(view.card));
      this.#arrange();
    }
  }
}
