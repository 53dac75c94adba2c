/** A line below the photo while the connection is lost: that ratings are kept, and where it helps, a button to try again. */

import { announce, find, keepFocus } from "../page/dom.js";
import { actionButton, tryAgain } from "../page/empty-state.js";
import { say } from "../page/words.js";

/** @param {string} state of the connection @param {() => void} again */
export function showLostConnection(state, again) {
  const line = find("#deck-line");
  const isLost = state === "offline" || state === "unreachable";
  if (line.dataset.lost === (isLost ? state : undefined)) return;
  keepFocus(
    () => {
      if (isLost) line.dataset.lost = state;
      else delete line.dataset.lost;
      find("#lost-connection-title").textContent = isLost ? say(`${state}_title`) : "";
      find("#lost-connection-text").textContent = isLost ? say(`${state}_swipe_on`) : "";
      find("#lost-connection-action").replaceChildren(...(state === "unreachable" ? [actionButton(tryAgain(again), "link")] : []));
    },
    () => find("#cards"),
  );
  // Without photos the notice in their place says it.
  if (isLost && find("#lost-connection-text").checkVisibility()) announce(`${say(`${state}_title`)}. ${say(`${state}_swipe_on`)}`);
}
