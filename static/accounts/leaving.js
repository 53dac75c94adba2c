/** Sends waiting ratings before a rater leaves the page to sign in or out: afterwards the page belongs to another rater. */

const LONGEST_MS = 4000;

/** Applies to links and forms with `data-drain`. @param {{waiting: number, settle: (ms: number) => Promise<void>}} outbox */
export function sendBeforeLeaving(outbox) {
  document.addEventListener("click", async (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-drain]") : null;
    if (!(link instanceof HTMLAnchorElement) || !outbox.waiting) return;
    event.preventDefault();
    await outbox.settle(LONGEST_MS);
    location.assign(link.href);
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-drain]") || !outbox.waiting) return;
    event.preventDefault();
    await outbox.settle(LONGEST_MS);
    form.removeAttribute("data-drain");
    form.requestSubmit(event.submitter);
  });
}
