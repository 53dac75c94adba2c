/** Which model ranks: the instant one, which follows every answer, or the exact one, where it knows somebody better. */

import { find } from "./dom.js";
import { say, share } from "./words.js";

/** @param {import("./api.js").Speaker | null} speaker */
export function showSpeaker(speaker) {
  const line = find("#speaker");
  if (speaker === null || speaker.model === "generic") {
    delete line.dataset.model; // its place is kept, so that nothing jumps when it appears
    return;
  }
  line.dataset.model = speaker.model;
  const { checked } = speaker;
  const values = checked ? { exact: share(checked.exact), instant: share(checked.instant) } : {};
  const kept = checked ? "speaker_checked" : "speaker_instant";
  find("#speaker-text").textContent = speaker.model === "exact" ? say("speaker_exact", values) : say(kept, values);
}
