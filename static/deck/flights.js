/** Animations of a card that leaves the deck or returns by undo, on the side of its rating. With reduced motion it only fades. */

import { prefersReducedMotion } from "../page/dom.js";

/** Where a card ends, in percent of its size and degrees. @type {Record<import("../page/api.js").RatingValue, {x: number, y: number, turn: number}>} */
const AWAY = {
  dislike: { x: -130, y: 8, turn: -16 },
  like: { x: 130, y: 8, turn: 16 },
  love: { x: 0, y: -125, turn: 3 },
  skip: { x: 0, y: 40, turn: 0 },
};

/** @param {import("../page/api.js").RatingValue} value @param {number} opacity */
const awayFrame = (value, opacity) => {
  const { x, y, turn } = AWAY[value];
  if (prefersReducedMotion()) return { opacity: 0 };
  return { transform: `translate3d(${x}%, ${y}%, 0) rotate(${turn}deg)`, opacity };
};

/**
 * Lets a card fly out, and removes it at the end.
 * @param {HTMLElement} node
 * @param {import("../page/api.js").RatingValue} value
 * @param {{dx: number, dy: number}} [thrown]
 */
export function flyOut(node, value, thrown) {
  node.dataset.leaving = "";
  node.dataset.leaning = value;
  node.inert = true;
  if (!thrown) node.style.setProperty("--lean", "1");
  const from = prefersReducedMotion() ? { opacity: 1 } : { transform: getComputedStyle(node).transform, opacity: 1 };
  const flight = node.animate([from, awayFrame(value, value === "skip" ? 0 : 0.9)], {
    duration: prefersReducedMotion() ? 160 : thrown ? 260 : 340,
    easing: thrown ? "ease-out" : "cubic-bezier(.5, 0, .75, .6)",
    fill: "forwards",
  });
  flight.finished.finally(() => node.remove());
}

/** @param {HTMLElement} node @param {import("../page/api.js").RatingValue} value */
export function flyIn(node, value) {
  const to = prefersReducedMotion() ? { opacity: 1 } : { transform: "none", opacity: 1 };
  node.animate([awayFrame(value, 0), to], { duration: prefersReducedMotion() ? 160 : 380, easing: "cubic-bezier(.2, .9, .3, 1)" });
}
