/** What is known about the person's ranking: takes pushes in order of version, drops old ones, fetches when one was missed. */

import { fetchPhotos, fetchRanking } from "./api.js";

/** How many places are shown before somebody asks for more; a push carries at least these. */
export const FIRST_PLACES = 50;
const PHOTOS_AT_ONCE = 100;

/** Event "moved" after every newer ranking. */
export class Ranking extends EventTarget {
  version = -1;
  ratingsSeq = 0;
  total = 0;
  /** @type {import("./api.js").Accuracy | null} */ accuracy = null;
  /** @type {import("./api.js").Speaker | null} */ speaker = null;
  /** @type {import("./api.js").Placed[]} */ top = [];

  /**
   * @param {import("./api.js").RankingMessage} message
   * @param {boolean} [snapshot] the first message of a connection: the server's word on where things stand
   */
  receive(message, snapshot = false) {
    const missedSome = this.version >= 0 && message.version > this.version + 1;
    if (!this.#show(message, snapshot)) return;
    // The marks of what moved would compare with a ranking that was never on this screen.
    if (missedSome && !snapshot) this.refresh().catch(() => {});
  }

  /** Ask for the ranking over HTTP. @throws {import("./api.js").Problem} */
  async refresh() {
    this.#show(await fetchRanking({ limit: FIRST_PLACES }), false);
  }

  /** @param {import("./api.js").RankingMessage} message @param {boolean} snapshot */
  #show(message, snapshot) {
    // A snapshot may only be older when it is somebody else's: a new guest session in this browser.
    const isNew = message.version > this.version || (snapshot && message.version < this.version);
    if (!isNew && this.version >= 0) return false;
    this.version = message.version;
    this.ratingsSeq = message.ratings_seq;
    this.accuracy = message.accuracy;
    this.total = message.total ?? Math.max(this.total, message.top.length);
    this.speaker = message.speaker;
    this.top = message.top;
    this.dispatchEvent(new CustomEvent("moved"));
    return true;
  }
}

/** Photos by id, asked for once. Places in it are those of the moment of asking: good for everyone's, which hardly move. */
export class PhotoBook {
  /** @type {Map<number, import("./api.js").PlacedPhoto>} */ #photos = new Map();

  /** @param {number[]} ids @param {{anew?: boolean}} [how] @returns {Promise<Map<number, import("./api.js").PlacedPhoto>>} */
  async look(ids, { anew = false } = {}) {
    const missing = anew ? ids : ids.filter((id) => !this.#photos.has(id));
    for (let from = 0; from < missing.length; from += PHOTOS_AT_ONCE) {
      const photos = await fetchPhotos(missing.slice(from, from + PHOTOS_AT_ONCE));
      for (const photo of photos) this.#photos.set(photo.id, photo);
    }
    return this.#photos;
  }

  /** @param {number} id */
  known(id) {
    return this.#photos.get(id);
  }
}
