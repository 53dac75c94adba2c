/** A short sentence at the foot of the page that goes away by itself; the pointer or the keyboard on it keeps it. */

import { element, find } from "./dom.js";

const READING_MS = 6000;
let timer = 0;

/** @param {string} sentence */
export function toast(sentence) {
  const place = find("#toast");
  const hide = () => place.replaceChildren();
  const node = element("p", { class: "toast", text: sentence, onpointerenter: () => clearTimeout(timer), onpointerleave: () => start() });
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(hide, READING_MS);
  };
  place.replaceChildren(node);
  start();
}
