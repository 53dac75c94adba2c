/** What the deck shows in place of photos: loading, no photos, photos being prepared, all rated, no connection, and errors. */

import { whyLost } from "../page/api.js";
import { announce, element, find, keepFocus } from "../page/dom.js";
import { clearEmptyState, showEmptyState, tryAgain } from "../page/empty-state.js";
import { album, isStaff, say } from "../page/words.js";

const ICONS = {
  preparing: "eye",
  more_coming: "eye",
  no_photos: "photo",
  all_rated: "check",
  offline: "offline",
  unreachable: "clock",
  busy: "clock",
  error: "alert",
};
const IMPORT_COMMAND = "./pav import_photos DIR";

/** After a reload the ranking may arrive this much later than the notice that shows its first photos. */
const RANKING_MS = 1200;

/**
 * The next step of a notice bubbles up as an event of this name: "see-ranking", "see-help" or "try-again".
 * @param {string} name
 */
const ask = (name) => () => find("#deck-notice").dispatchEvent(new CustomEvent(name, { bubbles: true }));

/** @returns {Record<string, import("../page/empty-state.js").Action>} by name of the notice; the others have nothing to do but wait */
function actions() {
  const again = tryAgain(ask("try-again"));
  const ranking = { label: say("see_ranking"), run: ask("see-ranking") };
  const help = { label: say("see_help"), run: ask("see-help") };
  const bring = { label: say("bring_own"), run: () => find("#albums").click() };
  return {
    ...(album || isStaff ? {} : { no_photos: bring }),
    preparing: help,
    more_coming: ranking,
    all_rated: ranking,
    offline: ranking,
    unreachable: again,
    busy: again,
    error: again,
  };
}

/**
 * @param {"loading" | keyof typeof ICONS} name
 * @param {{n?: number, ready?: number, total?: number, detail?: string}} [values] of the sentences; `detail` is the text itself
 */
export function showNotice(name, { n = 0, ready = 0, total = 0, detail } = {}) {
  const place = find("#deck-notice");
  keepFocus(
    () => {
      markEmpty(true);
      if (name === "loading") showLoading(place);
      else {
        const isPreparing = name === "preparing" || name === "more_coming";
        const forStaff = name === "no_photos" && isStaff && !album;
        const sentence = name === "no_photos" && album ? "no_photos_album_text" : `${name}_text`;
        showEmptyState(place, {
          name,
          icon: ICONS[name],
          title: say(`${name}_title`),
          text: detail ?? say(forStaff ? "no_photos_staff_text" : sentence, { n }),
          picture: name === "all_rated" ? topThree() : null,
          command: forStaff ? IMPORT_COMMAND : undefined,
          progress: isPreparing ? { ready, total } : undefined,
          action: actions()[name],
        });
      }
    },
    () => place.querySelector("button") ?? find("#cards"),
  );
  if (name === "all_rated" && !place.querySelector(".notice-fan")) setTimeout(() => addTopThree(place), RANKING_MS);
}

/**
 * Says why there are no cards. Where all photos are rated that stays true, and the line below says that the connection is lost.
 * @param {import("../page/api.js").Problem} problem
 */
export function explain(problem) {
  if (find("#deck-notice").dataset.notice === "all_rated") return;
  if (problem.kind === "offline") showNotice(whyLost());
  else showNotice(problem.kind === "busy" ? "busy" : "error", { detail: problem.message });
}

export function clearNotice() {
  const place = find("#deck-notice");
  const { notice } = place.dataset;
  keepFocus(
    () => {
      clearEmptyState(place);
      markEmpty(false);
    },
    () => find("#cards"),
  );
  if (notice && notice !== "loading") announce(say("photos_here"));
}

/** @param {HTMLElement} place */
function showLoading(place) {
  place.dataset.notice = "loading";
  place.hidden = false;
  place.replaceChildren(element("div", { class: "notice-shimmer" }), element("p", { class: "visually-hidden", text: say("loading") }));
}

/** Without a photo there is nothing to rate. @param {boolean} empty */
function markEmpty(empty) {
  find("#deck-panel").toggleAttribute("data-empty", empty);
  for (const button of document.querySelectorAll("[data-rate]")) button.toggleAttribute("disabled", empty);
}

/** The first three photos of the ranking as a fan: second place left, third right. */
function topThree() {
  const images = [...document.querySelectorAll("#ribbon .tile-photo")].slice(0, 3);
  if (images.length < 3) return null;
  const [first, second, third] = images.map((image) => element("img", { src: image.getAttribute("src"), alt: "" }));
  return element("div", { class: "notice-fan" }, second, first, third);
}

/** @param {HTMLElement} place */
function addTopThree(place) {
  const fan = place.dataset.notice === "all_rated" && topThree();
  if (fan) place.querySelector(".empty-mark")?.replaceWith(fan);
}
