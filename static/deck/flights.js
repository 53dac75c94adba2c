/** How a card leaves the deck, and how an undo brings it back: to the side of its answer; with less motion it only fades. */

import { lessMotion } from "../page/dom.js";

const AWAY = {
  dislike: { x: -130, y: 8, turn: -16 },
  like: { x: 130, y: 8, turn: 16 },
  love: { x: 0, y: -125, turn: 3 },
  skip: { x: 0, y: 40, turn: 0 },
};

/** @param {string} value @param {number} opacity */
const awayFrame = (value, opacity) => {
  const { x, y, turn } = AWAY[value];
  if (lessMotion()) return { opacity: 0 };
  return { transform: `translate3d(${x}%, ${y}%, 0) rotate(${turn}deg)`, opacity };
};

/** The node removes itself when it is gone. @param {HTMLElement} node @param {string} value @param {{dx: number, dy: number}} [thrown] */
export function flyOut(node, value, thrown) {
  node.dataset.leaving = "";
  node.dataset.leaning = value;
  node.inert = true;
  if (!thrown) node.style.setProperty("--lean", "1");
  const from = lessMotion() ? { opacity: 1 } : { transform: getComputedStyle(node).transform, opacity: 1 };
  const flight = node.animate([from, awayFrame(value, value === "skip" ? 0 : 0.9)], {
    duration: lessMotion() ? 160 : thrown ? 260 : 340,
    easing: thrown ? "ease-out" : "cubic-bezier(.5, 0, .75, .6)",
    fill: "forwards",
  });
  flight.finished.finally(() => node.remove());
}

/** @param {HTMLElement} node @param {string} value */
export function flyIn(node, value) {
  const to = lessMotion() ? { opacity: 1 } : { transform: "none", opacity: 1 };
  node.animate([awayFrame(value, 0), to], { duration: lessMotion() ? 160 : 380, easing: "cubic-bezier(.2, .9, .3, 1)" });
}
