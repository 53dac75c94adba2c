/** Entry point: puts the parts of the page together. */

import { Deck } from "../deck/deck.js";
import { Outbox } from "../deck/outbox.js";
import { welcome } from "../deck/welcome.js";
import { offerSharing } from "../raters/sharing.js";
import { showActiveModel } from "../ranking/active-model.js";
import { Certainty, offerNumbers } from "../ranking/certainty.js";
import { Connection } from "../ranking/connection.js";
import { Panel } from "../ranking/panel.js";
import { Ranking } from "../ranking/ranking.js";
import { find, onDetail } from "./dom.js";
import { watchKeys } from "./keys.js";
import { offerHelp, offerLanguage, offerTheme } from "./settings.js";
import { Tabs } from "./tabs.js";
import { say, urls } from "./words.js";

/** A rating that is sent within this time is not reported as waiting. */
const UNSYNCED_AFTER_MS = 900;

const outbox = new Outbox();
const deck = new Deck(find("#cards"), outbox);
const ranking = new Ranking();
const connection = new Connection(urls.websocket, () => ranking.refresh());
const certainty = new Certainty();
const tabs = new Tabs();
new Panel(ranking);

offerTheme();
offerLanguage();
offerNumbers();
offerSharing();
welcome(deck);
watchKeys({ rate: (value) => deck.rate(value, "key"), undo: () => deck.undo(), help: offerHelp() });

for (const button of document.querySelectorAll("[data-rate]")) {
  const value = /** @type {import("./api.js").RatingValue} */ (button.getAttribute("data-rate"));
  button.addEventListener("click", () => deck.rate(value, "button"));
}
const undoButtons = document.querySelectorAll("[data-undo]");
for (const button of undoButtons) button.addEventListener("click", () => deck.undo());

let rankedBefore = false;
ranking.addEventListener("moved", () => {
  certainty.show(ranking);
  showActiveModel(ranking.activeModel);
  if (rankedBefore) tabs.rankingMoved();
  rankedBefore = true;
});

onDetail(connection, "message", ({ message, snapshot }) => ranking.receive(message, snapshot));
onDetail(connection, "state", (state) => {
  document.documentElement.dataset.connection = state;
  find("#connection-text").textContent = say(`connection_${state}`);
});

/** @param {number} count */
function showRatedCount(count) {
  find("#rated-count").textContent = count ? say("rated_count", { n: count }) : "";
  for (const button of undoButtons) button.toggleAttribute("disabled", count === 0);
}

/** @param {import("./api.js").RatingValue | null} value null after an undo */
function showLastRating(value) {
  const line = find("#last-rating");
  find("#last-rating-text").textContent = value ? say(`last_${value}`) : say("undone");
  line.toggleAttribute("data-shown", true);
  find("#last-rating [data-undo]").hidden = value === null;
}

onDetail(deck, "photos", ({ ready, total, updated, ratedCount }) => {
  showRatedCount(ratedCount);
  const line = find("#preparing");
  line.hidden = ready >= total && updated === null;
  const sentence = ready < total ? say("ready_of", { ready, total }) : say("updated_of", { updated: updated ?? 0, total });
  line.textContent = line.hidden ? "" : sentence;
  ranking.total = Math.max(ranking.total, ready);
});
onDetail(deck, "rated", ({ value, ratedCount }) => {
  showRatedCount(ratedCount);
  showLastRating(value);
});
onDetail(deck, "undone", ({ ratedCount }) => {
  showRatedCount(ratedCount);
  showLastRating(null);
});

let unsyncedTimer = 0;
onDetail(outbox, "change", (/** @type {number} */ waiting) => {
  clearTimeout(unsyncedTimer);
  const chip = find("#unsynced");
  find("#unsynced-text").textContent = waiting ? say("waiting_to_sync", { n: waiting }) : "";
  if (!waiting) chip.hidden = true;
  else if (chip.hidden) unsyncedTimer = setTimeout(() => (chip.hidden = false), UNSYNCED_AFTER_MS);
});
outbox.addEventListener("accepted", () => connection.pollSoon());

connection.open();
outbox.drain();
deck.open();
