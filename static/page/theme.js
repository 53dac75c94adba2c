/* Applies the chosen theme before the first paint, so that the page does not flash. A classic script, since modules run too late. */
(() => {
  const stored = (() => {
    try {
      return localStorage.getItem("pav-theme");
    } catch {
      return null;
    }
  })();
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
})();
