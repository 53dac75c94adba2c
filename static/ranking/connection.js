/**
 * The websocket that pushes rankings, with a heartbeat and jittered, growing pauses between attempts to reconnect. While it is down, the
 * ranking is polled over HTTP: every ten seconds, and soon after each rating that the server accepted.
 */

const HEARTBEAT_MS = 20_000;
/** Two heartbeats without an answer: the socket is dead, even if the browser has not noticed. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 30_000;
const POLL_MS = 10_000;
const POLL_SOON_MS = 600;
/** How the server closes a socket: its rater may have changed; the session has ended. */
const RATER_CHANGED = 4409;
const NOT_SIGNED_IN = 4401;
/** Failed attempts before the page says that updates are slow. */
const TRIES_BEFORE_POLLING = 2;

/**
 * Events: "state" (detail: live | connecting | reconnecting | polling | unreachable | offline), "message" (detail: {message, snapshot}),
 * "rater" (detail: id of the rater that the socket belongs to; "" where the session has ended).
 * Unreachable: neither the socket nor HTTP works, although the device has a network.
 */
export class Connection extends EventTarget {
  #address;
  #poll;
  /** @type {WebSocket | null} */ #socket = null;
  #state = "connecting";
  #failures = 0;
  #heardAt = 0;
  #wasLive = false;
  #refused = false;
  #heartbeat = 0;
  #retry = 0;
  #pollTimer = 0;

  /** @param {string} path of the websocket @param {() => Promise<unknown>} poll fetches the ranking over HTTP; rejects when that fails */
  constructor(path, poll) {
    super();
    this.#address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.#poll = poll;
    addEventListener("online", () => this.reconnect());
    addEventListener("offline", () => this.#become("offline"));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.#state !== "live") this.reconnect();
    });
    // An open socket keeps a page out of the back/forward cache; a page that returns from it connects again.
    addEventListener("pagehide", () => this.#socket?.close());
    addEventListener("pageshow", (event) => event.persisted && this.reconnect());
  }

  /** Whether pushes do not arrive at the moment. */
  get isDown() {
    return this.#state !== "live";
  }

  open() {
    clearTimeout(this.#retry);
    if (this.#socket) return;
    /** @type {WebSocket} */ let socket;
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
      if (message?.type !== "ranking") return;
      if (message.rater) this.dispatchEvent(new CustomEvent("rater", { detail: message.rater }));
      if (snapshot) this.#arrived();
      this.dispatchEvent(new CustomEvent("message", { detail: { message, snapshot } }));
      snapshot = false;
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      // Twice in a row: at the first time, the cookie of a new session may still be on its way.
      const wasRefused = this.#refused;
      this.#refused = code === NOT_SIGNED_IN;
      if (this.#refused && wasRefused && this.#wasLive) this.dispatchEvent(new CustomEvent("rater", { detail: "" }));
      if (code === RATER_CHANGED) this.#failures = 0;
      this.#lost();
    };
  }

  /** Call after each accepted rating: without a socket, the new ranking is polled soon and not at the next interval. */
  pollSoon() {
    if (this.#state === "live") return;
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => this.#pollOnce(), POLL_SOON_MS);
  }

  #arrived() {
    this.#failures = 0;
    this.#wasLive = true;
    clearTimeout(this.#pollTimer);
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => {
      if (performance.now() - this.#heardAt > SILENCE_MS) this.reconnect();
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
    else this.#become(this.#wasLive ? "reconnecting" : "connecting");
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.open(), pause);
  }

  /** Connects again at once, not after the pause. */
  reconnect() {
    const old = this.#socket;
    this.#socket = null;
    old?.close();
    clearInterval(this.#heartbeat);
    this.open();
  }

  #startPolling() {
    if (this.#state === "polling") return;
    clearTimeout(this.#pollTimer);
    this.#pollOnce();
  }

  async #pollOnce() {
    try {
      await this.#poll();
      if (this.#state !== "live") this.#become("polling");
    } catch {
      if (this.#state !== "live") this.#become(navigator.onLine ? "unreachable" : "offline");
    }
    clearTimeout(this.#pollTimer);
    if (this.#state !== "live") this.#pollTimer = setTimeout(() => this.#pollOnce(), POLL_MS);
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
