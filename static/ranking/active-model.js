/** Which model orders the photos: the instant model, or the exact model where it predicts this rater better; or the date, without any score. */

import { find } from "../page/dom.js";
import { say } from "../page/words.js";

/** @param {import("../page/api.js").ActiveModel | null} activeModel */
export function showActiveModel(activeModel) {
  const line = find("#active-model");
  if (activeModel === null || activeModel.name === "generic") {
    delete line.dataset.model; // the line keeps its place, so that nothing jumps when it appears
    return;
  }
  line.dataset.model = activeModel.name;
  find("#active-model-text").textContent = sentence(activeModel);
}

/** @param {import("../page/api.js").ActiveModel} activeModel */
function sentence({ name, comparison }) {
  if (name === "date") return say("model_date");
  if (!comparison) return say("model_instant");
  return name === "exact" ? say("model_exact") : say("model_compared");
}
