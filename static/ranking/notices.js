/** What the ranking shows where it has no photos: why, and what to do next. */

import { whyLost } from "../page/api.js";
import { find, keepFocus } from "../page/dom.js";
import { clearEmptyState, showEmptyState, tryAgain } from "../page/empty-state.js";
import { say } from "../page/words.js";

const ICONS = { nothing_ranked: "photo", offline: "offline", unreachable: "clock", error: "alert" };

/** @param {import("../page/api.js").Problem | null} problem why nothing came; null where there are no photos to rank @param {() => void} again */
export function showRankingNotice(problem, again) {
  const name = problem ? (problem.kind === "offline" ? whyLost() : "error") : "nothing_ranked";
  showEmptyState(
    find("#ranking-notice"),
    {
      name,
      icon: ICONS[name],
      title: say(`ranking_${name}_title`),
      text: name === "error" && problem ? problem.message : say(`ranking_${name}_text`),
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
