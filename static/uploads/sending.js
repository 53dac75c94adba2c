/**
 * Sending of many files: hashed, those that are there already skipped, the others sent a few at a time, each resumed where it stopped.
 * Knows no elements; tells of every change by the event "change".
 */

import { asProblem, csrfToken, request } from "../page/api.js";
import { album, say } from "../page/words.js";

/**
 * @typedef {import("./tus.d.ts").TusError} TusError
 * @typedef {import("./tus.d.ts").TusUpload} TusUpload
 * @typedef {"waiting" | "hashed" | "sending" | "sent" | "known" | "failed"} State
 * @typedef {object} Item
 * @property {File} file
 * @property {string} path
 * @property {State} state
 * @property {number} sent bytes
 * @property {string} problem a sentence
 * @property {boolean} [canRetry]
 * @property {string} [hash]
 * @property {TusUpload} [upload]
 */

const AT_ONCE = 3;
const CHUNK_BYTES = 16 * 2 ** 20;
const HASHES_AT_ONCE = 50;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** Statuses that pass: another tab sends the file, too many at once, or the server is away. */
const PASSING = [409, 423, 429, 500, 502, 503, 504];

const tus = () => /** @type {import("./tus.d.ts").Tus} */ (/** @type {any} */ (window).tus);

export class Sending extends EventTarget {
  constructor() {
    super();
    /** @type {Item[]} */
    this.items = [];
    this.paused = false;
    /** Whether the server cannot be reached. */
    this.lost = false;
    /** How many more photos the rater may bring; null: not known yet. @type {number | null} */
    this.room = null;
    this.noRoom = "";
    this.pauseMs = FIRST_PAUSE_MS;
    this.timer = 0;
    this.hashing = false;
    addEventListener("online", () => this.goOn());
  }

  /** @param {import("./dropped.js").Found[]} found */
  add(found) {
    const there = new Set(this.items.filter(({ state }) => state !== "failed").map(key));
    for (const { file, path } of found) {
      /** @type {Item} */ const item = { file, path, state: "waiting", sent: 0, problem: "" };
      if (there.has(key(item))) continue;
      there.add(key(item));
      if (!file.size) fail(item, say("bring_empty"));
      this.items.push(item);
    }
    this.changed();
    this.look();
  }

  pause() {
    this.paused = true;
    clearTimeout(this.timer);
    for (const item of this.items) {
      if (item.state !== "sending") continue;
      item.upload?.abort().catch(() => {});
      item.state = "hashed";
    }
    this.changed();
  }

  resume() {
    this.paused = false;
    this.goOn();
  }

  retry() {
    for (const item of this.items) {
      if (item.state !== "failed" || !item.canRetry) continue;
      item.state = item.hash === undefined ? "waiting" : "hashed";
      item.problem = "";
    }
    this.room = null;
    this.goOn();
  }

  /** Forget what is finished. */
  clear() {
    this.items = this.items.filter(({ state }) => state === "waiting" || state === "hashed" || state === "sending");
    this.changed();
  }

  get isBusy() {
    return this.items.some(({ state }) => state === "waiting" || state === "hashed" || state === "sending");
  }

  goOn() {
    clearTimeout(this.timer);
    this.lost = false;
    this.changed();
    this.look();
    this.sendNext();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Hashes files one after the other, and asks the server which of them it has. Without a secure context the server compares them. */
  async look() {
    if (this.hashing) return;
    this.hashing = true;
    try {
      for (;;) {
        const some = this.items.filter(({ state }) => state === "waiting").slice(0, HASHES_AT_ONCE);
        if (!some.length || this.paused || this.lost) return;
        for (const item of some) item.hash = await hashOf(item);
        const hashes = some.flatMap(({ hash }) => hash || []);
        if (this.room === null) await this.askRoom();
        const known = hashes.length ? new Set((await request("POST", "/api/v1/uploads/known", { album, hashes })).known) : new Set();
        for (const item of some) if (item.state === "waiting") item.state = known.has(item.hash) ? "known" : "hashed";
        this.keepToRoom();
        this.changed();
        this.sendNext();
      }
    } catch (error) {
      const problem = asProblem(error);
      if (problem.kind !== "refused") this.waitAndGoOn();
      else for (const item of this.items) if (item.state === "waiting") fail(item, problem.message, true);
      this.changed();
    } finally {
      this.hashing = false;
    }
  }

  async askRoom() {
    const { room } = await request("GET", `/api/v1/uploads?album=${album}`);
    this.room = room.most_photos - room.photos;
    this.noRoom = say(room.is_guest ? "bring_no_room_guest" : "bring_no_room", { most: room.most_photos });
  }

  /** What does not fit is said before it is sent. */
  keepToRoom() {
    const coming = this.items.filter(({ state }) => state === "hashed");
    const sending = this.items.filter(({ state }) => state === "sending").length;
    for (const item of coming.slice(Math.max(0, (this.room ?? 0) - sending))) fail(item, this.noRoom, true);
  }

  sendNext() {
    if (this.paused || this.lost) return;
    for (const item of this.items) {
      if (this.items.filter(({ state }) => state === "sending").length >= AT_ONCE) return;
      if (item.state === "hashed") this.send(item);
    }
  }

  /** @param {Item} item */
  async send(item) {
    item.state = "sending";
    if (!item.upload) {
      item.upload = this.uploadOf(item);
      const [before] = await item.upload.findPreviousUploads();
      if (before) item.upload.resumeFromPreviousUpload(before);
      if (item.state !== "sending") return; // paused meanwhile
    }
    item.upload.start();
    this.changed();
  }

  /** @param {Item} item */
  uploadOf(item) {
    return new (tus().Upload)(item.file, {
      endpoint: "/uploads/",
      metadata: { filename: item.file.name, album },
      chunkSize: CHUNK_BYTES,
      retryDelays: null, // what is tried again, and when, is decided here for all files together
      removeFingerprintOnSuccess: true,
      fingerprint: async () => ["pav", album, key(item), item.file.lastModified].join("|"),
      onBeforeRequest: (each) => each.setHeader("X-CSRFToken", csrfToken()),
      onProgress: (sent) => {
        item.sent = sent;
        this.pauseMs = FIRST_PAUSE_MS;
        this.changed();
      },
      onSuccess: () => {
        item.state = "sent";
        item.sent = item.file.size;
        item.upload = undefined;
        if (this.room !== null) this.room -= 1;
        this.changed();
        this.sendNext();
      },
      onError: (error) => this.failed(item, error),
    });
  }

  /** @param {Item} item @param {TusError} error */
  async failed(item, error) {
    if (item.state !== "sending") return; // paused
    const status = error.originalResponse?.getStatus() ?? 0;
    if (!status && !(await isReadable(item.file))) fail(item, say("bring_changed"));
    else if (!status || PASSING.includes(status)) {
      item.state = "hashed";
      this.waitAndGoOn();
    } else if (status === 404 && item.upload?.url) {
      item.upload = undefined; // swept meanwhile: from the beginning
      item.state = "hashed";
    } else fail(item, sentenceOf(error) || say("broken"), status === 507);
    this.changed();
    this.sendNext();
  }

  waitAndGoOn() {
    this.lost = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.goOn(), this.pauseMs);
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
  }
}

/** @param {Item} item */
const key = ({ file, path }) => `${path}|${file.size}`;

/** @param {Item} item @param {string} problem @param {boolean} [canRetry] */
function fail(item, problem, canRetry = false) {
  Object.assign(item, { state: "failed", problem, canRetry });
}

/** "" where the browser cannot hash. @param {Item} item @returns {Promise<string>} */
async function hashOf(item) {
  if (item.hash !== undefined || !globalThis.crypto?.subtle) return item.hash ?? "";
  try {
    const digest = await crypto.subtle.digest("SHA-256", await item.file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    fail(item, say("bring_changed"));
    return "";
  }
}

/** Whether a file is still as it was chosen. @param {File} file */
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** @param {TusError} error */
function sentenceOf(error) {
  try {
    return String(JSON.parse(error.originalResponse?.getBody() ?? "{}").detail ?? "");
  } catch {
    return "";
  }
}
