/** What the ranking shows where it has no photos: why, and what to do next. */

import { whyLost } from "../page/api.js";
import { find, keepFocus } from "../page/dom.js";
import { clearEmptyState, showEmptyState, tryAgain } from "../page/empty-state.js";
import { say } from "../page/words.js";

const ICONS = { nothing_ranked: "photo", offline: "offline", unreachable: "clock", error: "alert" };
/** Keys of sentences; while the connection is lost, of those that the deck shows. */
const TITLES = {
  nothing_ranked: "ranking_nothing_ranked_title",
  offline: "offline_title",
  unreachable: "unreachable_title",
  error: "ranking_error_title",
};
const TEXTS = { nothing_ranked: "ranking_nothing_ranked_text", offline: "ranking_offline_text", unreachable: "unreachable_text" };

/** @param {import("../page/api.js").Problem | null} problem why nothing came; null where there are no photos to rank @param {() => void} again */
export function showRankingNotice(problem, again) {
  const name = problem ? (problem.kind === "offline" ? whyLost() : "error") : "nothing_ranked";
  showEmptyState(
    find("#ranking-notice"),
    {
      name,
      icon: ICONS[name],
      title: say(TITLES[name]),
      text: name === "error" ? (problem?.message ?? "") : say(TEXTS[name]),
      action: name === "unreachable" || name === "error" ? tryAgain(again) : undefined,
      heading: "h3",
    },
    // On a wide screen the deck says it.
    { quiet: name !== "error" && find("#deck-panel").checkVisibility() },
  );
}

export function clearRankingNotice() {
  keepFocus(
    () => clearEmptyState(find("#ranking-notice")),
    () => find("[name=ranking-of]:checked"),
  );
}
