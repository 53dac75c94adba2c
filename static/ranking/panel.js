/** The panel of the ranking: you, everyone, or both side by side; more places on request; a click opens a photo. */

import { asProblem, fetchRanking } from "../page/api.js";
import { find } from "../page/dom.js";
import { toast } from "../page/toast.js";
import { say } from "../page/words.js";
import { PhotoBook } from "../photos/photo-book.js";
import { Comparison, ROWS } from "./compare.js";
import { clearRankingNotice, showRankingNotice } from "./notices.js";
import { FIRST_PLACES } from "./ranking.js";
import { Tiles } from "./tiles.js";
import { Viewer } from "./viewer.js";

/** @typedef {import("../page/api.js").PlacedPhoto} PlacedPhoto */

/** Places after the first page are fetched this long after the last change, and not at each swipe. */
const CALM_MS = 700;
/** What could not be fetched is tried again after this time. */
const AGAIN_MS = 5000;
const LIGHT_MS = 1400;
const RIBBON_PLACES = 7;
/** The most places of everyone's ranking in one request, since their photos are requested with them. */
const PLACES_PER_REQUEST = 100;

/** Event "drawn" after each change of what is shown. */
export class Panel extends EventTarget {
  /** @type {"me" | "both" | "everyone"} */ #of = "me";
  /** The ranking whose photos are on the page now; "" while there are none. */ #shown = "";
  #limit = FIRST_PLACES;
  /** @type {PlacedPhoto[]} */ #further = [];
  /** @type {PlacedPhoto[]} */ #everyone = [];
  #turn = 0;
  #calm = 0;
  #book = new PhotoBook();
  #viewer = new Viewer(this.#book);
  #tiles;
  #ribbon;
  #comparison;

  /** @param {import("./ranking.js").Ranking} ranking */
  constructor(ranking) {
    super();
    this.ranking = ranking;
    const open = (/** @type {number} */ id) => this.#viewer.open(id, this.#shownIds());
    this.#tiles = new Tiles(find("#tiles"), open);
    this.#ribbon = new Tiles(find("#ribbon"), () => {});
    this.#comparison = new Comparison(find("#compare"), open);
    ranking.addEventListener("moved", () => this.#moved());
    find("#more").addEventListener("click", () => this.#more());
    for (const radio of document.querySelectorAll("[name=ranking-of]")) {
      radio.addEventListener("change", () => this.#switch(/** @type {HTMLInputElement} */ (radio).value));
    }
  }

  /** Gives the focus to the first photo, and lets it light up: on a wide screen it was visible before, and a pointer's focus has no ring. */
  focus() {
    const photos = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#tiles .tile, .compare-row"))];
    const first = photos.find((photo) => photo.checkVisibility());
    first?.focus();
    first?.animate([{ boxShadow: "0 0 0 5px var(--accent)" }, { boxShadow: "0 0 0 5px transparent" }], LIGHT_MS);
  }

  #moved() {
    this.#draw();
    if (this.#limit > FIRST_PLACES || this.#of !== "me") {
      clearTimeout(this.#calm);
      this.#calm = setTimeout(() => this.#catchUp(), CALM_MS);
    }
  }

  /** @param {string} of */
  async #switch(of) {
    this.#of = /** @type {"me" | "both" | "everyone"} */ (of);
    this.#limit = FIRST_PLACES;
    this.#further = [];
    find("#ranking-panel").dataset.of = of;
    find("#ranking-whose").textContent = say(`title_${of}`);
    await this.#catchUp({ still: true, asked: true });
  }

  async #more() {
    this.#limit += FIRST_PLACES;
    await this.#catchUp({ asked: true });
  }

  /** Fetches what a push does not carry: places after the first page, everyone's ranking, and the rater's own places in it. */
  async #catchUp({ still = false, asked = false } = {}) {
    clearTimeout(this.#calm);
    try {
      if (this.#of === "me") await this.#fetchMine();
      else await this.#fetchEveryone();
      await this.#draw({ still });
    } catch (cause) {
      this.explain(asProblem(cause), { asked });
    }
  }

  /**
   * Says why photos are missing, in their place, and tries again by itself. Where older ones are shown, a toast says it to who asked.
   * @param {import("../page/api.js").Problem} problem
   * @param {{asked?: boolean}} [options]
   */
  explain(problem, { asked = false } = {}) {
    clearTimeout(this.#calm);
    this.#calm = setTimeout(() => this.#catchUp(), Math.max(AGAIN_MS, problem.waitSeconds * 1000));
    if (this.#shown === this.#of) {
      if (asked) toast(problem.message);
      return;
    }
    find("#ranking-panel").dataset.state = "waiting";
    find("#more").hidden = true;
    showRankingNotice(problem, () => this.#catchUp());
  }

  async #fetchMine() {
    const further = [];
    for (let offset = FIRST_PLACES; offset < this.#limit; offset += FIRST_PLACES) {
      further.push(...(await fetchRanking({ limit: FIRST_PLACES, offset })).top);
    }
    this.#further = further;
  }

  async #fetchEveryone() {
    const everyone = [];
    for (let offset = 0; offset < this.#limit; offset += PLACES_PER_REQUEST) {
      const limit = Math.min(PLACES_PER_REQUEST, this.#limit - offset);
      const message = await fetchRanking({ of: "everyone", limit, offset });
      everyone.push(...message.top);
      if (message.active_model.name === "date" && this.#of === "everyone") find("#ranking-whose").textContent = say("title_date");
    }
    this.#everyone = everyone;
    await this.#book.look(
      everyone.map(({ id }) => id),
      { anew: true },
    );
  }

  async #draw({ still = false } = {}) {
    this.#turn += 1;
    const turn = this.#turn;
    if (this.ranking.version < 0) return;
    const mine = this.#mine();
    let photos;
    try {
      photos = await this.#book.look(mine.map(({ id }) => id));
    } catch (cause) {
      this.explain(asProblem(cause));
      return;
    }
    if (turn !== this.#turn) return;
    const list = this.#of === "me" ? mine : this.#theirs();
    this.#shown = list.length ? this.#of : "";
    if (list.length || !this.ranking.total) find("#ranking-panel").dataset.state = list.length ? "shown" : "empty";
    if (list.length) clearRankingNotice();
    else if (!this.ranking.total) showRankingNotice(null, () => this.#catchUp());
    find("#ranking-panel").dataset.version = String(this.ranking.version);
    this.#ribbon.show(this.ranking.top.slice(0, RIBBON_PLACES), photos);
    if (this.#of === "both") {
      const left = mine.slice(0, ROWS).map(({ id, place }) => ({ id, place, other: photos.get(id)?.everyones_place ?? null }));
      this.#comparison.show(left, this.#theirs(), photos);
    } else {
      this.#tiles.show(list, photos, { still });
    }
    find("#ranking-count").textContent = this.ranking.total ? say("photos_ranked", { n: this.ranking.total }) : "";
    find("#more").hidden = this.#of === "both" || list.length >= this.ranking.total || list.length < this.#limit;
    this.dispatchEvent(new CustomEvent("drawn"));
  }

  #mine() {
    return this.ranking.top.slice(0, FIRST_PLACES).concat(this.#further);
  }

  /** Everyone's ranking, which swipes do not move, with the rater's own places, which they do. */
  #theirs() {
    const own = new Map(this.ranking.top.map(({ id, place }) => [id, place]));
    return this.#everyone.map((placed) => {
      const other = own.get(placed.id) ?? this.#book.known(placed.id)?.place ?? null;
      return { ...placed, was: null, other };
    });
  }

  #shownIds() {
    if (this.#of === "me") return this.#mine().map(({ id }) => id);
    if (this.#of === "everyone") return this.#everyone.map(({ id }) => id);
    return [...new Set([...this.#mine().slice(0, ROWS), ...this.#everyone.slice(0, ROWS)].map(({ id }) => id))];
  }
}
