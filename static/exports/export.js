/** The page of an export follows what the workers do, until it is finished. */

const EVERY_MS = 1500;
const page = document.getElementById("export");
const find = (/** @type {string} */ id) => document.getElementById(`export-${id}`);

/** @typedef {{sentence: string, finished: boolean, done: number, problems: {person: string, detail: string}[]}} State */

/** @param {State} state */
function show(state) {
  if (find("sentence").textContent !== state.sentence) find("sentence").textContent = state.sentence; // said aloud when it changes
  /** @type {HTMLProgressElement} */ (find("progress")).value = state.done;
  find("problems").hidden = !state.problems.length;
  find("problem-list").replaceChildren(...state.problems.map(asItem));
}

/** @param {{person: string, detail: string}} problem */
function asItem({ person, detail }) {
  const item = document.createElement("li");
  const who = document.createElement("code");
  who.textContent = person;
  item.append(who, ` ${detail}`);
  return item;
}

async function follow() {
  try {
    const answer = await fetch(page.dataset.state, { headers: { Accept: "application/json" } });
    // Signed out, or deleted: the page itself says which.
    if (answer.redirected || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const state = /** @type {State} */ (await answer.json());
    if (state.finished) return location.reload(); // the link comes with the page
    show(state);
  } catch {
    // The server is away for a moment: the next try, or a reload by hand, tells.
  }
  setTimeout(follow, EVERY_MS);
}

if (page?.dataset.finished === "no") setTimeout(follow, EVERY_MS);
