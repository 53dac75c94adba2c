/** The panel of the ranking: you, everyone, or both side by side; more places on request; a photo opens large. */

import { fetchRanking } from "../page/api.js";
import { Comparison, ROWS } from "./compare.js";
import { find } from "../page/dom.js";
import { PhotoBook } from "../photos/photo-book.js";
import { FIRST_PLACES } from "./ranking.js";
import { Tiles } from "./tiles.js";
import { toast } from "../page/toast.js";
import { say } from "../page/words.js";
import { Viewer } from "./viewer.js";

/** Pages past the first are asked for again this long after the last change, not at every swipe. */
const CALM_MS = 700;
const RIBBON_PLACES = 7;

export class Panel {
  /** @type {"me" | "both" | "everyone"} */ #of = "me";
  #limit = FIRST_PLACES;
  /** @type {import("../page/api.js").Placed[]} */ #further = [];
  /** @type {import("../page/api.js").Placed[]} */ #everyone = [];
  #turn = 0;
  #calm = 0;
  #book = new PhotoBook();
  #viewer = new Viewer(this.#book);
  #tiles;
  #ribbon;
  #comparison;

  /** @param {import("./ranking.js").Ranking} ranking */
  constructor(ranking) {
    this.ranking = ranking;
    const open = (id) => this.#viewer.open(id, this.#shownIds());
    this.#tiles = new Tiles(find("#tiles"), open);
    this.#ribbon = new Tiles(find("#ribbon"), () => {});
    this.#comparison = new Comparison(find("#compare"), open);
    ranking.addEventListener("moved", () => this.#moved());
    find("#more").addEventListener("click", () => this.#more());
    for (const radio of document.querySelectorAll("[name=ranking-of]")) {
      radio.addEventListener("change", () => this.#switch(/** @type {HTMLInputElement} */ (radio).value));
    }
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
    this.#of = /** @type {any} */ (of);
    this.#limit = FIRST_PLACES;
    this.#further = [];
    find("#ranking-panel").dataset.of = of;
    find("#ranking-whose").textContent = say(`title_${of}`);
    await this.#catchUp(true);
  }

  async #more() {
    this.#limit += FIRST_PLACES;
    await this.#catchUp();
  }

  /** What the push does not carry: places past the first page, everyone's ranking, and the places that its photos have for oneself. */
  async #catchUp(still = false) {
    try {
      if (this.#of === "me") {
        this.#further = [];
        for (let from = FIRST_PLACES; from < this.#limit; from += FIRST_PLACES) {
          this.#further.push(...(await fetchRanking({ limit: FIRST_PLACES, offset: from })).top);
        }
      } else {
        const page = await fetchRanking({ of: "everyone", limit: Math.min(100, this.#limit) });
        this.#everyone = page.top;
        for (let from = 100; from < this.#limit; from += 100) {
          this.#everyone.push(...(await fetchRanking({ of: "everyone", limit: 100, offset: from })).top);
        }
        await this.#book.look(this.#everyone.map(({ id }) => id), { anew: true });
      }
      await this.#draw(still);
    } catch (problem) {
      toast(problem.message);
    }
  }

  async #draw(still = false) {
    const turn = ++this.#turn;
    const mine = this.#mine();
    let photos;
    try {
      photos = await this.#book.look(mine.map(({ id }) => id));
    } catch {
      find("#ranking-panel").dataset.state = "waiting";
      return;
    }
    if (turn !== this.#turn) return;
    find("#ranking-panel").dataset.state = mine.length ? "shown" : "empty";
    find("#ranking-panel").dataset.version = String(this.ranking.version);
    this.#ribbon.show(this.ranking.top.slice(0, RIBBON_PLACES), photos);
    const list = this.#of === "me" ? mine : this.#theirs();
    if (this.#of === "both") {
      this.#comparison.show(
        mine.slice(0, ROWS).map(({ id, place }) => ({ id, place, other: photos.get(id)?.everyones_place ?? null })),
        this.#theirs().map(({ id, place, other }) => ({ id, place, other: other ?? null })),
        photos,
      );
    } else {
      this.#tiles.show(list, photos, { still });
    }
    find("#ranking-count").textContent = this.ranking.total ? say("photos_ranked", { n: this.ranking.total }) : "";
    find("#more").hidden = this.#of === "both" || list.length >= this.ranking.total || list.length < this.#limit;
  }

  #mine() {
    return this.ranking.top.slice(0, FIRST_PLACES).concat(this.#further);
  }

  /** Everyone's ranking does not move with one's own swipes; only the place that it has for oneself does. */
  #theirs() {
    const place = new Map(this.ranking.top.map((placed) => [placed.id, placed.place]));
    return this.#everyone.map((placed) => ({ ...placed, was: null, other: place.get(placed.id) ?? this.#book.known(placed.id)?.place ?? null }));
  }

  #shownIds() {
    if (this.#of === "me") return this.#mine().map(({ id }) => id);
    if (this.#of === "everyone") return this.#everyone.map(({ id }) => id);
    return [...new Set([...this.#mine().slice(0, ROWS), ...this.#everyone.slice(0, ROWS)].map(({ id }) => id))];
  }
}
