/** The coach mark of a first visit. */

import { find, lessMotion } from "../page/dom.js";

const KNOWN = "pav-knows-the-gestures";

/** One coach mark on the very first card. It goes with the first answer. @param {import("./deck.js").Deck} deck */
export function welcome(deck) {
  const coach = find("#coach");
  if (localStorage.getItem(KNOWN)) return;
  const done = () => {
    localStorage.setItem(KNOWN, "yes");
    coach.hidden = true;
  };
  const show = (/** @type {Event} */ event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (!deck.host.querySelector(".card") || detail.answered > 0) return;
    coach.hidden = false;
    deck.removeEventListener("photos", show);
    if (!lessMotion()) deck.host.querySelector(".card")?.animate(SWAY, { duration: 1800, delay: 900, easing: "ease-in-out" });
  };
  deck.addEventListener("photos", show);
  deck.addEventListener("answered", done, { once: true });
  find("#coach-close").addEventListener("click", done);
}

const SWAY = [
  { transform: "none" },
  { transform: "translateX(26px) rotate(2.4deg)" },
  { transform: "translateX(-26px) rotate(-2.4deg)" },
  { transform: "none" },
];
