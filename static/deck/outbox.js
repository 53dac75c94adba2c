/**
 * Ratings on their way to the server. Each is stored in IndexedDB before the next photo comes up, and removed only once the server
 * has it: a reload, a lost network or a closed laptop loses nothing. An undo waits in the same line, which keeps the order.
 *
 * Each entry names its rater, since several may use one browser, one after the other: a page sends those of its own rater, the others wait.
 *
 * Browsers hold entries across upgrades of PAV: the database "pav", its store "outbox" and the fields of an entry stay as they are.
 */

import { Problem, RATER_CHANGED, sendRating, sendUndo } from "../page/api.js";
import { openStore } from "../page/entry-store.js";
import { ownRaters, rater } from "../page/words.js";

/**
 * @typedef {{order?: number, rater?: string, kind: "set"} & Omit<import("../page/api.js").Rating, "rater">} RatingEntry without `rater`: of a
 *   version that knew no accounts
 * @typedef {{order?: number, rater?: string, kind: "undo", client_id: string, token: string}} UndoEntry `token` is "" in entries of older versions: the last rating
 * @typedef {RatingEntry | UndoEntry} Entry
 */

const LONGEST_WAIT_MS = 30_000;

/**
 * Events: "change" (detail: how many entries wait), "accepted" (detail: {entry, reply}), "refused" (detail: {entry, problem}),
 * "rater-changed": another rater is signed in by now, and the entries wait for their rater.
 */
export class Outbox extends EventTarget {
  /** Whether the browser asks a rater who leaves while ratings wait. */
  asksBeforeLeaving = true;
  /** @type {Promise<import("../page/entry-store.js").Store<Entry>>} */ #store = openStore("pav");
  #waiting = 0;
  #draining = false;
  #again = false;
  #failures = 0;
  #timer = 0;

  constructor() {
    super();
    addEventListener("online", () => this.drain());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.drain());
    addEventListener("beforeunload", (event) => {
      if (this.#waiting > 0 && this.asksBeforeLeaving) event.preventDefault();
    });
  }

  get waiting() {
    return this.#waiting;
  }

  /** Tokens of cards whose rating still waits here. The server deals them again; the page must not. @returns {Promise<Set<string>>} */
  async ratedTokens() {
    const rated = new Set();
    for (const entry of await this.#entries()) {
      if (entry.kind === "set") rated.add(entry.token);
      else rated.delete(entry.token);
    }
    return rated;
  }

  /** Resolves once the entry is stored; it is sent in the background. @param {Entry} entry */
  async put(entry) {
    await (await this.#store).add({ ...entry, rater });
    await this.#entries();
    this.drain();
  }

  /** Sends what waits before the rater leaves the page to sign in or out. Resolves when all is sent, or after a while. @param {number} ms */
  async settle(ms) {
    this.drain();
    await new Promise((resolve) => {
      const look = () => this.#waiting || resolve(undefined);
      this.addEventListener("change", look);
      setTimeout(resolve, ms);
      look();
    });
  }

  /** Sends all entries, oldest first, one at a time, and in one tab at a time. */
  async drain() {
    if (this.#draining) {
      this.#again = true;
      return;
    }
    this.#draining = true;
    clearTimeout(this.#timer);
    try {
      do {
        this.#again = false;
        if (navigator.locks) await navigator.locks.request("pav-outbox", () => this.#sendAll());
        else await this.#sendAll();
      } while (this.#again);
      this.#failures = 0;
    } catch (cause) {
      this.#retryLater(cause);
    } finally {
      this.#draining = false;
    }
  }

  async #sendAll() {
    for (let entries = await this.#entries(); entries.length; entries = await this.#entries()) {
      const entry = entries[0];
      const result = await this.#send(entry);
      await (await this.#store).remove(Number(entry.order));
      await this.#entries();
      this.dispatchEvent(result);
    }
  }

  /** Throws when another try makes sense. @param {Entry} entry @returns {Promise<CustomEvent>} */
  async #send(entry) {
    try {
      const reply = entry.kind === "undo" ? await sendUndo(entry.client_id, entry.token) : await sendRating(asRating(entry));
      return new CustomEvent("accepted", { detail: { entry, reply } });
    } catch (cause) {
      if (cause instanceof Problem && cause.status === RATER_CHANGED) this.dispatchEvent(new CustomEvent("rater-changed"));
      else if (cause instanceof Problem && cause.kind === "refused") {
        return new CustomEvent("refused", { detail: { entry, problem: cause } });
      }
      throw cause;
    }
  }

  /** @param {unknown} cause */
  #retryLater(cause) {
    this.#failures += 1;
    const asked = cause instanceof Problem ? cause.waitSeconds * 1000 : 0;
    const backOff = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.drain(), Math.max(asked, backOff));
  }

  /** Those of this page's rater. @returns {Promise<Entry[]>} */
  async #entries() {
    const entries = (await (await this.#store).all()).filter((entry) => !entry.rater || ownRaters.includes(entry.rater));
    if (entries.length !== this.#waiting) {
      this.#waiting = entries.length;
      this.dispatchEvent(new CustomEvent("change", { detail: this.#waiting }));
    }
    return entries;
  }
}

/** @param {RatingEntry} entry @returns {Omit<import("../page/api.js").Rating, "rater">} */
function asRating({ order: _order, rater: _rater, kind: _kind, ...rating }) {
  return rating;
}
