/** Entry point: puts the parts of the page together. */

import { sendBeforeLeaving } from "../accounts/leaving.js";
import { showLostConnection } from "../deck/lost-connection.js";
import { deck, firstPhoto, outbox } from "../deck/start.js";
import { welcome } from "../deck/welcome.js";
import { offerSharing } from "../raters/sharing.js";
import { showActiveModel } from "../ranking/active-model.js";
import { Certainty, offerNumbers } from "../ranking/certainty.js";
import { Connection } from "../ranking/connection.js";
import { FirstRise } from "../ranking/first-rise.js";
import { Panel } from "../ranking/panel.js";
import { Ranking } from "../ranking/ranking.js";
import { Problem } from "./api.js";
import { find, onDetail } from "./dom.js";
import { watchKeys } from "./keys.js";
import { offerHelp, offerLanguage, offerTheme } from "./settings.js";
import { Tabs } from "./tabs.js";
import { rater, say, urls } from "./words.js";

/** How long the ranking waits for the first photo. */
const FIRST_PHOTO_MS = 4000;
/** A rating that is sent within this time is not reported as waiting. */
const UNSYNCED_AFTER_MS = 900;

const ranking = new Ranking();
const connection = new Connection(urls.websocket, () => ranking.refresh());
const certainty = new Certainty();
const tabs = new Tabs();
const panel = new Panel(ranking);
const firstRise = new FirstRise(ranking, rater);
const openHelp = offerHelp();

offerTheme();
offerLanguage();
offerNumbers();
offerSharing();
welcome(deck);
watchKeys({ rate: (value) => deck.rate(value, "key"), undo: () => deck.undo(), help: openHelp });

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

function tryAgain() {
  connection.reconnect();
  outbox.drain();
  deck.refill();
}

// The next steps that a notice of the deck offers.
document.addEventListener("try-again", tryAgain);
document.addEventListener("see-help", openHelp);
document.addEventListener("see-ranking", () => {
  tabs.show("ranking");
  panel.focus();
});

// After a sign-in or sign-out, in this tab or another, the page loads anew. Waiting ratings stay in the outbox for their rater.
const openAnew = () => {
  outbox.asksBeforeLeaving = false;
  location.reload();
};
outbox.addEventListener("rater-changed", openAnew, { once: true });
onDetail(connection, "rater", (id) => id !== rater && openAnew());
sendBeforeLeaving(outbox);

onDetail(connection, "message", ({ message, snapshot }) => {
  ranking.receive(message, snapshot);
  deck.rankedUpTo(message.ratings_seq, message.revision);
});
onDetail(connection, "state", (state) => {
  document.documentElement.dataset.connection = state;
  find("#connection-text").textContent = say(`connection_${state === "unreachable" ? "reconnecting" : state}`);
  showLostConnection(state, tryAgain);
  if (state === "live") outbox.drain();
  if (state === "live" && find("#deck-panel").matches("[data-empty]")) deck.refill();
  if ((state === "offline" || state === "unreachable") && ranking.version < 0) panel.explain(new Problem("offline", say("offline")));
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
  if (ranking.version >= 0 && ready > ranking.total) ranking.refresh().catch(() => {}); // the next count asks again
});
onDetail(deck, "rated", ({ photo, value, ratedCount }) => {
  firstRise.rated(photo, ratedCount);
  showRatedCount(ratedCount);
  showLastRating(value);
});
onDetail(deck, "undone", ({ ratedCount }) => {
  firstRise.undone(ratedCount);
  showRatedCount(ratedCount);
  showLastRating(null);
});

let unsyncedTimer = 0;
/** @param {number} waiting */
function showWaiting(waiting) {
  clearTimeout(unsyncedTimer);
  const chip = find("#unsynced");
  find("#unsynced-text").textContent = waiting ? say("waiting_to_sync", { n: waiting }) : "";
  if (!waiting) chip.hidden = true;
  else if (chip.hidden) unsyncedTimer = setTimeout(() => (chip.hidden = false), UNSYNCED_AFTER_MS);
}
onDetail(outbox, "change", showWaiting);
onDetail(outbox, "accepted", ({ reply }) => {
  connection.pollSoon();
  firstRise.stored(deck.ratedCount - outbox.waiting, reply.ratings_seq);
});
panel.addEventListener("drawn", () => firstRise.look());
tabs.addEventListener("shown", () => firstRise.look());

document.documentElement.toggleAttribute("data-started", true);
// The deck has started before this module.
deck.report();
showWaiting(outbox.waiting);
// The photo in view comes first, then the ranking and its photos.
Promise.race([firstPhoto, new Promise((resolve) => setTimeout(resolve, FIRST_PHOTO_MS))]).finally(() => connection.open());
