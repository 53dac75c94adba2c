/** Theme button, help dialog and choice of language. */

import { find, findAs } from "./dom.js";

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

export function offerTheme() {
  const button = find("#theme");
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("pav-theme", next);
    show();
  });
}

/** @returns {() => void} opens the help */
export function offerHelp() {
  const dialog = findAs(HTMLDialogElement, "#help");
  const open = () => {
    if (!dialog.open) dialog.showModal();
  };
  find("#help-open").addEventListener("click", open);
  find("#help-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return open;
}

export function offerLanguage() {
  const choice = findAs(HTMLSelectElement, "#language");
  choice.addEventListener("change", () => choice.form?.requestSubmit());
}
