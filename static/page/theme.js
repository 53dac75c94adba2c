/* Runs before the first paint, so that a chosen theme does not flash. A classic script: modules come too late. */
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
