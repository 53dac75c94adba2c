/** The only module that talks HTTP. Every failure becomes a `Problem` that says what kind it is and what to tell the person. */

import { say } from "./words.js";

/**
 * @typedef {{id: number, src: string, srcset: string, width: number, height: number, thumbhash: string, alt: string, credit: string, licence?: string}} Photo
 * @typedef {Photo & {place: number | null, everyones_place: number | null}} PlacedPhoto
 * @typedef {{token: string, photo: Photo}} Card
 * @typedef {{cards: Card[], answered: number, photos: {described: number, total: number}}} Deck
 * @typedef {{srocc: number, low: number, high: number}} Accuracy
 * @typedef {{model: "generic" | "instant" | "exact", checked: {instant: number, exact: number} | null}} Speaker
 * @typedef {{id: number, place: number, was: number | null, score: number}} Placed
 * @typedef {{version: number, ratings_seq: number, accuracy: Accuracy | null, total?: number, speaker: Speaker, top: Placed[]}} RankingMessage
 * @typedef {{client_id: string, token: string, value: string, on_screen_ms: number, modality: string}} Rating
 */

const PATIENCE_MS = 15_000;

/** What went wrong: "offline" (nothing came back), "busy" (429), "refused" (other 4xx), "broken" (5xx). */
export class Problem extends Error {
  /** @param {"offline" | "busy" | "refused" | "broken"} kind @param {string} message @param {number} status @param {number} waitSeconds */
  constructor(kind, message, status = 0, waitSeconds = 0) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.waitSeconds = waitSeconds;
  }
}

const csrfToken = () => document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";

/** @param {Response} response @returns {Promise<Problem>} */
async function problemIn(response) {
  const body = await response.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : "";
  if (response.status === 429) {
    const wait = Math.min(300, Math.max(1, Number(response.headers.get("Retry-After")) || 5));
    return new Problem("busy", detail || say("busy"), 429, wait);
  }
  if (response.status >= 500) return new Problem("broken", say("broken"), response.status);
  return new Problem("refused", detail || say("refused"), response.status);
}

/**
 * @param {string} method
 * @param {string} address
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
async function call(method, address, body) {
  let response;
  try {
    response = await fetch(address, {
      method,
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        ...(method === "GET" ? {} : { "X-CSRFToken": csrfToken() }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Problem("offline", say("offline"));
  }
  if (!response.ok) throw await problemIn(response);
  return response.json();
}

/** @returns {Promise<Deck>} */
export const fetchDeck = () => call("GET", "/api/v1/deck");

/** @param {Rating} rating @returns {Promise<{ratings_seq: number}>} */
export const sendRating = (rating) => call("POST", "/api/v1/ratings", rating);

/** @param {string} clientId @returns {Promise<{ratings_seq: number, card?: Card}>} */
export const sendUndo = (clientId) => call("DELETE", `/api/v1/ratings/last?client_id=${clientId}`);

/** @param {{of?: "me" | "everyone", limit?: number, offset?: number}} page @returns {Promise<RankingMessage>} */
export const fetchRanking = ({ of = "me", limit = 50, offset = 0 } = {}) =>
  call("GET", `/api/v1/ranking?of=${of}&limit=${limit}&offset=${offset}`);

/** @param {boolean} on @returns {Promise<{shares_answers: boolean}>} */
export const shareAnswers = (on) => call("PATCH", "/api/v1/me", { shares_answers: on });

/** @param {number[]} ids at most 100 @returns {Promise<PlacedPhoto[]>} */
export async function fetchPhotos(ids) {
  const answer = await call("GET", `/api/v1/photos?ids=${ids.join(",")}`);
  return answer.photos ?? answer;
}

/** Whether the server itself says that this photo cannot be had (and not the network). @param {string} address */
export async function photoIsBroken(address) {
  try {
    return !(await fetch(address, { cache: "reload", signal: AbortSignal.timeout(PATIENCE_MS) })).ok;
  } catch {
    return false;
  }
}
