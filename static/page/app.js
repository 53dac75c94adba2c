/** Puts the parts of the page together. What each does is told at the top of its own module. */

import { Certainty } from "../ranking/certainty.js";
import { Connection } from "../ranking/connection.js";
import { Deck } from "../deck/deck.js";
import { find } from "./dom.js";
import { watchKeys } from "./keys.js";
import { Outbox } from "../deck/outbox.js";
import { Panel } from "../ranking/panel.js";
import { Ranking } from "../ranking/ranking.js";
import { showSpeaker } from "../ranking/active-model.js";
import { offerSharing } from "../raters/sharing.js";
import { welcome } from "../deck/welcome.js";
import { offerHelp, offerLanguage, offerTheme } from "./settings.js";
import { Tabs } from "./tabs.js";
import { say, urls } from "./words.js";

const outbox = new Outbox();
const deck = new Deck(find("#cards"), outbox);
const ranking = new Ranking();
const connection = new Connection(urls.websocket, () => ranking.refresh());
const certainty = new Certainty();
const tabs = new Tabs();
new Panel(ranking);

const openHelp = offerHelp();
offerTheme();
offerLanguage();
offerSharing();
welcome(deck);
watchKeys({ answer: (value) => deck.answer(value, "key"), undo: () => deck.undo(), help: openHelp });

for (const button of document.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", () => deck.answer(/** @type {HTMLElement} */ (button).dataset.answer, "button"));
}
for (const button of document.querySelectorAll("[data-undo]")) button.addEventListener("click", () => deck.undo());

let rankedBefore = false;
ranking.addEventListener("moved", () => {
  certainty.show(ranking.accuracy, ranking.ratingsSeq, deck.answered);
  showSpeaker(ranking.speaker);
  if (rankedBefore) tabs.ranked();
  rankedBefore = true;
});

connection.addEventListener("message", (event) => {
  const { message, snapshot } = /** @type {CustomEvent} */ (event).detail;
  ranking.receive(message, snapshot);
});
connection.addEventListener("state", (event) => {
  const state = /** @type {CustomEvent} */ (event).detail;
  document.documentElement.dataset.connection = state;
  find("#connection-text").textContent = say(`connection_${state}`);
});

const tally = ({ detail }) => {
  find("#tally").textContent = detail.answered ? say("answered", { n: detail.answered }) : "";
  for (const button of document.querySelectorAll("[data-undo]")) button.toggleAttribute("disabled", detail.answered === 0);
  certainty.show(ranking.accuracy, ranking.ratingsSeq, detail.answered);
};
deck.addEventListener("photos", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  tally({ detail });
  const looking = find("#looking");
  looking.hidden = detail.described >= detail.total;
  ranking.total = Math.max(ranking.total, detail.described);
  looking.textContent = looking.hidden ? "" : say("described_of", detail);
});
deck.addEventListener("answered", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  tally({ detail });
  showLast(detail.value);
});
deck.addEventListener("undone", (event) => {
  tally(/** @type {any} */ (event));
  showLast(null);
});

/** @param {string | null} value */
function showLast(value) {
  const line = find("#last-answer");
  line.dataset.value = value ?? "";
  find("#last-answer-text").textContent = say(value ? `last_${value}` : "undone");
  line.toggleAttribute("data-shown", true);
  find("#last-answer [data-undo]").hidden = value === null;
}

outbox.addEventListener("change", (event) => showWaiting(/** @type {CustomEvent} */ (event).detail));
outbox.addEventListener("accepted", () => connection.nudge());
// A save that is on its way for a moment is no news; one that stays is.
let waitingTimer = 0;
/** @param {number} waiting */
function showWaiting(waiting) {
  clearTimeout(waitingTimer);
  const chip = find("#saves");
  find("#saves-text").textContent = waiting ? say("saves_waiting", { n: waiting }) : "";
  if (!waiting) chip.hidden = true;
  else if (chip.hidden) waitingTimer = setTimeout(() => (chip.hidden = false), 900);
}

connection.open();
outbox.drain();
deck.open();
