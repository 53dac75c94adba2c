/** Photos of an album as the grid knows them: addresses of their files, their colour until they load, and requests about them. */

import { request } from "../page/api.js";
import { album, urls } from "../page/words.js";

/**
 * @typedef {import("../page/api-types.d.ts").components["schemas"]["GridPhotoOut"]} Photo
 * @typedef {0 | 1 | 2 | 3} Value skip, rejected, liked, picked
 */

export const REJECTED = 1;
export const PICKED = 3;

const NAMES = /** @type {const} */ (["skip", "dislike", "like", "love"]);
const WIDTHS = (urls.widths ?? "").split(",").map(Number);

/** The address of the smallest file that is at least so wide, in device pixels. @param {Photo} photo @param {number} pixels */
export function source(photo, pixels) {
  const width = Math.min(photo.width, WIDTHS.find((wide) => wide >= pixels) ?? WIDTHS[WIDTHS.length - 1]);
  /** @type {Record<string, string | number>} */ const parts = { id: photo.id, hash: photo.hash, width };
  return urls.photo.replace(/\{(\w+)\}/g, (_match, name) => String(parts[name]));
}

/** The largest file. @param {Photo} photo */
export const largest = (photo) => source(photo, Infinity);

/** The average colour of a photo, from the first bytes of its ThumbHash. @param {string} base64 */
export function colour(base64) {
  if (!base64) return "";
  const bytes = Uint8Array.from(atob(base64.slice(0, 4)), (letter) => letter.charCodeAt(0));
  const head = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const light = (head & 63) / 63;
  const yellowBlue = ((head >> 6) & 63) / 31.5 - 1;
  const redGreen = ((head >> 12) & 63) / 31.5 - 1;
  const blue = light - (2 / 3) * yellowBlue;
  const red = (3 * light - blue + redGreen) / 2;
  return `rgb(${[red, red - redGreen, blue].map((part) => Math.round(255 * Math.min(1, Math.max(0, part)))).join(" ")})`;
}

/** @returns {Promise<{revision: number, photos: Photo[]}>} */
export const fetchGrid = () => request("GET", `/api/v1/albums/${album}/photos`);

/** @returns {Promise<{revision: number, ids: number[], values: (Value | null)[], scores: (number | null)[], last_rated: string | null}>} */
export const fetchOpinions = () => request("GET", `/api/v1/albums/${album}/opinions`);

/** @param {string} count @param {string} fold @param {string} variety @returns {Promise<number[][]>} */
export const fetchBest = async (count, fold, variety) =>
  (await request("GET", `/api/v1/albums/${album}/best?count=${count}&fold=${fold}&variety=${variety}`)).stacks;

/** @returns {Promise<{photos: Photo[]}>} */
export const fetchBin = () => request("GET", "/api/v1/bin");

/** @param {number} photo @param {Value} value @param {string} client_id @param {string} modality @returns {Promise<{token: string}>} */
export const sendPicked = (photo, value, client_id, modality) =>
  request("POST", "/api/v1/ratings/picked", { photo, value: NAMES[value], client_id, modality });

/** @param {number[]} photos */
export const binPhotos = (photos) => request("POST", "/api/v1/bin", { photos });

/** @param {number[]} photos */
export const restorePhotos = (photos) => request("POST", "/api/v1/bin/restore", { photos });

/** @param {number[]} photos */
export const purgePhotos = (photos) => request("POST", "/api/v1/bin/purge", { photos });

/** @returns {Promise<{id: string, name: string}[]>} */
export const fetchAlbums = async () => (await request("GET", "/api/v1/albums")).albums;

/** @param {string} other id of an album @param {number[]} photos @returns {Promise<{count: number}>} */
export const addPhotos = (other, photos) => request("POST", `/api/v1/albums/${other}/photos`, { photos });

/** @param {number[]} photos */
export const removePhotos = (photos) => request("POST", `/api/v1/albums/${album}/remove`, { photos });

/** @param {{name?: string, cover?: number, keeps_originals?: boolean}} change */
export const changeAlbum = (change) => request("PATCH", `/api/v1/albums/${album}`, change);

export const deleteAlbum = () => request("DELETE", `/api/v1/albums/${album}`);
