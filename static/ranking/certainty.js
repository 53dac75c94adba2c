/** How sure PAV is: one sentence, a bar from 0 to 1 with the interval and a dot, and the way it went from answer to answer. */

import { drawing, find } from "../page/dom.js";
import { say, share } from "../page/words.js";

/** Answers below which no rank correlation is worth telling. */
const LEAST_ANSWERS = 8;
const STORED = "pav-trail";
const MOST_POINTS = 400;

/** @typedef {{n: number, srocc: number, low: number, high: number}} Point */

const inside = (value) => Math.min(1, Math.max(0, value));

/** @returns {Point[]} */
function storedTrail() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {import("../page/api.js").Accuracy} accuracy how the level reads: it takes both the estimate and its lower end */
function levelOf({ srocc, low }) {
  if (srocc < 0.2) return "searching";
  if (srocc < 0.45 || low < 0) return "hints";
  if (srocc < 0.65 || low < 0.35) return "begins";
  if (srocc < 0.8) return "knows";
  return "knows_well";
}

export class Certainty {
  /** @type {Point[]} */ #trail = storedTrail();

  /** @param {import("../page/api.js").Accuracy | null} accuracy @param {number} ratingsSeq @param {number} answered */
  show(accuracy, ratingsSeq, answered) {
    const panel = find("#certainty");
    panel.dataset.level = accuracy ? levelOf(accuracy) : "guessing";
    if (!accuracy) {
      const missing = LEAST_ANSWERS - answered;
      find("#certainty-headline").textContent = say("level_guessing");
      find("#certainty-text").textContent = missing > 0 ? say("more_needed", { n: missing }) : say("all_alike");
      this.#draw(null);
      return;
    }
    find("#certainty-headline").textContent = say(`level_${levelOf(accuracy)}`);
    find("#certainty-text").textContent = say("certainty_text", {
      srocc: share(accuracy.srocc),
      low: share(accuracy.low),
      high: share(accuracy.high),
    });
    this.#remember({ n: ratingsSeq, ...accuracy });
    this.#draw(accuracy);
  }

  /** @param {Point} point */
  #remember(point) {
    // An undo counts up too, so the trail only ever grows to the right; another person in this browser starts anew.
    this.#trail = this.#trail.filter((other) => other.n < point.n).concat(point).slice(-MOST_POINTS);
    try {
      sessionStorage.setItem(STORED, JSON.stringify(this.#trail));
    } catch {
      // A full or forbidden store costs the trail after a reload, nothing else.
    }
  }

  /** @param {import("../page/api.js").Accuracy | null} accuracy */
  #draw(accuracy) {
    const bar = find("#certainty-bar");
    bar.setAttribute("aria-label", accuracy ? find("#certainty-text").textContent : say("level_guessing"));
    bar.replaceChildren(drawing("rect", { class: "bar-track", x: 0, y: 9, width: "100%", height: 2, rx: 1 }));
    if (accuracy) {
      const low = inside(accuracy.low) * 100;
      const high = inside(accuracy.high) * 100;
      bar.append(
        drawing("rect", { class: "bar-interval", x: `${low}%`, y: 6, width: `${Math.max(1, high - low)}%`, height: 8, rx: 4 }),
        drawing("circle", { class: "bar-dot", cx: `${Math.min(98, Math.max(2, inside(accuracy.srocc) * 100))}%`, cy: 10, r: 6 }),
      );
    }
    this.#drawTrail();
  }

  #drawTrail() {
    const plot = find("#certainty-trail");
    const points = this.#trail;
    find("#certainty-plot").dataset.points = String(points.length);
    const last = points.at(-1);
    const first = points[0]?.n ?? 0;
    const most = Math.max(first + LEAST_ANSWERS * 2, last?.n ?? 0);
    const x = (n) => 2 + ((n - first) / (most - first)) * 112;
    const y = (value) => 46 - inside(value) * 44;
    const grid = [0, 0.5, 1].map((value) => drawing("path", { class: "trail-grid", d: `M0 ${y(value)}H116` }));
    if (!last) {
      plot.replaceChildren(...grid);
      return;
    }
    const upper = points.map((point) => `${x(point.n)} ${y(point.high)}`);
    const lower = points.map((point) => `${x(point.n)} ${y(point.low)}`).reverse();
    plot.replaceChildren(
      ...grid,
      drawing("path", { class: "trail-band", d: `M${[...upper, ...lower].join("L")}Z` }),
      drawing("path", { class: "trail-line", d: `M${points.map((point) => `${x(point.n)} ${y(point.srocc)}`).join("L")}` }),
      // A stroke without length keeps its round end however the plot is stretched.
      drawing("path", { class: "trail-dot", d: `M${x(last.n)} ${y(last.srocc)}h.01` }),
    );
  }
}
