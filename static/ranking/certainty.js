/** How sure PAV is: a sentence, a bar from 0 to 1 with an interval and a dot, and a plot of how it has changed. */

import { find, svgElement } from "../page/dom.js";
import { decimal, say } from "../page/words.js";

/** Fewer ratings than this give no rank correlation. */
const LEAST_RATINGS = 8;
const STORED = "pav-trail";
const MOST_POINTS = 400;

/** @typedef {{n: number, srocc: number, low: number, high: number}} Point */

/** @param {number} value */
const clamp = (value) => Math.min(1, Math.max(0, value));

/** @returns {Point[]} */
function storedTrail() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
  } catch {
    return [];
  }
}

/** The level in words, by the estimate and the lower end of its interval. @param {import("../page/api.js").Accuracy} accuracy */
function levelOf({ srocc, low }) {
  if (srocc < 0.2) return "searching";
  if (srocc < 0.45 || low < 0) return "hints";
  if (srocc < 0.65 || low < 0.35) return "begins";
  if (srocc < 0.8) return "knows";
  return "knows_well";
}

/** A correlation below zero is no match: the number would say nothing more. @param {import("../page/api.js").Accuracy} accuracy */
function textOf({ srocc, low, high }) {
  if (srocc < 0) return say("certainty_none");
  return say("certainty_text", { srocc: decimal(srocc), low: decimal(low), high: decimal(high) });
}

export class Certainty {
  /** @type {Point[]} */ #trail = storedTrail();

  /** @param {import("../page/api.js").Accuracy | null} accuracy @param {number} ratingsSeq @param {number} ratedCount */
  show(accuracy, ratingsSeq, ratedCount) {
    if (!accuracy) {
      const missing = LEAST_RATINGS - ratedCount;
      find("#certainty-headline").textContent = say("level_guessing");
      find("#certainty-text").textContent = missing > 0 ? say("more_needed", { n: missing }) : say("all_alike");
      this.#draw(null);
      return;
    }
    find("#certainty-headline").textContent = say(`level_${levelOf(accuracy)}`);
    find("#certainty-text").textContent = textOf(accuracy);
    this.#remember({ n: ratingsSeq, ...accuracy });
    this.#draw(accuracy);
  }

  /** @param {Point} point */
  #remember(point) {
    // An undo counts up as well, so the trail grows to the right. Another rater in this browser starts a new one.
    this.#trail = this.#trail
      .filter((other) => other.n < point.n)
      .concat(point)
      .slice(-MOST_POINTS);
    try {
      sessionStorage.setItem(STORED, JSON.stringify(this.#trail));
    } catch {
      // Without storage the trail does not survive a reload; nothing else is lost.
    }
  }

  /** @param {import("../page/api.js").Accuracy | null} accuracy */
  #draw(accuracy) {
    const bar = find("#certainty-bar");
    bar.setAttribute("aria-label", (accuracy && find("#certainty-text").textContent) || say("level_guessing"));
    bar.replaceChildren(svgElement("rect", { class: "bar-track", x: 0, y: 9, width: "100%", height: 2, rx: 1 }));
    if (accuracy) {
      const low = clamp(accuracy.low) * 100;
      const high = clamp(accuracy.high) * 100;
      bar.append(
        svgElement("rect", { class: "bar-interval", x: `${low}%`, y: 6, width: `${Math.max(1, high - low)}%`, height: 8, rx: 4 }),
        svgElement("circle", { class: "bar-dot", cx: `${Math.min(98, Math.max(2, clamp(accuracy.srocc) * 100))}%`, cy: 10, r: 6 }),
      );
    }
    this.#drawTrail();
  }

  #drawTrail() {
    const plot = find("#certainty-trail");
    const points = this.#trail;
    const last = points.at(-1);
    const first = points[0]?.n ?? 0;
    const most = Math.max(first + LEAST_RATINGS * 2, last?.n ?? 0);
    const x = (/** @type {number} */ n) => 2 + ((n - first) / (most - first)) * 112;
    const y = (/** @type {number} */ value) => 46 - clamp(value) * 44;
    const grid = [0, 0.5, 1].map((value) => svgElement("path", { class: "trail-grid", d: `M0 ${y(value)}H116` }));
    if (!last) {
      plot.replaceChildren(...grid);
      return;
    }
    const upper = points.map((point) => `${x(point.n)} ${y(point.high)}`);
    const lower = points.map((point) => `${x(point.n)} ${y(point.low)}`).reverse();
    plot.replaceChildren(
      ...grid,
      svgElement("path", { class: "trail-band", d: `M${[...upper, ...lower].join("L")}Z` }),
      svgElement("path", { class: "trail-line", d: `M${points.map((point) => `${x(point.n)} ${y(point.srocc)}`).join("L")}` }),
      // A stroke of no length is a dot with a round cap, and stays round while the plot is stretched.
      svgElement("path", { class: "trail-dot", d: `M${x(last.n)} ${y(last.srocc)}h.01` }),
    );
  }
}
