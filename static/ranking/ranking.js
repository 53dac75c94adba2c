/** What is known about the person's ranking: takes pushes in order of version, drops old ones, fetches when one was missed. */

import { fetchRanking } from "../page/api.js";

/** How many places are shown before somebody asks for more; a push carries at least these. */
export const FIRST_PLACES = 50;

/** Event "moved" after every newer ranking. */
export class Ranking extends EventTarget {
  version = -1;
  ratingsSeq = 0;
  total = 0;
  /** @type {import("../page/api.js").Accuracy | null} */ accuracy = null;
  /** @type {import("../page/api.js").Speaker | null} */ speaker = null;
  /** @type {import("../page/api.js").Placed[]} */ top = [];

  /**
   * @param {import("../page/api.js").RankingMessage} message
   * @param {boolean} [snapshot] the first message of a connection: the server's word on where things stand
   */
  receive(message, snapshot = false) {
    const missedSome = this.version >= 0 && message.version > this.version + 1;
    if (!this.#show(message, snapshot)) return;
    // The marks of what moved would compare with a ranking that was never on this screen.
    if (missedSome && !snapshot) this.refresh().catch(() => {});
  }

  /** Ask for the ranking over HTTP. @throws {import("../page/api.js").Problem} */
  async refresh() {
    this.#show(await fetchRanking({ limit: FIRST_PLACES }), false);
  }

  /** @param {import("../page/api.js").RankingMessage} message @param {boolean} snapshot */
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
