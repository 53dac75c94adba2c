/** What stands in the place of the photos when there is none to show: loading, photos being described, all rated, offline, and so on. */

import { announce, element, find, icon } from "../page/dom.js";
import { say } from "../page/words.js";

const ICONS = { describing: "eye", no_photos: "photo", all_rated: "check", offline: "offline", busy: "clock", error: "alert" };

/**
 * @param {"loading" | "describing" | "no_photos" | "all_rated" | "offline" | "busy" | "error"} name
 * @param {Record<string, any>} [values]
 * @param {() => void} [tryAgain]
 */
export function showNotice(name, values = {}, tryAgain) {
  const place = find("#deck-notice");
  const wasThere = place.dataset.notice === name;
  place.dataset.notice = name;
  place.hidden = false;
  markEmpty(true);
  if (name === "loading") {
    place.replaceChildren(element("div", { class: "notice-shimmer" }), element("p", { class: "visually-hidden", text: say("loading") }));
    return;
  }
  const text = values.detail ?? say(`${name}_text`, values);
  const parts = [
    (name === "all_rated" && topThree()) || element("div", { class: "notice-mark" }, icon(ICONS[name])),
    element("h2", { text: say(`${name}_title`, values) }),
    element("p", { text }),
  ];
  if (name === "describing") {
    parts.push(element("progress", { max: values.total, value: values.described, "aria-label": say("describing_title") }));
    parts.push(element("p", { class: "notice-small", text: say("described_of", values) }));
  }
  if (tryAgain) parts.push(element("button", { class: "button", type: "button", text: say("try_again"), onclick: tryAgain }));
  place.replaceChildren(element("div", { class: "notice-body" }, ...parts));
  // After a reload the ranking may arrive a little later than the news that all photos are answered.
  if (name === "all_rated" && !place.querySelector(".notice-fan")) setTimeout(() => fanLater(place), 1200);
  if (!wasThere) announce(`${say(`${name}_title`, values)}. ${text}`);
}

export function clearNotice() {
  const place = find("#deck-notice");
  place.hidden = true;
  delete place.dataset.notice;
  markEmpty(false);
}

/** @param {boolean} empty without a photo there is nothing to answer */
function markEmpty(empty) {
  find("#deck-panel").toggleAttribute("data-empty", empty);
  for (const button of document.querySelectorAll("[data-answer]")) button.toggleAttribute("disabled", empty);
}

/** The person's best three as a fan, second place left and third right. */
function topThree() {
  const images = [...document.querySelectorAll("#ribbon .tile-photo")].slice(0, 3);
  if (images.length < 3) return null;
  const [first, second, third] = images.map((image) => element("img", { src: image.getAttribute("src"), alt: "" }));
  return element("div", { class: "notice-fan" }, second, first, third);
}

/** @param {HTMLElement} place */
function fanLater(place) {
  const fan = place.dataset.notice === "all_rated" && topThree();
  if (fan) place.querySelector(".notice-mark")?.replaceWith(fan);
}
