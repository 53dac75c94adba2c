/**
 * Answers on their way to the server, in order. Each is stored in IndexedDB before the next photo comes up, and leaves it when the server
 * has it or refuses it for good. Each names its run: several people may use one browser, one after the other.
 */

import { openStore } from "../page/entry-store.js";
import { post, Refused, Unreachable } from "./server.js";

/** @typedef {{order?: number, run: string, address: string, body: Record<string, unknown>}} Entry */

const LONGEST_WAIT_MS = 15_000;
const STUCK_AFTER = 3; // tries in a row

/** Events: "change" (detail: how many wait), "refused" (detail: the refusal). */
export class Outbox extends EventTarget {
  #run;
  /** @type {Promise<import("../page/entry-store.js").Store<Entry>>} */ #store = openStore("pav-study");
  #sending = false;
  #failures = 0;
  #timer = 0;
  waiting = 0;

  /** @param {string} run */
  constructor(run) {
    super();
    this.#run = run;
    addEventListener("online", () => this.drain());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.drain());
    addEventListener("beforeunload", (event) => {
      if (this.waiting > 0) event.preventDefault();
    });
  }

  /** @returns {Promise<Entry[]>} */
  async #entries() {
    const own = (await (await this.#store).all()).filter((entry) => entry.run === this.#run);
    if (own.length !== this.waiting) {
      this.waiting = own.length;
      this.dispatchEvent(new CustomEvent("change", { detail: own.length }));
    }
    return own;
  }

  /** Resolves once the entry is stored on this device; it is sent in the background. @param {string} address @param {Record<string, unknown>} body */
  async put(address, body) {
    await (await this.#store).add({ run: this.#run, address, body });
    await this.#entries();
    this.drain();
  }

  /** @param {Entry} entry */
  async #remove(entry) {
    await (await this.#store).remove(Number(entry.order));
  }

  /** Whether the server has not taken an answer for some time: it is away, or the study is paused. */
  get isStuck() {
    return this.#failures >= STUCK_AFTER;
  }

  /** Sends everything, oldest first, in one tab at a time. */
  async drain() {
    if (this.#sending) return;
    this.#sending = true;
    clearTimeout(this.#timer);
    try {
      const send = () => this.#sendAll();
      if (navigator.locks) await navigator.locks.request(`pav-study-${this.#run}`, send);
      else await send();
      this.#failures = 0;
    } catch (cause) {
      this.#failures += 1;
      this.dispatchEvent(new CustomEvent("change", { detail: this.waiting }));
      const asked = cause instanceof Unreachable ? cause.waitSeconds * 1000 : 0;
      this.#timer = setTimeout(() => this.drain(), Math.max(asked, Math.min(LONGEST_WAIT_MS, 400 * 2 ** this.#failures)));
    } finally {
      this.#sending = false;
    }
  }

  async #sendAll() {
    for (let entries = await this.#entries(); entries.length; entries = await this.#entries()) {
      const [entry] = entries;
      try {
        await post(entry.address, entry.body);
        await this.#remove(entry);
      } catch (cause) {
        if (!(cause instanceof Refused)) throw cause;
        await this.#remove(entry);
        this.dispatchEvent(new CustomEvent("refused", { detail: cause }));
      }
    }
  }

  /** Resolves when everything has been sent. */
  async empty() {
    while ((await this.#entries()).length) {
      await this.drain();
      if (this.waiting) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
