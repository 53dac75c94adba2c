/** Shortcuts. They can be turned off (WCAG 2.1.4), and rest while a dialog is open or somebody reads the ranking by keyboard. */

import { find } from "./dom.js";

const STORED = "pav-shortcuts";

const ANSWERS = { ArrowLeft: "dislike", ArrowRight: "like", ArrowUp: "love", ArrowDown: "skip" };

const allowed = () => localStorage.getItem(STORED) !== "off";

/** Whether the focus came to where it is by the keyboard. Who clicked on something and then presses an arrow means the photo. */
let byKeyboard = false;

/** @param {EventTarget | null} target */
function isWriting(target) {
  if (!(target instanceof Element)) return false;
  if (target.matches("[type=radio], [type=checkbox]")) return byKeyboard;
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** @param {{answer: (value: string) => void, undo: () => void, help: () => void}} actions */
export function watchKeys(actions) {
  const choice = /** @type {HTMLInputElement} */ (find("#shortcuts-on"));
  const show = () => {
    choice.checked = allowed();
    document.documentElement.toggleAttribute("data-no-shortcuts", !allowed());
  };
  show();
  choice.addEventListener("change", () => {
    localStorage.setItem(STORED, choice.checked ? "on" : "off");
    show();
  });

  document.addEventListener("pointerdown", () => (byKeyboard = false), true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab") byKeyboard = true;
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const combined = event.ctrlKey || event.metaKey;
    if (combined && !event.altKey && event.key.toLowerCase() === "z" && !isWriting(event.target)) {
      event.preventDefault();
      if (!event.repeat) actions.undo();
      return;
    }
    if (!allowed() || combined || event.altKey || isWriting(event.target)) return;
    if (event.key === "?") {
      event.preventDefault();
      actions.help();
    } else if (event.key.toLowerCase() === "z") {
      if (!event.repeat) actions.undo();
    } else if (event.key in ANSWERS && !isReading(event.target)) {
      event.preventDefault();
      // A key held down would answer photos that nobody saw.
      if (!event.repeat) actions.answer(ANSWERS[event.key]);
    }
  });
}

/** For those who went there by the keyboard, arrow keys scroll the ranking. @param {EventTarget | null} target */
const isReading = (target) => byKeyboard && target instanceof Element && target.closest("#ranking-panel, [role=tablist], header") !== null;
