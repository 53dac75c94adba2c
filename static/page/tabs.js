/** On a narrow screen the photos and the ranking are two tabs; a dot says that the ranking moved meanwhile. On a wide one both are there. */

import { find } from "./dom.js";

const narrow = matchMedia("(max-width: 899.98px)");
const NAMES = ["deck", "ranking"];

export class Tabs {
  #open = "deck";

  /** @param {() => void} [opened] called when the ranking comes into view */
  constructor(opened = () => {}) {
    this.opened = opened;
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
    document.documentElement.dataset.tab = name;
    if (name === "ranking") {
      this.#dot(false);
      scrollTo({ top: 0 });
      this.opened();
    }
  }

  /** The ranking has changed: people on the other tab get a dot. */
  ranked() {
    if (narrow.matches && this.#open !== "ranking") this.#dot(true);
  }

  /** @param {boolean} on */
  #dot(on) {
    find("#ranking-tab").toggleAttribute("data-moved", on);
    find("#ranking-tab-news").hidden = !on;
  }
}
