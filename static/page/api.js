/** HTTP requests to the API. Every failure becomes a `Problem` that carries its kind and a sentence for the reader. */

import { album, rater, say } from "./words.js";

/**
 * The shapes come from the API's own description; `.ci/scripts/run --fix` writes them anew.
 * @typedef {import("./api-types.d.ts").components["schemas"]} Schemas
 * @typedef {Schemas["PhotoOut"]} Photo
 * @typedef {Schemas["RankedPhotoOut"]} RankedPhoto
 * @typedef {Schemas["CardOut"]} Card
 * @typedef {Schemas["DeckOut"]} DeckContent
 * @typedef {Schemas["RankingMessage"]} RankingMessage what the websocket pushes too
 * @typedef {Schemas["Accuracy"]} Accuracy
 * @typedef {Schemas["Certainty"]} CertaintyState
 * @typedef {Schemas["ActiveModel"]} ActiveModel
 * @typedef {Schemas["PlacedPhoto"]} PlacedPhoto
 * @typedef {Schemas["RatingIn"]} Rating
 * @typedef {Rating["value"]} RatingValue
 * @typedef {NonNullable<Rating["modality"]>} Modality
 */

const TIMEOUT_MS = 15_000;
const LONGEST_WAIT_SECONDS = 300;
/** What a proxy responds while the server behind it restarts. */
const SERVER_AWAY = [502, 503, 504];
/** Responses by which a photo is gone for this rater; after any other it may still come. */
const PHOTO_GONE = [403, 404, 410];

export class Problem extends Error {
  /**
   * @param {"offline" | "busy" | "refused" | "broken"} kind offline: no response of the server; busy: 429; refused: any other 4xx; broken: 5xx
   * @param {string} message a sentence for the reader
   * @param {number} [status] of the response
   * @param {number} [waitSeconds] how long the server asks to wait
   */
  constructor(kind, message, status = 0, waitSeconds = 0) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.waitSeconds = waitSeconds;
  }
}

/** The problem behind anything that was thrown: an error of the page itself counts as broken. @param {unknown} cause */
export const asProblem = (cause) => (cause instanceof Problem ? cause : new Problem("broken", say("broken")));

/** Why the server cannot be reached: the device has no network, or the server does not respond, as while it restarts. */
export const whyLost = () => (navigator.onLine ? "unreachable" : "offline");

export const csrfToken = () => document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";

/** @param {Response} response @returns {Promise<Problem>} */
async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : "";
  if (response.status === 429) {
    const asked = Number(response.headers.get("Retry-After")) || 5;
    return new Problem("busy", detail || say("busy"), 429, Math.min(LONGEST_WAIT_SECONDS, Math.max(1, asked)));
  }
  if (SERVER_AWAY.includes(response.status)) return new Problem("offline", say("offline"), response.status);
  if (response.status >= 500) return new Problem("broken", say("broken"), response.status);
  return new Problem("refused", detail || say("refused"), response.status);
}

/**
 * @param {string} method
 * @param {string} address
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function request(method, address, body) {
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
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem("offline", say("offline"));
  }
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

/** What the page is about, in the query of an address. @param {string} address */
const scoped = (address) => (album ? `${address}${address.includes("?") ? "&" : "?"}album=${album}` : address);

/** @returns {Promise<DeckContent>} */
export const fetchDeck = () => request("GET", scoped("/api/v1/deck"));

/** The status where another rater is signed in than when the page was opened: nothing is lost, and the page must be loaded anew. */
export const RATER_CHANGED = 412;

/** @param {Omit<Rating, "rater">} rating @returns {Promise<Schemas["RecordedOut"]>} */
export const sendRating = (rating) => request("POST", "/api/v1/ratings", { ...rating, rater });

/** @param {string} clientId @param {string} token of the card, "" for the last one @returns {Promise<Schemas["UndoneOut"]>} */
export const sendUndo = (clientId, token) =>
  request("DELETE", `/api/v1/ratings/last?client_id=${clientId}&rater=${rater}${token ? `&token=${token}` : ""}`);

/** @param {{of?: "me" | "everyone", limit?: number, offset?: number}} range @returns {Promise<RankingMessage>} */
export const fetchRanking = ({ of = "me", limit = 50, offset = 0 } = {}) =>
  request("GET", scoped(`/api/v1/ranking?of=${of}&limit=${limit}&offset=${offset}`));

/** @param {boolean} shares_ratings @returns {Promise<Schemas["Me"]>} */
export const shareRatings = (shares_ratings) => request("PATCH", "/api/v1/me", { shares_ratings });

/** @param {number[]} ids at most 100 @returns {Promise<RankedPhoto[]>} */
export const fetchPhotos = async (ids) => (await request("GET", scoped(`/api/v1/photos?ids=${ids.join(",")}`))).photos;

/** Whether the server says that this photo is gone; false while the server cannot be reached, or is busy. @param {string} address */
export async function photoIsBroken(address) {
  try {
    return PHOTO_GONE.includes((await fetch(address, { cache: "reload", signal: AbortSignal.timeout(TIMEOUT_MS) })).status);
  } catch {
    return false;
  }
}
