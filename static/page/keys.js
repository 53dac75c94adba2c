/** Keyboard shortcuts. They can be turned off (WCAG 2.1.4), and pause while a dialog is open or the keyboard is used in the ranking. */

import { findAs } from "./dom.js";

const STORED = "pav-shortcuts";

/** @type {Record<string, import("./api.js").RatingValue>} */
const RATINGS = { ArrowLeft: "dislike", ArrowRight: "like", ArrowUp: "love", ArrowDown: "skip" };

const allowed = () => localStorage.getItem(STORED) !== "off";

/** Whether the keyboard moved the focus. After a click, arrow keys rate the photo again. */
let byKeyboard = false;

/** @param {EventTarget | null} target */
function takesKeys(target) {
  if (!(target instanceof Element)) return false;
  if (target.matches("[type=radio], [type=checkbox]")) return byKeyboard;
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** Arrow keys scroll the ranking for those who reached it by keyboard. @param {EventTarget | null} target */
const scrolls = (target) => byKeyboard && target instanceof Element && target.closest("#ranking-panel, [role=tablist], header") !== null;

function offerSwitch() {
  const choice = findAs(HTMLInputElement, "#shortcuts-on");
  const show = () => {
    choice.checked = allowed();
    document.documentElement.toggleAttribute("data-no-shortcuts", !allowed());
  };
  show();
  choice.addEventListener("change", () => {
    localStorage.setItem(STORED, choice.checked ? "on" : "off");
    show();
  });
}

/** @param {{rate: (value: import("./api.js").RatingValue) => void, undo: () => void, help: () => void}} actions */
export function watchKeys(actions) {
  offerSwitch();
  document.addEventListener("pointerdown", () => (byKeyboard = false), true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab") byKeyboard = true;
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const combined = event.ctrlKey || event.metaKey;
    const isUndo = event.key.toLowerCase() === "z" && !event.altKey;
    if (isUndo && (combined || allowed()) && !takesKeys(event.target)) {
      if (combined) event.preventDefault();
      if (!event.repeat) actions.undo();
      return;
    }
    if (!allowed() || combined || event.altKey || takesKeys(event.target)) return;
    if (event.key === "?") {
      event.preventDefault();
      actions.help();
    } else if (event.key in RATINGS && !scrolls(event.target)) {
      event.preventDefault();
      // A key that is held down must not rate photos that nobody saw.
      if (!event.repeat) actions.rate(RATINGS[event.key]);
    }
  });
}
