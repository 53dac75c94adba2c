/** Which model ranks: the instant one, which follows every answer, or the exact one, where it knows somebody better. */

import { find } from "../page/dom.js";
import { say, share } from "../page/words.js";

/** @param {import("../page/api.js").Speaker | null} speaker */
export function showSpeaker(speaker) {
  const line = find("#speaker");
  if (speaker === null || speaker.model === "generic") {
    delete line.dataset.model; // its place is kept, so that nothing jumps when it appears
    return;
  }
  line.dataset.model = speaker.model;
  find("#speaker-text").textContent = sentence(speaker);
}

/** @param {import("../page/api.js").Speaker} speaker */
function sentence({ model, checked }) {
  if (!checked) return say("speaker_instant");
  const values = { exact: share(checked.exact), instant: share(checked.instant) };
  return model === "exact" ? say("speaker_exact", values) : say("speaker_checked", values);
}
