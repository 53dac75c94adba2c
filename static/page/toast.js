/** A short message at the foot of the page. It disappears by itself, but stays while the pointer is on it. */

import { element, find } from "./dom.js";

const SHOWN_MS = 6000;
let timer = 0;

/** @param {string} sentence */
export function toast(sentence) {
  const place = find("#toast");
  const hideLater = () => {
    clearTimeout(timer);
    timer = setTimeout(() => place.replaceChildren(), SHOWN_MS);
  };
  place.replaceChildren(
    element("p", { class: "toast", text: sentence, onpointerenter: () => clearTimeout(timer), onpointerleave: hideLater }),
  );
  hideLater();
}
