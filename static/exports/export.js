/** Progress of a model export: asks for its state until it is finished. */

const EVERY_MS = 1500;

/** @typedef {{sentence: string, finished: boolean, done: number, problems: {rater: string, detail: string}[]}} State */

/** @param {string} name @returns {HTMLElement} */
const part = (name) => /** @type {HTMLElement} */ (document.getElementById(`export-${name}`));

/** @param {State} state */
function show(state) {
  // A status that is written again is announced again, so it only changes with its text.
  if (part("sentence").textContent !== state.sentence) part("sentence").textContent = state.sentence;
  /** @type {HTMLProgressElement} */ (part("progress")).value = state.done;
  part("problems").hidden = !state.problems.length;
  part("problem-list").replaceChildren(...state.problems.map(asItem));
}

/** @param {State["problems"][number]} problem */
function asItem({ rater, detail }) {
  const item = document.createElement("li");
  const id = document.createElement("code");
  id.textContent = rater;
  item.append(id, ` ${detail}`);
  return item;
}

/** @param {string} address of the state */
async function follow(address) {
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" } });
    // Signed out, or the export is deleted: the page itself says which.
    if (response.redirected || response.status === 404) {
      location.reload();
      return;
    }
    if (!response.ok) throw new Error(String(response.status));
    const state = /** @type {State} */ (await response.json());
    if (state.finished) {
      location.reload(); // the page carries the link
      return;
    }
    show(state);
  } catch {
    // The server cannot be reached at the moment: the next request follows.
  }
  setTimeout(() => follow(address), EVERY_MS);
}

const page = document.getElementById("export");
const address = page?.dataset.state;
if (address && page.dataset.finished === "no") setTimeout(() => follow(address), EVERY_MS);
