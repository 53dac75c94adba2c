/** The part of an album's page that photos are taken home by: what to pack, how far it is, the link, and stars that files brought along. */

import { asProblem, request } from "../page/api.js";
import { announce, find, findAs } from "../page/dom.js";
import { toast } from "../page/toast.js";
import { addPhrases, album, say } from "../page/words.js";

/** @typedef {import("../page/api-types.d.ts").components["schemas"]["DownloadOut"]} Download */

const POLL_MS = 1000;
const KEY = `pav-download-${album}`;

addPhrases(findAs(HTMLTemplateElement, "#home-words"));

const dialog = findAs(HTMLDialogElement, "#home");
const form = findAs(HTMLFormElement, "#home-form");
const bar = findAs(HTMLProgressElement, "#home-progress");
const link = findAs(HTMLAnchorElement, "#home-link");

/** Ids of the photos to pack; null: all of the album. @type {number[] | null} */
let chosen = null;
let timer = 0;

/** @param {number[] | null} photos */
function open(photos) {
  chosen = photos?.length ? photos : null;
  find("#home-what").textContent = chosen ? say("home_chosen", { n: chosen.length }) : say("home_all");
  dialog.showModal();
}

const shares = () => [...form.querySelectorAll("[data-stars]")].map((input) => Number(/** @type {HTMLInputElement} */ (input).value) || 0);

function checkShares() {
  const sum = shares().reduce((total, share) => total + share, 0);
  find("#home-sum").textContent = sum === 100 ? "" : say("home_sum", { sum });
  findAs(HTMLButtonElement, "#home-begin").disabled = sum !== 100;
}

async function begin() {
  const data = new FormData(form);
  const text = (/** @type {string} */ name) => String(data.get(name));
  const wanted = {
    album,
    photos: chosen,
    size: text("size"),
    stars: text("stars"),
    sidecar_names: text("sidecar_names"),
    shares: shares(),
    reject: data.has("reject"),
    label: data.has("label"),
    keywords: data.has("keywords"),
    without_place: data.has("without_place"),
    csv: data.has("csv"),
  };
  try {
    show(await request("POST", "/api/v1/downloads", wanted));
  } catch (error) {
    toast(asProblem(error).message);
  }
}

/** @param {Download} download */
function show(download) {
  clearTimeout(timer);
  const busy = download.state === "waiting" || download.state === "running";
  sessionStorage.setItem(KEY, download.id);
  find("#home-state").hidden = false;
  find("#home-sentence").textContent = download.sentence;
  bar.max = download.total;
  bar.value = download.done;
  bar.hidden = !busy;
  link.hidden = !download.link;
  link.href = download.link;
  find("#home-size").textContent = say("home_size", { megabytes: Math.max(1, Math.round(download.size_bytes / 1e6)) });
  find("#home-stop").textContent = say(busy ? "home_stop" : "home_delete");
  if (busy) timer = setTimeout(() => follow(download.id), POLL_MS);
  else announce(download.sentence);
}

/** @param {string} id */
async function follow(id) {
  try {
    show(await request("GET", `/api/v1/downloads/${id}`));
  } catch (error) {
    if (asProblem(error).kind === "refused") forget();
    else timer = setTimeout(() => follow(id), 5 * POLL_MS);
  }
}

function forget() {
  clearTimeout(timer);
  sessionStorage.removeItem(KEY);
  find("#home-state").hidden = true;
}

async function stop() {
  const id = sessionStorage.getItem(KEY);
  forget();
  if (id) await request("DELETE", `/api/v1/downloads/${id}`).catch(() => {});
}

/** Offers stars that files brought along as first ratings. */
async function offerStars() {
  try {
    const { love, like, dislike } = await request("GET", `/api/v1/uploads/stars?album=${album}`);
    const n = love + like + dislike;
    find("#stars").hidden = !n;
    if (n) find("#stars-text").textContent = say("stars_found", { n, love, like, dislike });
  } catch {
    // Offered the next time.
  }
}

async function takeStars() {
  try {
    const { love, like, dislike } = await request("POST", `/api/v1/uploads/stars?album=${album}`);
    toast(say("stars_taken", { n: love + like + dislike }));
    find("#stars").hidden = true;
    document.dispatchEvent(new CustomEvent("photos-arrived"));
  } catch (error) {
    toast(asProblem(error).message);
  }
}

find("#home-open").addEventListener("click", () => open(null));
document.addEventListener("take-home", (event) => open(/** @type {CustomEvent<number[]>} */ (event).detail));
form.addEventListener("input", checkShares);
dialog.addEventListener("close", () => dialog.returnValue === "yes" && begin());
find("#home-stop").addEventListener("click", stop);
find("#stars-take").addEventListener("click", takeStars);
find("#stars-leave").addEventListener("click", () => (find("#stars").hidden = true));
document.addEventListener("photos-arrived", offerStars);

const before = sessionStorage.getItem(KEY);
if (before) follow(before);
offerStars();
