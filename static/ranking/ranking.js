/** The rater's ranking: takes pushes in the order of their versions and revisions, drops old ones, and fetches when one was missed. */

import { fetchRanking } from "../page/api.js";

/** Places shown before "Show more"; a push carries at least these. */
export const FIRST_PLACES = 50;

/** Event "moved" after each newer ranking. */
export class Ranking extends EventTarget {
  version = -1;
  revision = -1;
  ratingsSeq = 0;
  total = 0;
  /** @type {import("../page/api.js").Accuracy | null} */ accuracy = null;
  /** @type {import("../page/api.js").CertaintyState | null} */ certainty = null;
  /** @type {import("../page/api.js").ActiveModel | null} */ activeModel = null;
  /** @type {import("../page/api.js").PlacedPhoto[]} */ top = [];

  /**
   * @param {import("../page/api.js").RankingMessage} message
   * @param {boolean} [snapshot] the first message of a connection, which holds whatever was shown before
   */
  receive(message, snapshot = false) {
    const missedSome = this.version >= 0 && message.version > this.version + 1;
    if (!this.#show(message, snapshot)) return;
    // The arrows of this message compare with a ranking that was never on this screen.
    if (missedSome && !snapshot) this.refresh().catch(() => {});
  }

  /** Fetches the ranking over HTTP. @throws {import("../page/api.js").Problem} */
  async refresh() {
    this.#show(await fetchRanking({ limit: FIRST_PLACES }), false);
  }

  /** @param {import("../page/api.js").RankingMessage} message @param {boolean} snapshot */
  #show(message, snapshot) {
    // Only the snapshot of a new guest session in this browser can be older than what is shown.
    const isOlderSession = snapshot && message.version < this.version;
    // Photos come and go without a new fit.
    const isLater = message.revision > this.revision || message.total > this.total;
    const isChanged = message.version === this.version && isLater;
    const isNew = message.version > this.version || isOlderSession || isChanged;
    if (!isNew && this.version >= 0) return false;
    this.version = message.version;
    this.revision = message.revision;
    this.ratingsSeq = message.ratings_seq;
    this.accuracy = message.accuracy;
    this.certainty = message.certainty;
    this.total = message.total;
    this.activeModel = message.active_model;
    this.top = message.top;
    this.dispatchEvent(new CustomEvent("moved"));
    return true;
  }
}
