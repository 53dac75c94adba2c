/** Entry point of the trial page: shows one photo after the other, takes an answer to each, and stores it before the next one comes. */

import { watchDrags } from "../deck/gestures.js";
import { announce, element, find, findAs } from "../page/dom.js";
import { newId } from "../page/ids.js";
import { Outbox } from "./outbox.js";
import { Recording } from "./recording.js";
import { post, Refused } from "./server.js";
import { forget, load } from "./stimulus.js";

/** @typedef {import("./stimulus.js").Trial} Trial */
/** @typedef {import("./recording.js").InputKind} InputKind */

/** @type {{slug: string, participant: string, step: string, words: Record<string, string>, scale: {drawn: string, values: {value: number, keys: string[]}[]}, minimum_ms: number, limit_ms: number | null, confirm: boolean, undo: boolean, skip: boolean}} */
const config = JSON.parse(find("#study-config").textContent ?? "");
const address = `/api/v1/studies/${config.slug}`;
const AHEAD = 3;
const LEFT_PAGE_MS = 1000; // until a page that was left has given its lock back
const TRY_PHOTO_AGAIN_MS = 5000;
const TAB = "pav-study-tab";
const SHORTCUTS = "pav-study-shortcuts";
const NOTICES = ["#break", "#elsewhere", "#fault", "#finished"];
/** @type {Record<string, number>} */
const DIRECTION_VALUES = { left: 1, right: 2, up: 3 };

const page = thisTab();
const outbox = new Outbox(config.participant);
const main = find("#trial");
const stage = find("#stage");
const buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll(".scale-value")]);
const undoButton = document.querySelector("#undo");
const skipButton = document.querySelector("#skip");
const confirmButton = document.querySelector("#confirm");
const shortcuts = findAs(HTMLInputElement, "#shortcuts");

/** The id of this tab: it stays the same over reloads. */
function thisTab() {
  const kept = sessionStorage.getItem(TAB) ?? newId();
  sessionStorage.setItem(TAB, kept);
  return kept;
}

/** Whether this is the only page of this browser that shows the study; a copied tab has the same id. @param {boolean} insists */
function isAlone(insists) {
  if (!navigator.locks || holdsLock) return Promise.resolve(true);
  return new Promise((resolve) => {
    // A page that was just left or reloaded gives its lock back a moment later.
    const options = insists ? { steal: true } : { signal: AbortSignal.timeout(LEFT_PAGE_MS) };
    const held = navigator.locks.request(`pav-study-page-${config.participant}`, options, () => {
      holdsLock = true;
      resolve(true);
      return new Promise(() => {}); // for as long as the page is open
    });
    held.catch(() => {
      if (holdsLock) showNotice("#elsewhere"); // another tab goes on there
      holdsLock = false;
      resolve(false);
    });
  });
}

let holdsLock = false; // that this is the only page
/** @type {Trial[]} */ let trials = [];
let total = 0;
let index = 0;
let recording = new Recording();
/** @type {HTMLImageElement | null} */ let image = null;
/** @type {number | null} */ let chosen = null;
let mayAnswer = false;
const timers = /** @type {number[]} */ ([]);

/** @param {string} key @param {Record<string, string | number>} [values] */
const say = (key, values = {}) => config.words[key].replace(/\{(\w+)\}/g, (_all, name) => String(values[name]));

/** Shows a notice in place of the trial. @param {string} selector */
function showNotice(selector) {
  mayAnswer = false;
  timers.forEach(clearTimeout);
  main.hidden = true;
  for (const one of NOTICES) find(one).hidden = one !== selector;
  find(selector).focus();
}

function showTrialAgain() {
  for (const one of NOTICES) find(one).hidden = true;
  main.hidden = false;
}

/** @param {string} [detail] */
function showFault(detail = "") {
  find("#fault-text").textContent = detail;
  findAs(HTMLInputElement, "#fault-note").value = detail;
  showNotice("#fault");
}

/** @param {boolean} on */
function enable(on) {
  mayAnswer = on;
  for (const button of buttons) button.disabled = !on;
  skipButton?.toggleAttribute("disabled", !on || trials[index]?.kind === "check");
  confirmButton?.toggleAttribute("disabled", !on || chosen === null);
  undoButton?.toggleAttribute("disabled", !on || index === 0);
}

/** @param {number | null} value */
function mark(value) {
  chosen = value;
  for (const button of buttons) button.setAttribute("aria-pressed", String(Number(button.dataset.value) === value));
}

function loadAhead() {
  for (const trial of trials.slice(index, index + AHEAD)) if (trial.photo) load(trial, altOf(trial)).catch(() => {});
}

/** @param {Trial} trial */
const altOf = (trial) => say("photo", { place: trial.number, total });

/** @param {Trial} trial @returns {Promise<HTMLElement>} */
async function contentOf(trial) {
  if (trial.kind === "check") return element("p", { class: "trial-check", text: trial.text });
  for (;;) {
    try {
      return await load(trial, altOf(trial));
    } catch {
      find("#loading").textContent = say("photo_failed");
      const now = performance.now();
      const body = { client_id: newId(), kind: "photo_failed", place: trial.place, started_ms: now, ended_ms: now };
      await outbox.put(`${address}/events`, body);
      await new Promise((resolve) => setTimeout(resolve, TRY_PHOTO_AGAIN_MS));
    }
  }
}

async function show() {
  const trial = trials[index];
  if (!trial) return finish();
  main.dataset.state = "loading";
  enable(false);
  mark(null);
  timers.forEach(clearTimeout);
  recording = new Recording();
  find("#progress-text").textContent = say("progress", { place: trial.number, total });
  const progress = findAs(HTMLProgressElement, "#progress");
  progress.max = total;
  progress.value = trial.number - 1;
  const slow = setTimeout(() => (find("#loading").hidden = false), 400);
  const content = await contentOf(trial);
  clearTimeout(slow);
  if (trials[index] !== trial) return;
  image = content instanceof HTMLImageElement ? content : null;
  requestAnimationFrame((time) => {
    find("#loading").hidden = true;
    stage.replaceChildren(find("#loading"), content);
    content.style.transform = "";
    recording.begin(time);
    main.dataset.state = "shown";
    main.dataset.place = String(trial.place);
    announce(trial.kind === "check" ? `${say("check")} ${trial.text}` : altOf(trial));
    const wait = trial.kind === "check" ? 0 : config.minimum_ms;
    if (wait) timers.push(setTimeout(() => enable(true), wait));
    else enable(true);
    if (config.limit_ms !== null && trial.kind !== "check") timers.push(setTimeout(() => timeOut(trial), config.limit_ms));
    loadAhead();
  });
}

/** @param {Trial} trial */
function timeOut(trial) {
  if (trials[index] !== trial) return;
  announce(say("too_slow"));
  store({ value: null, timed_out: true }, performance.now(), "", false);
}

/** Takes an answer to the trial in view. @param {number} value @param {number} time @param {InputKind} kind @param {boolean} [isSwipe] */
function answer(value, time, kind, isSwipe = false) {
  if (!mayAnswer) return;
  if (config.confirm && !isSwipe && chosen !== value) {
    if (chosen !== null) recording.changes.push([time, chosen]);
    mark(value);
    confirmButton?.removeAttribute("disabled");
    const label = buttons.find((button) => Number(button.dataset.value) === value)?.textContent ?? value;
    announce(say("chosen", { label }));
    return;
  }
  if (config.confirm && !isSwipe) return;
  store({ value }, time, kind, isSwipe);
}

/** @param {number} time @param {InputKind} kind */
function confirmChoice(time, kind) {
  if (mayAnswer && chosen !== null) store({ value: chosen }, time, kind, false);
}

/** @param {Record<string, unknown>} what @param {number} time @param {InputKind | ""} kind @param {boolean} isSwipe */
async function store(what, time, kind, isSwipe) {
  timers.forEach(clearTimeout); // a limit that ends while the answer is being kept must not answer, too
  const trial = trials[index];
  enable(false);
  const body = {
    client_id: newId(),
    page,
    token: trial.token,
    place: trial.place,
    ...what,
    ...recording.finish(time, kind, isSwipe, image),
  };
  // The next photo is shown once the answer is safe on this device.
  await outbox.put(`${address}/trials`, body);
  forget(trial.place);
  index += 1;
  showNext();
}

/** The next trial, after its break where it has one that was not taken yet. */
function showNext() {
  const next = trials[index];
  if (next?.break_before) takeBreak(next);
  else show();
}

/** @param {Trial} next */
function takeBreak(next) {
  const started = performance.now();
  showNotice("#break");
  find("#break-over").onclick = (event) => {
    const body = { client_id: newId(), kind: "break", place: next.place, started_ms: started, ended_ms: event.timeStamp };
    outbox.put(`${address}/events`, body);
    showTrialAgain();
    show();
  };
}

async function undo() {
  if (!config.undo || index === 0 || !mayAnswer) return;
  enable(false);
  index -= 1;
  await outbox.put(`${address}/undo`, { client_id: newId(), place: trials[index].place });
  announce(say("undone"));
  show();
}

/** @param {number} time @param {InputKind} kind */
function skip(time, kind) {
  if (config.skip && mayAnswer && trials[index].kind !== "check") store({ value: null, skipped: true }, time, kind, false);
}

async function finish() {
  showNotice("#finished");
  await outbox.empty();
  find("#saving").textContent = "";
  const button = findAs(HTMLButtonElement, "#go-on-button");
  button.disabled = false;
  if (config.step === "trials") findAs(HTMLFormElement, "#go-on").requestSubmit();
  else button.focus();
}

/** @param {boolean} insists */
async function begin(insists) {
  if (await isAlone(insists)) await claim(insists);
  else showNotice("#elsewhere");
}

/** Fetches the trials that are left, again and again while the server is away. @param {boolean} insists */
async function claim(insists) {
  await outbox.empty(); // answers from before a reload come first
  try {
    const run = await post(`${address}/claim`, { page, insists });
    ({ trials, total } = run);
    index = 0;
  } catch (cause) {
    if (cause instanceof Refused && cause.isConflict) {
      if (insists) location.reload();
      else showNotice("#elsewhere");
    } else if (cause instanceof Refused) showFault(cause.message);
    else setTimeout(() => claim(insists), 2000);
    return;
  }
  showTrialAgain();
  loadAhead();
  showNext();
}

/** @param {MouseEvent} event @returns {InputKind} */
function kindOf(event) {
  if (event.detail === 0) return "key"; // a button that the keyboard pressed
  const kind = event instanceof PointerEvent ? event.pointerType : "";
  return kind === "touch" || kind === "mouse" || kind === "pen" ? kind : "button";
}

function watch() {
  for (const button of buttons) {
    button.addEventListener("click", (event) => answer(Number(button.dataset.value), event.timeStamp, kindOf(event)));
  }
  undoButton?.addEventListener("click", undo);
  skipButton?.addEventListener("click", (event) => skip(event.timeStamp, kindOf(/** @type {MouseEvent} */ (event))));
  confirmButton?.addEventListener("click", (event) => confirmChoice(event.timeStamp, kindOf(/** @type {MouseEvent} */ (event))));
  // Before anything else handles them: a screen reader clicks without a pointer, and keys count where shortcuts are off, too.
  const input = (/** @type {Event} */ event) => (event instanceof KeyboardEvent && event.repeat) || recording.input(event);
  for (const kind of ["pointerdown", "keydown", "click"]) document.addEventListener(kind, input, true);
  document.addEventListener("visibilitychange", (event) => recording.visibilityChanged(event.timeStamp));
  shortcuts.checked = localStorage.getItem(SHORTCUTS) !== "off";
  shortcuts.addEventListener("change", () => localStorage.setItem(SHORTCUTS, shortcuts.checked ? "on" : "off"));
  document.addEventListener("keydown", pressKey);
  find("#go-on-here").addEventListener("click", () => begin(true));
  if (config.scale.drawn === "swipe") watchSwipes();
}

/** @param {KeyboardEvent} event */
function pressKey(event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || main.hidden || !shortcuts.checked) return;
  const hit = config.scale.values.find(({ keys }) => keys.includes(event.key));
  if (hit) answer(hit.value, event.timeStamp, "key");
  else if (event.key === "Enter" && config.confirm && event.target === document.body) confirmChoice(event.timeStamp, "key");
  else if (event.key.toLowerCase() === "z") undo();
  else if (event.key === "ArrowDown" || event.key.toLowerCase() === "s") skip(event.timeStamp, "key");
  else return;
  event.preventDefault();
}

function watchSwipes() {
  let releasedAt = 0;
  stage.addEventListener("pointerdown", (event) => recording.pressed(event));
  stage.addEventListener(
    "pointerup",
    (event) => {
      recording.released(event);
      releasedAt = event.timeStamp;
    },
    true,
  );
  watchDrags(stage, {
    mayStart: () => mayAnswer && image !== null,
    moved: (dx, dy) => {
      if (image) image.style.transform = `translate3d(${dx}px, ${dy}px, 0)`;
    },
    released: () => {
      recording.forgetSwipe();
      if (image) image.style.transform = "";
    },
    committed: (direction, pointerType) => answer(DIRECTION_VALUES[direction], releasedAt, pointerType, true),
  });
}

outbox.addEventListener("refused", (event) => {
  const refusal = /** @type {Refused} */ (/** @type {CustomEvent} */ (event).detail);
  if (refusal.isConflict) showNotice("#elsewhere");
  else showFault(refusal.message);
});
outbox.addEventListener("change", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  find("#unsaved").hidden = !(detail > 0 && (!navigator.onLine || outbox.isStuck));
});

document.documentElement.toggleAttribute("data-started", true);
watch();
begin(false);
