/**
 * Answers on their way to the server, in order. Each is stored in IndexedDB before the next photo comes up, and leaves it when the server
 * has it or refuses it for good. Each names its run: several people may use one browser, one after the other.
 */

import { post, Refused, Unreachable } from "./server.js";

/** @typedef {{order?: number, run: string, address: string, body: Record<string, unknown>}} Entry */

const LONGEST_WAIT_MS = 15_000;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @returns {Promise<IDBDatabase | null>} null where the browser refuses (some private windows): entries last as long as the page */
async function openDatabase() {
  try {
    const request = indexedDB.open("pav-study", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    return await settled(request);
  } catch {
    return null;
  }
}

/** Events: "change" (detail: how many wait), "refused" (detail: the refusal). */
export class Outbox extends EventTarget {
  #run;
  #database = openDatabase();
  /** @type {Entry[]} without a database */ #memory = [];
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

  /** @param {IDBTransactionMode} mode */
  async #store(mode) {
    return (await this.#database)?.transaction("outbox", mode).objectStore("outbox");
  }

  /** @returns {Promise<Entry[]>} */
  async #entries() {
    const store = await this.#store("readonly");
    /** @type {Entry[]} */
    const all = store ? await settled(store.getAll()) : [...this.#memory];
    const own = all.filter((entry) => entry.run === this.#run);
    if (own.length !== this.waiting) {
      this.waiting = own.length;
      this.dispatchEvent(new CustomEvent("change", { detail: own.length }));
    }
    return own;
  }

  /** Resolves once the entry is stored on this device; it is sent in the background. @param {string} address @param {Record<string, unknown>} body */
  async put(address, body) {
    const store = await this.#store("readwrite");
    if (store) await settled(store.add({ run: this.#run, address, body }));
    else this.#memory.push({ order: Date.now() + Math.random(), run: this.#run, address, body });
    await this.#entries();
    this.drain();
  }

  /** @param {Entry} entry */
  async #remove(entry) {
    const store = await this.#store("readwrite");
    if (store) await settled(store.delete(Number(entry.order)));
    else this.#memory = this.#memory.filter((other) => other !== entry);
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
