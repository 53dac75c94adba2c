/**
 * Answers on their way to the server. An answer is written into IndexedDB before the page moves on, and leaves it only once the server
 * has it: so a reload, a dead network or a closed lid loses nothing. An undo is queued like an answer, so order is kept.
 */

import { Problem, sendRating, sendUndo } from "../page/api.js";

/**
 * @typedef {{order?: number, kind: "set" | "undo", client_id: string, token: string, value?: string, on_screen_ms?: number, modality?: string}} Entry
 */

const LONGEST_WAIT_MS = 30_000;

/** A random id in the form of a UUID. `crypto.randomUUID` is missing on plain http addresses of the local network. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** @param {IDBRequest} request @returns {Promise<any>} */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  const request = indexedDB.open("pav", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
  return settled(request);
}

/** Keeps entries in memory where the browser refuses IndexedDB (some private windows): they then live as long as the page. */
class Memory {
  #entries = new Map();
  #next = 1;
  async add(entry) {
    this.#entries.set(this.#next, { ...entry, order: this.#next });
    return this.#next++;
  }
  async remove(order) {
    this.#entries.delete(order);
  }
  async all() {
    return [...this.#entries.values()];
  }
}

class Disk {
  #database;
  constructor(database) {
    this.#database = database;
  }
  #store(mode) {
    return this.#database.transaction("outbox", mode).objectStore("outbox");
  }
  add(entry) {
    return settled(this.#store("readwrite").add(entry));
  }
  remove(order) {
    return settled(this.#store("readwrite").delete(order));
  }
  all() {
    return settled(this.#store("readonly").getAll());
  }
}

/** Events: "change" (detail: how many wait), "accepted" (detail: {entry, answer}), "refused" (detail: {entry, problem}), "held" (detail: Problem). */
export class Outbox extends EventTarget {
  #shelf;
  #waiting = 0;
  #draining = false;
  #again = false;
  #failures = 0;
  #timer = 0;

  constructor() {
    super();
    this.#shelf = openDatabase().then((database) => new Disk(database), () => new Memory());
    addEventListener("online", () => this.drain());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.drain());
    addEventListener("beforeunload", (event) => {
      if (this.#waiting > 0) event.preventDefault();
    });
  }

  get waiting() {
    return this.#waiting;
  }

  /** Tokens of cards whose answer still waits here: the server deals them again, the page must not. @returns {Promise<Set<string>>} */
  async answeredTokens() {
    const answered = new Set();
    for (const entry of await this.#entries()) {
      if (entry.kind === "set") answered.add(entry.token);
      else answered.delete(entry.token);
    }
    return answered;
  }

  /** Resolves once the entry is stored. Sending starts at once and goes on by itself. @param {Entry} entry */
  async put(entry) {
    await (await this.#shelf).add(entry);
    await this.#entries();
    this.drain();
  }

  /** Send everything that waits, oldest first, one at a time. One tab does so at a time. */
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
    } catch (problem) {
      this.#retryLater(problem);
    } finally {
      this.#draining = false;
    }
  }

  async #sendAll() {
    for (let entries = await this.#entries(); entries.length; entries = await this.#entries()) {
      const entry = entries[0];
      const announcement = await this.#send(entry);
      await (await this.#shelf).remove(entry.order);
      await this.#entries();
      this.dispatchEvent(announcement);
    }
  }

  /** @param {Entry} entry @returns {Promise<CustomEvent>} throws where it is worth trying again */
  async #send(entry) {
    const { order: _order, kind, ...rating } = entry;
    try {
      const answer = kind === "undo" ? await sendUndo(entry.client_id) : await sendRating(/** @type {any} */ (rating));
      return new CustomEvent("accepted", { detail: { entry, answer } });
    } catch (problem) {
      if (problem instanceof Problem && problem.kind === "refused") {
        return new CustomEvent("refused", { detail: { entry, problem } });
      }
      throw problem;
    }
  }

  /** @param {unknown} problem */
  #retryLater(problem) {
    this.#failures += 1;
    const asked = problem instanceof Problem ? problem.waitSeconds * 1000 : 0;
    const backOff = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.drain(), Math.max(asked, backOff));
    this.dispatchEvent(new CustomEvent("held", { detail: problem }));
  }

  /** @returns {Promise<Entry[]>} */
  async #entries() {
    const entries = await (await this.#shelf).all();
    if (entries.length !== this.#waiting) {
      this.#waiting = entries.length;
      this.dispatchEvent(new CustomEvent("change", { detail: this.#waiting }));
    }
    return entries;
  }
}
