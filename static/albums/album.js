/** Entry point of the page of an album: its grid, in one's own order or the best of it; ratings by hand; what is selected. */

import { newId } from "../page/ids.js";
import { asProblem, sendUndo } from "../page/api.js";
import { announce, element, find, findAs, onDetail } from "../page/dom.js";
import { toast } from "../page/toast.js";
import { album, rater, say, urls } from "../page/words.js";
import { Connection } from "../ranking/connection.js";
import { Decide } from "./decide.js";
import { Grid } from "./grid.js";
import { Lightbox, VALUE_OF_KEY } from "./lightbox.js";
import {
  PICKED,
  REJECTED,
  addPhotos,
  binPhotos,
  changeAlbum,
  deleteAlbum,
  fetchAlbums,
  fetchBest,
  fetchGrid,
  fetchOpinions,
  removePhotos,
  sendPicked,
} from "./photos.js";

/**
 * @typedef {import("./photos.js").Photo} Photo
 * @typedef {import("./photos.js").Value} Value
 */

/** Scores are fetched this long after the last push, and not at each swipe. */
const CALM_MS = 350;
const STORED_SORT = "pav-album-sort";
/** For this long after a rating by hand photos keep their places, so that the next one stays where it was. */
const KEEP_MS = 6000;
/** Between two tries to load the photos at first; doubled each time. */
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30000;

/** @type {Map<number, Photo>} */ let photos = new Map();
/** @type {number[][]} */ let stacks = [];
let bestAsked = 0; // how often
let revision = -1;
let version = -1;
let isBest = false;
let calm = 0;
let keepUntil = 0;
/** Ratings on their way: opinions that are fetched meanwhile may not have them. */ let sending = 0;
/** Resolves once they are stored: they are sent in the order in which they were given. */ let stored = Promise.resolve();
/** What was rated on this page, the last one last: what undo names. @type {string[]} */ let rated = [];

const grid = new Grid(find("#grid"));
const lightbox = new Lightbox((score) => grid.share(score));
const decide = new Decide();
const sort = findAs(HTMLSelectElement, "#album-sort");
const sliders = ["count", "fold", "variety"].map((name) => findAs(HTMLInputElement, `#best-${name}`));

const byScore = (/** @type {Photo} */ a, /** @type {Photo} */ b) => (b.score ?? -Infinity) - (a.score ?? -Infinity) || a.id - b.id;
const when = (/** @type {Photo} */ photo) => photo.taken ?? photo.added;
/** @type {Record<string, (a: Photo, b: Photo) => number>} */
const ORDERS = {
  score: byScore,
  date: (a, b) => when(a) - when(b) || a.id - b.id,
  unrated: (a, b) => Number(a.value !== null) - Number(b.value !== null) || byScore(a, b),
};

/** An order in which photos stay where they are, while somebody rates them by hand; new ones come last. */
function keepingPlaces() {
  if (performance.now() > keepUntil && !lightbox.isOpen && !grid.selected.size) return null;
  const places = new Map(grid.photos.map(({ id }, place) => [id, place]));
  return (/** @type {Photo} */ a, /** @type {Photo} */ b) =>
    (places.get(a.id) ?? places.size) - (places.get(b.id) ?? places.size) || byScore(a, b);
}

function draw() {
  const all = [...photos.values()];
  find("#album-count").textContent = all.length ? say("photo_count", { n: all.length }) : "";
  find("#best-tools").hidden = !isBest;
  find("#album-sort-label").hidden = isBest;
  find("#best-count-text").textContent = say("best_count", { n: Number(sliders[0].value) });
  const shown = isBest
    ? stacks.flatMap(([best, ...others]) =>
        photos.has(best) ? [{ .../** @type {Photo} */ (photos.get(best)), stack: others.length }] : [],
      )
    : all.sort(keepingPlaces() ?? ORDERS[sort.value]);
  find("#album-empty").hidden = isBest || all.length > 0;
  find("#best-empty").hidden = !isBest || shown.length > 0;
  grid.show(shown);
  lightbox.refresh();
}

/** Says why something failed. @param {unknown} cause */
function explain(cause) {
  const problem = asProblem(cause);
  toast(problem.kind === "offline" ? say("offline_here") : problem.message);
}

async function load() {
  const found = await fetchGrid();
  revision = found.revision;
  photos = new Map(found.photos.map((photo) => [photo.id, photo]));
  if (isBest) await loadBest();
  draw();
}

/** Tries until the photos are there: a server that is busy or starting answers later. */
async function loadFirst() {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await load();
    } catch (cause) {
      explain(cause);
      if (asProblem(cause).status === 404) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

async function loadBest() {
  const asked = (bestAsked += 1);
  const [count, fold, variety] = sliders.map((slider) => slider.value);
  const found = await fetchBest(count, fold, variety);
  if (asked === bestAsked) stacks = found; // else the answer to a later question has come, or will
}

/** Fetches what ratings have changed: scores, ratings given elsewhere, and the best of. */
async function catchUp() {
  const found = await fetchOpinions();
  if (found.revision !== revision) return load();
  if (isBest) await loadBest();
  if (sending) return catchUpSoon();
  found.ids.forEach((id, index) => {
    const photo = photos.get(id);
    if (photo) [photo.value, photo.score] = [found.values[index], found.scores[index]];
  });
  draw();
}

function catchUpSoon() {
  clearTimeout(calm);
  calm = setTimeout(() => catchUp().catch(explain), CALM_MS);
}

/**
 * Rates photos. They show it at once, and take it back where the server refuses it.
 * @param {number[]} ids @param {Value} value @param {string} modality
 */
async function rate(ids, value, modality) {
  const before = new Map(ids.map((id) => [id, photos.get(id)?.value ?? null]));
  for (const id of ids) setValue(id, value);
  keepUntil = performance.now() + KEEP_MS;
  draw();
  announce(say(`rated_${value}`));
  sending += 1;
  await (stored = stored.then(() => store(before, value, modality)));
  sending -= 1;
  if (connection.isDown) catchUpSoon();
}

/** @param {Map<number, Photo["value"]>} before photos with the ratings that they had @param {Value} value @param {string} modality */
async function store(before, value, modality) {
  let failed = null;
  for (const id of [...before.keys()]) {
    try {
      const { token } = await sendPicked(id, value, newId(), modality);
      rated = [...rated.filter((other) => other !== token), token];
      before.delete(id);
    } catch (cause) {
      failed = cause;
      if (asProblem(cause).status !== 404) break; // a photo that has gone does not stop the others
    }
  }
  if (!failed) return;
  for (const [id, old] of before) setValue(id, old);
  draw();
  explain(failed);
  if (asProblem(failed).status === 404) load().catch(() => {}); // it goes from the grid; the toast has said so
}

/** @param {number} id @param {Photo["value"]} value */
function setValue(id, value) {
  const photo = photos.get(id);
  if (photo) photo.value = value;
}

/** Takes back the last rating of this page, or else of this album. */
async function undo() {
  let token = null;
  try {
    await stored;
    token = rated.pop() ?? (await fetchOpinions()).last_rated;
    const card = token && (await sendUndo(newId(), token)).card;
    if (card) setValue(card.photo.id, null);
    draw();
    toast(say(token ? "unrated" : "nothing_to_undo"));
  } catch (cause) {
    if (asProblem(cause).status === 404) toast(say("nothing_to_undo"));
    else {
      if (token) rated.push(token); // it is not undone yet
      explain(cause);
    }
  }
}

/** @param {number[]} ids @param {(ids: number[]) => Promise<{count: number}>} send @param {"binned" | "removed"} sentence */
async function takeAway(ids, send, sentence) {
  try {
    const { count } = await send(ids);
    for (const id of ids) photos.delete(id);
    grid.clearSelection();
    draw();
    toast(say(sentence, { n: count }));
  } catch (cause) {
    explain(cause);
  }
}

/** Asks for another album, and adds photos to it. @param {number[]} ids */
async function addTo(ids) {
  try {
    const others = (await fetchAlbums()).filter(({ id }) => id !== album);
    const dialog = findAs(HTMLDialogElement, "#add");
    find("#add-albums").replaceChildren(
      ...others.map(({ id, name }) => element("button", { class: "album-quiet", type: "submit", value: id, text: name })),
    );
    find("#add-none").hidden = others.length > 0;
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    if (!dialog.returnValue) return;
    await addPhotos(dialog.returnValue, ids);
    grid.clearSelection();
    toast(say("added", { n: ids.length }));
  } catch (cause) {
    explain(cause);
  }
}

/** What the toolbar of selected photos does. @type {Record<string, (ids: number[]) => void>} */
const ACTS = {
  clear: () => grid.clearSelection(),
  pick: (ids) => rate(ids, PICKED, "button"),
  reject: (ids) => rate(ids, REJECTED, "button"),
  bin: (ids) => takeAway(ids, binPhotos, "binned"),
  remove: (ids) => takeAway(ids, removePhotos, "removed"),
  home: (ids) => document.dispatchEvent(new CustomEvent("take-home", { detail: ids })),
  add: addTo,
  cover: ([id]) => changeAlbum({ cover: id }).then(() => toast(say("cover_set")), explain),
};

/** @param {KeyboardEvent} event */
function keyed(event) {
  const key = event.key.toLowerCase();
  if (key === "z") undo();
  else if (key === "delete" && grid.chosen.length) ACTS.bin(grid.chosen);
  else if (key === "?") findAs(HTMLDialogElement, "#keys").showModal();
  else if (key in VALUE_OF_KEY && grid.chosen.length) {
    const one = grid.selected.size === 0;
    const place = grid.photos.findIndex(({ id }) => id === grid.chosen[0]);
    rate(grid.chosen, VALUE_OF_KEY[key], "key");
    if (one) grid.goTo(grid.photos.findIndex(({ id }) => id === grid.chosen[0]) === place ? place + 1 : place);
  } else return;
  event.preventDefault();
}

/** A stack opens side by side, any other photo in large. @param {number} place */
function open(place) {
  const stack = isBest ? stacks.find(([best]) => best === grid.photos[place].id) : undefined;
  const alike = stack?.flatMap((id) => photos.get(id) ?? []) ?? [];
  if (alike.length > 1) decide.open(alike);
  else
    lightbox.open(
      place,
      grid.photos.map(({ id }) => photos.get(id)).filter((photo) => photo !== undefined),
    );
}

onDetail(grid, "open", open);
onDetail(grid, "key", keyed);
onDetail(grid, "selection", (count) => {
  find("#selection").hidden = count === 0;
  find("#selection-count").textContent = count ? say("selected", { n: count }) : "";
  find("#selection [data-act=cover]").toggleAttribute("disabled", count !== 1);
});
for (const source of [lightbox, decide]) onDetail(source, "rate", ({ photo, value, modality }) => rate([photo], value, modality));
lightbox.addEventListener("undo", undo);
onDetail(lightbox, "closed", (place) => {
  grid.goTo(place);
  find("#grid").focus({ preventScroll: true });
});
decide.addEventListener("closed", () => {
  find("#grid").focus({ preventScroll: true });
  catchUpSoon();
});
for (const button of document.querySelectorAll("[data-act]")) {
  button.addEventListener("click", () => ACTS[button.getAttribute("data-act") ?? ""](grid.chosen));
}

sort.value = localStorage.getItem(STORED_SORT) ?? "score";
if (!sort.value) sort.value = "score";
sort.addEventListener("change", () => {
  localStorage.setItem(STORED_SORT, sort.value);
  keepUntil = 0;
  draw();
});
for (const radio of document.querySelectorAll("[name=view]")) {
  radio.addEventListener("change", async () => {
    isBest = /** @type {HTMLInputElement} */ (radio).value === "best";
    grid.clearSelection();
    keepUntil = 0;
    draw();
    if (isBest) await loadBest().then(draw, explain);
  });
}
for (const slider of sliders) {
  slider.addEventListener("input", () => {
    find("#best-count-text").textContent = say("best_count", { n: Number(sliders[0].value) });
    catchUpSoon();
  });
}

/** @param {string} name of a dialog @param {() => void} confirmed */
function ask(name, confirmed) {
  const dialog = findAs(HTMLDialogElement, `#${name}`);
  find(`#album-${name}`).addEventListener("click", () => {
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && confirmed());
}
ask("rename", () => {
  const name = findAs(HTMLInputElement, "#rename-name").value;
  const keeps_originals = findAs(HTMLInputElement, "#rename-originals").checked;
  changeAlbum({ name, keeps_originals }).then((changed) => {
    find("#album-title").textContent = changed.name;
    toast(say("changed"));
  }, explain);
});
ask("delete", () => {
  deleteAlbum().then(() => location.assign("/albums/"), explain);
});
find("#keys-open").addEventListener("click", () => findAs(HTMLDialogElement, "#keys").showModal());

const connection = new Connection(urls.websocket, catchUp);
onDetail(connection, "rater", (id) => id !== rater && location.reload());
onDetail(connection, "message", ({ message }) => {
  const isNew = message.version !== version || message.revision !== revision;
  version = message.version;
  if (isNew && photos.size + message.total > 0) catchUpSoon();
});
document.addEventListener("photos-arrived", catchUpSoon);
loadFirst().then(() => connection.open());
