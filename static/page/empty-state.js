/**
 * What a part of the page shows where it has nothing else to show: a heading, a sentence, and the one thing to do next.
 * `templates/page/empty-state.html` is the same for whole pages, such as "not found".
 */

import { announce, element, find, icon } from "./dom.js";
import { say } from "./words.js";

/** For this long a button says that it tries: most failures come back too fast to be seen. */
const TRYING_MS = 1000;

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {() => void} run
 *
 * @typedef {object} EmptyState
 * @property {string} name a state is drawn anew, and announced, when its name changes
 * @property {string} icon
 * @property {string} title
 * @property {string} text
 * @property {Node | null} [picture] in place of the icon
 * @property {string} [command] for a terminal
 * @property {{ready: number, total: number}} [progress] of photos
 * @property {Action} [action]
 * @property {"h2" | "h3"} [heading]
 */

/**
 * Shows a state in its place, or brings it up to date without touching what has the focus.
 * @param {HTMLElement} place
 * @param {EmptyState} state
 * @param {{quiet?: boolean}} [options] `quiet`: another part of the page announces it
 */
export function showEmptyState(place, state, { quiet = false } = {}) {
  const isNew = place.dataset.notice !== state.name;
  place.dataset.notice = state.name;
  place.hidden = false;
  if (isNew) place.replaceChildren(build(state));
  const count = state.progress ? say("ready_of", state.progress) : "";
  find(".empty-title", place).textContent = state.title;
  find(".empty-text", place).textContent = state.text;
  if (state.progress) {
    const bar = /** @type {HTMLProgressElement} */ (find("progress", place));
    bar.max = state.progress.total;
    bar.value = state.progress.ready;
    find(".empty-count", place).textContent = count;
  }
  if (isNew && !quiet) announce([`${state.title}.`, state.text, count].filter(Boolean).join(" "));
}

/** @param {HTMLElement} place */
export function clearEmptyState(place) {
  place.hidden = true;
  delete place.dataset.notice;
}

/** The action of every state that may end by asking the server again. @param {() => void} run @returns {Action} */
export const tryAgain = (run) => ({ label: say("try_again"), run });

/** @param {Action} action @param {string} look class of the button */
export function actionButton({ label, run }, look = "button") {
  const button = element("button", { class: look, type: "button", text: label });
  button.addEventListener("click", () => {
    if (label === say("try_again")) {
      button.textContent = say("trying");
      announce(say("trying"));
      setTimeout(() => (button.textContent = label), TRYING_MS);
    }
    run();
  });
  return button;
}

/** @param {EmptyState} state */
function build({ icon: name, title, picture, command, progress, action, heading = "h2" }) {
  return element(
    "div",
    { class: "empty-state" },
    picture ?? element("div", { class: "empty-mark" }, icon(name)),
    element(heading, { class: "empty-title" }),
    element("p", { class: "empty-text" }),
    ...(command ? [element("code", { class: "empty-command", text: command })] : []),
    ...(progress ? [element("progress", { "aria-label": title }), element("p", { class: "empty-count" })] : []),
    ...(action ? [actionButton(action)] : []),
  );
}
