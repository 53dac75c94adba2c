/** Consent to share ratings: opt in or out. */

import { shareAnswers } from "../page/api.js";
import { find } from "../page/dom.js";
import { say } from "../page/words.js";

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
