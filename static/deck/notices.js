/** What the deck shows in place of photos: loading, photos being prepared, all rated, offline, and errors. */

import { announce, element, find, icon } from "../page/dom.js";
import { say } from "../page/words.js";

const ICONS = { preparing: "eye", no_photos: "photo", all_rated: "check", offline: "offline", busy: "clock", error: "alert" };

/**
 * @param {"loading" | keyof typeof ICONS} name
 * @param {Record<string, string | number>} [values] of the sentences; `detail` is the text itself
 * @param {() => void} [tryAgain]
 */
export function showNotice(name, values = {}, tryAgain) {
  const place = find("#deck-notice");
  const isNew = place.dataset.notice !== name;
  place.dataset.notice = name;
  place.hidden = false;
  markEmpty(true);
  if (name === "loading") {
    place.replaceChildren(element("div", { class: "notice-shimmer" }), element("p", { class: "visually-hidden", text: say("loading") }));
    return;
  }
  const title = say(`${name}_title`);
  const text = values.detail ?? say(`${name}_text`, values);
  const parts = [
    (name === "all_rated" && topThree()) || element("div", { class: "notice-mark" }, icon(ICONS[name])),
    element("h2", { text: title }),
    element("p", { text }),
  ];
  if (name === "preparing") {
    parts.push(element("progress", { max: values.total, value: values.ready, "aria-label": title }));
    parts.push(element("p", { class: "notice-small", text: say("ready_of", values) }));
  }
  if (tryAgain) parts.push(element("button", { class: "button", type: "button", text: say("try_again"), onclick: tryAgain }));
  place.replaceChildren(element("div", { class: "notice-body" }, ...parts));
  // After a reload the ranking may arrive a little later than this notice.
  if (name === "all_rated" && !place.querySelector(".notice-fan")) setTimeout(() => addTopThree(place), 1200);
  if (isNew) announce(`${title}. ${text}`);
}

export function clearNotice() {
  const place = find("#deck-notice");
  place.hidden = true;
  delete place.dataset.notice;
  markEmpty(false);
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
  if (fan) place.querySelector(".notice-mark")?.replaceWith(fan);
}
