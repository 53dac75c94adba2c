/** Photos by id, each fetched once. Their places are as old as the request. */

import { fetchPhotos } from "../page/api.js";

const PHOTOS_PER_REQUEST = 100;

export class PhotoBook {
  /** @type {Map<number, import("../page/api.js").RankedPhoto>} */ #photos = new Map();

  /** @param {number[]} ids @param {{anew?: boolean}} [options] `anew`: fetch all of them again @returns {Promise<Map<number, import("../page/api.js").RankedPhoto>>} */
  async look(ids, { anew = false } = {}) {
    const missing = anew ? ids : ids.filter((id) => !this.#photos.has(id));
    for (let from = 0; from < missing.length; from += PHOTOS_PER_REQUEST) {
      const photos = await fetchPhotos(missing.slice(from, from + PHOTOS_PER_REQUEST));
      for (const photo of photos) this.#photos.set(photo.id, photo);
    }
    return this.#photos;
  }

  /** @param {number} id */
  known(id) {
    return this.#photos.get(id);
  }
}
