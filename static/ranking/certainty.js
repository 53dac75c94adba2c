/**
 * How sure PAV is: words and a picture for the state that the server sends (ratings/ranking/certainty.py). On request, a bar from 0 to 1
 * with an interval and a dot, and a plot of how it has changed.
 */

import { find, svgElement } from "../page/dom.js";
import { decimal, say } from "../page/words.js";

/** Fewer ratings than this give no rank correlation. */
const LEAST_RATINGS = 8;
/** Bars of the picture that are lit in each state; without one, no number is shown either. */
const LEVELS = { learning: 0, alike: 0, unsure: 0, finding: 1, good: 2, very_good: 3 };
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

/** A ring that fills with the first ratings, then bars. @param {keyof typeof LEVELS} state @param {number} more @returns {SVGElement[]} */
function picture(state, more) {
  if (state === "learning") {
    const ring = { cx: 22, cy: 22, r: 18, pathLength: LEAST_RATINGS };
    const done = LEAST_RATINGS - more;
    return [
      svgElement("circle", { class: "picture-rest", ...ring }),
      ...(done ? [svgElement("circle", { class: "picture-done", "stroke-dasharray": `${done} ${LEAST_RATINGS}`, ...ring })] : []),
    ];
  }
  return [14, 25, 36].map((height, place) =>
    svgElement("rect", {
      class: place < LEVELS[state] ? "picture-lit" : "picture-dim",
      x: 2 + place * 15,
      y: 40 - height,
      width: 10,
      height,
      rx: 3,
    }),
  );
}

/** A correlation below zero is no match: the number would say nothing more. @param {number} srocc */
const match = (srocc) => (srocc > 0 ? decimal(srocc) : say("no_match"));

/** @param {boolean} open */
function openNumbers(open) {
  find("#certainty-numbers").hidden = !open;
  find("#certainty-more").setAttribute("aria-expanded", String(open));
}

/** Shows and hides the numbers by the button. */
export function offerNumbers() {
  find("#certainty-more").addEventListener("click", () => openNumbers(find("#certainty-numbers").hidden));
}

export class Certainty {
  /** @type {Point[]} */ #trail = storedTrail();

  /** @param {Pick<import("./ranking.js").Ranking, "certainty" | "accuracy" | "ratingsSeq" | "activeModel">} ranking */
  show({ certainty, accuracy, ratingsSeq, activeModel }) {
    if (!certainty) return;
    const { state, more } = certainty;
    find("#certainty").dataset.state = state;
    find("#certainty-headline").textContent = state === "learning" ? say("certainty_learning", { n: more }) : say(`certainty_${state}`);
    find("#certainty-text").textContent = say(`certainty_${state}_text`);
    find("#certainty-picture").replaceChildren(...picture(state, more));
    if (!accuracy || LEVELS[state] === 0) {
      openNumbers(false); // and the style of the state hides the button
      return;
    }
    const { srocc, low, high } = accuracy;
    find("#certainty-numbers-text").textContent = say("certainty_numbers", {
      srocc: decimal(srocc),
      low: decimal(low),
      high: decimal(high),
    });
    const compared = activeModel?.comparison;
    find("#certainty-models").textContent = compared
      ? say("certainty_models", { exact: match(compared.exact), instant: match(compared.instant) })
      : "";
    this.#remember({ n: ratingsSeq, srocc, low, high });
    this.#drawBar(accuracy);
    this.#drawTrail();
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

  /** @param {import("../page/api.js").Accuracy} accuracy */
  #drawBar({ srocc, low, high }) {
    const [from, to] = [clamp(low) * 100, clamp(high) * 100];
    find("#certainty-bar").replaceChildren(
      svgElement("rect", { class: "bar-track", x: 0, y: 9, width: "100%", height: 2, rx: 1 }),
      svgElement("rect", { class: "bar-interval", x: `${from}%`, y: 6, width: `${Math.max(1, to - from)}%`, height: 8, rx: 4 }),
      svgElement("circle", { class: "bar-dot", cx: `${Math.min(98, Math.max(2, clamp(srocc) * 100))}%`, cy: 10, r: 6 }),
    );
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
