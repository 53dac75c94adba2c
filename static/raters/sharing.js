/** Consent to share ratings: opt in or out. */

import { asProblem, shareRatings } from "../page/api.js";
import { find, findAs } from "../page/dom.js";
import { say } from "../page/words.js";

/** The box shows what the server has stored, also after a failure. */
export function offerSharing() {
  const choice = findAs(HTMLInputElement, "#share-ratings");
  const status = find("#share-ratings-status");
  choice.addEventListener("change", async () => {
    const wanted = choice.checked;
    choice.disabled = true;
    try {
      choice.checked = (await shareRatings(wanted)).shares_ratings;
      status.textContent = choice.checked ? say("sharing_on") : say("sharing_off");
    } catch (cause) {
      const problem = asProblem(cause);
      choice.checked = !wanted;
      status.textContent = problem.kind === "offline" ? say("sharing_offline") : problem.message;
    } finally {
      choice.disabled = false;
      choice.focus();
    }
  });
}
