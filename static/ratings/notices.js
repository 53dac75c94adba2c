/** What stands in the place of the photos when there is none to show: loading, photos being described, all rated, offline, and so on. */

import { announce, element, find, icon } from "./dom.js";
import { say } from "./words.js";

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
  find("#deck-panel").dataset.empty = "";
  if (name === "loading") {
    place.replaceChildren(element("div", { class: "notice-shimmer" }), element("p", { class: "visually-hidden", text: say("loading") }));
    return;
  }
  const text = values.detail ?? say(`${name}_text`, values);
  const parts = [
    element("div", { class: "notice-mark" }, icon(ICONS[name])),
    element("h2", { text: say(`${name}_title`, values) }),
    element("p", { text }),
  ];
  if (name === "describing") {
    parts.push(element("progress", { max: values.total, value: values.described, "aria-label": say("describing_title") }));
    parts.push(element("p", { class: "notice-small", text: say("described_of", values) }));
  }
  if (tryAgain) parts.push(element("button", { class: "button", type: "button", text: say("try_again"), onclick: tryAgain }));
  place.replaceChildren(element("div", { class: "notice-body" }, ...parts));
  if (!wasThere) announce(`${say(`${name}_title`, values)}. ${text}`);
}

export function clearNotice() {
  const place = find("#deck-notice");
  place.hidden = true;
  delete place.dataset.notice;
  delete find("#deck-panel").dataset.empty;
}
