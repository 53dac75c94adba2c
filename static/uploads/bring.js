/** The part of an album's page that photos are brought by: drop, picker, camera, paste; progress, pause, and what was left out. */

import { asProblem, request } from "../page/api.js";
import { announce, element, find, findAs } from "../page/dom.js";
import { toast } from "../page/toast.js";
import { addPhrases, album, say } from "../page/words.js";
import { fromPicker, fromTransfer } from "./dropped.js";
import { Sending } from "./sending.js";
import { isSidecar, readSidecars, sendStars, starsWait } from "./sidecars.js";

/** @typedef {import("../page/api-types.d.ts").components["schemas"]} Schemas */

const POLL_MS = 1500;
const SHOWN_NAMES = 20;

addPhrases(findAs(HTMLTemplateElement, "#bring-words"));

const sending = new Sending();
const panel = find("#bring");
const progress = findAs(HTMLProgressElement, "#bring-progress");
const pauseButton = findAs(HTMLButtonElement, "#bring-pause");
const problems = find("#bring-problems");

/** What the server knows of this album's files. @type {Schemas["UploadsOut"] | null} */
let atServer = null;
let arrivedBefore = 0;
let refusedBefore = 0;
let polling = 0;
let asked = 0;
let lastSentence = "";

/** @param {import("./dropped.js").Found[]} found */
async function bring(found) {
  const photos = found.filter((each) => !isSidecar(each));
  await readSidecars(found.filter(isSidecar));
  if (photos.length) sending.add(photos);
  else if (found.length) follow();
  else toast(say("bring_nothing"));
}

/** @param {string} state */
const count = (state) => sending.items.filter((item) => item.state === state).length;

function sentence() {
  const sent = count("sent");
  const known = count("known");
  const total = sending.items.length - count("failed") - known;
  if (sending.paused) return say("bring_paused", { sent, total });
  if (sending.lost && sending.isBusy) return say(navigator.onLine ? "bring_unreachable" : "bring_offline", { sent, total });
  if (sending.isBusy) return count("sending") || sent ? say("bring_sending", { sent, total }) : say("bring_looking");
  const unheard = Math.max(0, sent - arrivedBefore); // sent since the server was asked
  if (atServer?.waiting || unheard) {
    return (atServer?.is_read ?? true) ? say("bring_reading", { n: Math.max(atServer?.waiting ?? 0, unheard) }) : say("bring_unread");
  }
  const here = sent - Math.max(0, (atServer?.refused_count ?? 0) - refusedBefore);
  const parts = [here > 0 && say("bring_done", { n: here }), known && say("bring_known", { n: known })];
  return parts.filter(Boolean).join(" ");
}

/** Reasons with the names of the files that they left out: of this page, and those that the server has refused. */
function leftOut() {
  /** @type {Map<string, string[]>} */ const names = new Map();
  const note = (/** @type {string} */ why, /** @type {string} */ name) => {
    const known = names.get(why);
    if (known) known.push(name);
    else names.set(why, [name]);
  };
  for (const item of sending.items) if (item.state === "failed") note(item.problem, item.path);
  for (const { sentence: why, name } of atServer?.refused ?? []) note(why, name);
  return names;
}

/** @param {string} why @param {string[]} names */
function reason(why, names) {
  const shown = names.slice(0, SHOWN_NAMES).map((name) => element("li", {}, element("bdi", { text: name })));
  if (names.length > SHOWN_NAMES) shown.push(element("li", { text: say("bring_more", { n: names.length - SHOWN_NAMES }) }));
  return element(
    "details",
    { class: "bring-reason" },
    element("summary", {}, element("b", { text: say("bring_files", { n: names.length }) }), ` ${why}`),
    element("ul", {}, ...shown),
  );
}

let scheduled = false;

/** Draws at most once a frame: progress comes for every piece of every file. */
function draw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const busy = sending.isBusy;
    const live = sending.items.filter(({ state }) => state !== "failed" && state !== "known");
    progress.max = Math.max(
      1,
      live.reduce((sum, { file }) => sum + file.size, 0),
    );
    progress.value = live.reduce((sum, { sent }) => sum + sent, 0);
    progress.hidden = !busy;
    pauseButton.hidden = !busy;
    pauseButton.textContent = say(sending.paused ? "bring_resume" : "bring_pause");
    const text = sentence();
    find("#bring-sentence").textContent = text;
    find("#bring-state").hidden = !text;
    if (text !== lastSentence && !busy) announce(text);
    lastSentence = text;
    drawFiles();
    drawProblems();
    panel.dataset.busy = busy || atServer?.waiting ? "yes" : "no";
    if (!polling && (busy || count("sent") > arrivedBefore || starsWait())) polling = setTimeout(follow, busy ? POLL_MS : 0);
  });
}

/** The files on their way, each with its own bar. */
function drawFiles() {
  const list = find("#bring-files");
  const active = sending.items.filter(({ state }) => state === "sending");
  while (list.children.length > active.length) list.lastElementChild?.remove();
  while (list.children.length < active.length) list.append(element("li", {}, element("bdi"), element("progress", { max: 1 })));
  active.forEach(({ path, sent, file }, place) => {
    const bar = /** @type {HTMLProgressElement} */ (find("progress", list.children[place]));
    find("bdi", list.children[place]).textContent = path;
    bar.value = sent / file.size;
    bar.setAttribute("aria-label", path);
  });
}

let drawnProblems = "";

function drawProblems() {
  const found = leftOut();
  const drawn = JSON.stringify([...found]);
  if (drawn === drawnProblems) return;
  drawnProblems = drawn;
  problems.hidden = !found.size;
  find("#bring-reasons").replaceChildren(...[...found].map(([why, names]) => reason(why, names)));
  find("#bring-retry").hidden = !sending.items.some(({ state, canRetry }) => state === "failed" && canRetry);
}

/** Asks the server how far it is, until every file is a photo or refused. */
async function follow() {
  clearTimeout(polling);
  const mine = (asked += 1);
  try {
    const before = atServer?.waiting;
    const sent = count("sent");
    const found = await request("GET", `/api/v1/uploads?album=${album}`);
    if (mine !== asked) return; // a later answer counts
    atServer = /** @type {Schemas["UploadsOut"]} */ (found);
    if (before === undefined) refusedBefore = atServer.refused_count;
    const starsCame = !atServer.waiting && !sending.isBusy && (await sendStars());
    if (before !== atServer.waiting || sent !== arrivedBefore || starsCame) document.dispatchEvent(new CustomEvent("photos-arrived"));
    arrivedBefore = sent;
    showRoom();
  } catch (error) {
    if (asProblem(error).kind === "refused") return;
  }
  draw();
  polling = !atServer || atServer.waiting || sending.isBusy ? setTimeout(follow, POLL_MS) : 0;
}

function showRoom() {
  if (!atServer) return;
  const { room } = atServer;
  const note = find("#bring-room");
  note.hidden = !room.is_guest;
  if (!room.is_guest) return;
  const left = Math.max(0, room.most_photos - room.photos);
  find("#bring-room-text").textContent = [
    say("bring_room", { n: left, most: room.most_photos }),
    room.deleted_on ? say("bring_deleted_on", { date: new Date(room.deleted_on).toLocaleDateString(document.documentElement.lang) }) : "",
  ]
    .filter(Boolean)
    .join(" ");
}

for (const input of panel.querySelectorAll("input[type=file]")) {
  const chosen = /** @type {HTMLInputElement} */ (input);
  const take = () => {
    bring(fromPicker(chosen.files ?? []));
    chosen.value = ""; // so that the same folder can be chosen again
  };
  input.addEventListener("change", take);
  if (chosen.files?.length) take(); // chosen before this script came
}
for (const button of panel.querySelectorAll("[data-opens]")) {
  button.addEventListener("click", () => find(`#${button.getAttribute("data-opens")}`).click());
}
pauseButton.addEventListener("click", () => (sending.paused ? sending.resume() : sending.pause()));
find("#bring-retry").addEventListener("click", () => sending.retry());
find("#bring-dismiss").addEventListener("click", async () => {
  sending.clear();
  try {
    await request("DELETE", `/api/v1/uploads?album=${album}`);
    refusedBefore = 0;
    await follow();
  } catch (error) {
    toast(asProblem(error).message);
  }
  draw();
});

let depth = 0;
/** @param {DragEvent} event */
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  depth += 1;
  document.documentElement.dataset.dropping = "yes";
});
addEventListener("dragleave", (event) => {
  if (!hasFiles(event)) return;
  depth = Math.max(0, depth - 1);
  if (!depth) delete document.documentElement.dataset.dropping;
});
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("drop", async (event) => {
  depth = 0;
  delete document.documentElement.dataset.dropping;
  if (!hasFiles(event) || !event.dataTransfer) return;
  event.preventDefault();
  bring(await fromTransfer(event.dataTransfer));
});
addEventListener("paste", async (event) => {
  if (event.clipboardData?.files.length) bring(await fromTransfer(event.clipboardData));
});
addEventListener("beforeunload", (event) => sending.isBusy && event.preventDefault());
sending.addEventListener("change", draw);

follow();
