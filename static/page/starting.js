/** Opens the page that was asked for once PAV has started: until then the launcher responds with 503, and for a moment nobody does. */

const POLL_MS = 700;
const STARTING = 503;

async function look() {
  try {
    const { status } = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (status !== STARTING) {
      location.reload();
      return;
    }
  } catch {
    // The launcher has let go of the port, and the web server does not listen yet.
  }
  setTimeout(look, POLL_MS);
}

look();
