"""Starting page: what browsers get at the demo's address until the web server listens there."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import translation

FILES = {  # not collected yet: read from their source
    "/static/page/base.css": "text/css",
    "/static/page/theme.js": "text/javascript",
    "/static/page/starting.js": "text/javascript",
    "/static/page/logo.svg": "image/svg+xml",
}
NOT_STARTED = {"ok": False, "database": False, "redis": False, "worker": False, "worker_age": None, "workers": None}  # of `/healthz`
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@contextmanager
def serving(port: int) -> Iterator[None]:
    """Serve the page on every address of this port, until the block ends and the port is free again."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="starting page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """503 with the page, except for the files that it consists of. Writes get a 501, so that open pages of an earlier run try again."""

    def do_GET(self) -> None:
        if self.path in FILES:
            name = self.path.removeprefix(settings.STATIC_URL)
            self._respond(200, FILES[self.path], (settings.STATICFILES_DIRS[0] / name).read_bytes())
        elif self.path == "/healthz":
            self._respond(503, "application/json", json.dumps(NOT_STARTED).encode())
        else:
            self._respond(503, "text/html", _page(self.headers.get("Accept-Language", "")))

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Keep the terminal for the launcher's own lines."""

    def _respond(self, status: int, content_type: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _page(accepted_languages: str) -> bytes:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted_languages
    with translation.override(translation.get_language_from_request(request)):
        return render_to_string("page/starting.html").encode()
