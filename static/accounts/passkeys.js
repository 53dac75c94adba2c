/** What is said where a passkey does not work. The dialogue with the browser is allauth's own script. */

import { find } from "../page/dom.js";

/** How a browser reports that the rater closed its dialogue, or that there is no passkey for this site. */
const CANCELLED = ["NotAllowedError", "AbortError"];

export function explainPasskeys() {
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const place = find("#passkey-problem");
    const { exception } = /** @type {CustomEvent} */ (event).detail;
    place.textContent = (CANCELLED.includes(exception?.name) ? place.dataset.cancelled : place.dataset.failed) ?? "";
    place.hidden = false;
  });
}
