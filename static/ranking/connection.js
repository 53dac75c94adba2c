/**
 * The line on which rankings are pushed: a websocket with a heartbeat, that comes back by itself with growing, jittered pauses. While it is
 * down, the ranking is asked for over HTTP: slowly by the clock, and soon after each answer that the server accepted.
 */

const HEARTBEAT_MS = 20_000;
/** Two heartbeats without a word: the line is dead, though the browser may not know it yet. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 30_000;
const POLL_MS = 10_000;
const SOON_MS = 600;
/** After this many failed tries people are told that updates come more slowly. */
const TRIES_BEFORE_POLLING = 2;

/** Events: "state" (detail: live | connecting | reconnecting | polling | offline), "message" (detail: {message, snapshot}). */
export class Connection extends EventTarget {
  #address;
  #poll;
  /** @type {WebSocket | null} */ #socket = null;
  #state = "connecting";
  #failures = 0;
  #heardAt = 0;
  #everLive = false;
  #heartbeat = 0;
  #retry = 0;
  #pollTimer = 0;

  /** @param {string} path of the websocket @param {() => Promise<unknown>} poll asks for the ranking over HTTP; throws when that fails */
  constructor(path, poll) {
    super();
    this.#address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.#poll = poll;
    addEventListener("online", () => this.#reconnectNow());
    addEventListener("offline", () => this.#become("offline"));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.#state !== "live") this.#reconnectNow();
    });
    // Browsers freeze pages with an open socket badly; a page that comes back from the freezer connects anew.
    addEventListener("pagehide", () => this.#socket?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#reconnectNow());
  }

  get state() {
    return this.#state;
  }

  open() {
    clearTimeout(this.#retry);
    let socket;
    try {
      socket = new WebSocket(this.#address);
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    let snapshot = true;
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      this.#heardAt = performance.now();
      const message = parse(event.data);
      if (!message || message.type === "pong" || !Array.isArray(message.top)) return;
      if (snapshot) this.#arrived();
      this.dispatchEvent(new CustomEvent("message", { detail: { message, snapshot } }));
      snapshot = false;
    };
    socket.onclose = () => socket === this.#socket && this.#lost();
  }

  /** An answer was just accepted: without a socket, look for the new ranking soon and not at the next turn of the clock. */
  nudge() {
    if (this.#state === "live") return;
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => this.#askOnce(), SOON_MS);
  }

  #arrived() {
    this.#failures = 0;
    this.#everLive = true;
    clearTimeout(this.#pollTimer);
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => {
      if (performance.now() - this.#heardAt > SILENCE_MS) this.#reconnectNow();
      else this.#socket?.send(JSON.stringify({ type: "ping" }));
    }, HEARTBEAT_MS);
    this.#become("live");
  }

  #lost() {
    this.#socket = null;
    clearInterval(this.#heartbeat);
    this.#failures += 1;
    if (!navigator.onLine) this.#become("offline");
    else if (this.#failures >= TRIES_BEFORE_POLLING) this.#startPolling();
    else this.#become(this.#everLive ? "reconnecting" : "connecting");
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.open(), pause);
  }

  #reconnectNow() {
    const old = this.#socket;
    this.#socket = null;
    old?.close();
    clearInterval(this.#heartbeat);
    this.open();
  }

  #startPolling() {
    if (this.#state === "polling") return;
    clearTimeout(this.#pollTimer);
    this.#askOnce();
  }

  async #askOnce() {
    try {
      await this.#poll();
      if (this.#state !== "live") this.#become("polling");
    } catch {
      if (this.#state !== "live") this.#become(navigator.onLine ? "reconnecting" : "offline");
    }
    clearTimeout(this.#pollTimer);
    if (this.#state !== "live") this.#pollTimer = setTimeout(() => this.#askOnce(), POLL_MS);
  }

  /** @param {string} state */
  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

/** @param {unknown} text */
function parse(text) {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
