/** The hint on a first visit: how to swipe. It disappears with the first rating. */

import { find, onDetail, prefersReducedMotion } from "../page/dom.js";

const STORED = "pav-knows-the-gestures";

const SWAY = [
  { transform: "none" },
  { transform: "translateX(26px) rotate(2.4deg)" },
  { transform: "translateX(-26px) rotate(-2.4deg)" },
  { transform: "none" },
];

/** @param {import("./deck.js").Deck} deck */
export function welcome(deck) {
  if (localStorage.getItem(STORED)) return;
  const hint = find("#welcome");
  let offered = false;
  const done = () => {
    offered = true;
    localStorage.setItem(STORED, "yes");
    hint.hidden = true;
  };
  onDetail(deck, "photos", ({ ratedCount }) => {
    const card = deck.host.querySelector(".card");
    if (offered || !card || ratedCount > 0) return;
    offered = true;
    hint.hidden = false;
    if (!prefersReducedMotion()) card.animate(SWAY, { duration: 1800, delay: 900, easing: "ease-in-out" });
  });
  deck.addEventListener("rated", done, { once: true });
  find("#welcome-close").addEventListener("click", done);
}
