/** Tabs for photos and ranking on narrow screens, with a dot when the ranking has changed. Wide screens show both at once. */

import { find } from "./dom.js";

const narrow = matchMedia("(max-width: 899.98px)");
const NAMES = ["deck", "ranking"];

/** Event "shown" after another tab has opened. */
export class Tabs extends EventTarget {
  #open = "deck";

  constructor() {
    super();
    for (const name of NAMES) {
      const tab = find(`#${name}-tab`);
      tab.addEventListener("click", () => this.show(name));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        event.stopPropagation();
        const other = NAMES[1 - NAMES.indexOf(name)];
        this.show(other);
        find(`#${other}-tab`).focus();
      });
    }
    find("#ribbon-link").addEventListener("click", () => {
      this.show("ranking");
      find("#ranking-tab").focus();
    });
    narrow.addEventListener("change", () => this.show(this.#open));
    this.show("deck");
  }

  /** @param {string} name */
  show(name) {
    this.#open = name;
    for (const other of NAMES) {
      const chosen = other === name;
      const tab = find(`#${other}-tab`);
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      const panel = find(`#${other}-panel`);
      panel.hidden = narrow.matches && !chosen;
      if (narrow.matches) panel.setAttribute("role", "tabpanel");
      else panel.removeAttribute("role");
    }
    if (name === "ranking") {
      this.#markMoved(false);
      scrollTo({ top: 0 });
    }
    this.dispatchEvent(new CustomEvent("shown"));
  }

  /** Call after each change of the ranking: the other tab gets a dot. */
  rankingMoved() {
    if (narrow.matches && this.#open !== "ranking") this.#markMoved(true);
  }

  /** @param {boolean} moved */
  #markMoved(moved) {
    find("#ranking-tab").toggleAttribute("data-moved", moved);
    find("#ranking-tab-news").hidden = !moved;
  }
}
