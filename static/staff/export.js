/** The page of an export follows what the workers do, until it is finished. */

const EVERY_MS = 1500;
const page = document.getElementById("export");
const find = (/** @type {string} */ id) => document.getElementById(`export-${id}`);

/** @param {{sentence: string, finished: boolean, done: number}} state */
function show(state) {
  find("sentence").textContent = state.sentence;
  /** @type {HTMLProgressElement} */ (find("progress")).value = state.done;
}

async function follow() {
  try {
    const answer = await fetch(page.dataset.state, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const state = await answer.json();
    if (state.finished) return location.reload(); // the link, and what could not be made, come with the page
    show(state);
  } catch {
    // The server is away for a moment, or the session has ended: the next try, or a reload by hand, tells.
  }
  setTimeout(follow, EVERY_MS);
}

if (page?.dataset.finished === "no") setTimeout(follow, EVERY_MS);
