/** Entry point of the bin: deleted photos, to be brought back, or deleted for good. */

import { asProblem } from "../page/api.js";
import { find, findAs, onDetail } from "../page/dom.js";
import { toast } from "../page/toast.js";
import { say } from "../page/words.js";
import { Grid } from "./grid.js";
import { fetchBin, purgePhotos, restorePhotos } from "./photos.js";

/** Photos that one request may name: a fuller bin is emptied in several steps. */
const MOST_AT_ONCE = 5000;

const grid = new Grid(find("#grid"));
const explain = (/** @type {unknown} */ cause) => toast(asProblem(cause).message);

/** @param {import("./photos.js").Photo[]} photos */
function draw(photos) {
  find("#album-count").textContent = photos.length ? say("photo_count", { n: photos.length }) : "";
  find("#album-empty").hidden = photos.length > 0;
  find("#bin-empty").hidden = !photos.length;
  grid.show(photos);
}

/** @param {number[]} ids @param {(ids: number[]) => Promise<{count: number}>} send @param {"restored" | "purged"} sentence */
async function takeOut(ids, send, sentence) {
  const { count } = await send(ids);
  draw(grid.photos.filter(({ id }) => !ids.includes(id)));
  grid.clearSelection();
  toast(say(sentence, { n: count }));
}

onDetail(grid, "selection", (count) => {
  find("#selection").hidden = count === 0;
  find("#selection-count").textContent = count ? say("selected", { n: count }) : "";
});
onDetail(grid, "open", (place) => grid.toggle(place));
find("[data-act=restore]").addEventListener("click", () => takeOut(grid.chosen, restorePhotos, "restored").catch(explain));
const purge = findAs(HTMLDialogElement, "#purge");
/** What the question is about. @type {number[]} */ let asked = [];
/** @param {number[]} ids */
function askToPurge(ids) {
  asked = ids;
  purge.returnValue = "";
  purge.showModal();
}
find("[data-act=purge]").addEventListener("click", () => askToPurge(grid.chosen));
find("#bin-empty").addEventListener("click", () => askToPurge(grid.photos.slice(0, MOST_AT_ONCE).map(({ id }) => id)));
purge.addEventListener("close", () => purge.returnValue === "yes" && takeOut(asked, purgePhotos, "purged").catch(explain));
find("[data-act=clear]").addEventListener("click", () => grid.clearSelection());
fetchBin().then(({ photos }) => draw(photos), explain);
