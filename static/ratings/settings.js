/** Small things around the edge: light and dark, help, the first visit, language. */

import { shareAnswers } from "./api.js";
import { find, lessMotion } from "./dom.js";
import { say } from "./words.js";

const KNOWN = "pav-knows-the-gestures";

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

export function offerTheme() {
  const button = find("#theme");
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("pav-theme", next);
    show();
  });
}

/** @returns {() => void} opens the help */
export function offerHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (find("#help"));
  const open = () => dialog.open || dialog.showModal();
  find("#help-open").addEventListener("click", open);
  find("#help-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return open;
}

/** Whether one's answers may teach; the box only ever shows what the server has. */
export function offerSharing() {
  const choice = /** @type {HTMLInputElement} */ (find("#share-answers"));
  const said = find("#share-answers-said");
  choice.addEventListener("change", async () => {
    const wanted = choice.checked;
    choice.disabled = true;
    try {
      choice.checked = (await shareAnswers(wanted)).shares_answers;
      said.textContent = choice.checked ? say("sharing_on") : say("sharing_off");
    } catch (problem) {
      choice.checked = !wanted;
      said.textContent = problem.kind === "offline" ? say("sharing_offline") : problem.message;
    } finally {
      choice.disabled = false;
      choice.focus();
    }
  });
}

export function offerLanguage() {
  const choice = find("#language");
  choice.addEventListener("change", () => /** @type {HTMLSelectElement} */ (choice).form.requestSubmit());
}

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
