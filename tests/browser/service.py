"""Another service that signs people in by OpenID Connect, as far as a browser test needs one: everybody is the same person."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        here, asked = f"http://{self.headers['Host']}", urlsplit(self.path)
        if asked.path == "/authorize":
            query = parse_qs(asked.query)
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri'][0]}?code=1&state={query['state'][0]}")
            self.end_headers()
        elif asked.path == "/userinfo":
            self._reply({"sub": "42", "email": "carol@lab.example", "email_verified": True})
        else:
            places = {f"{name}_endpoint": f"{here}/{path}" for name, path in PLACES.items()}
            self._reply({"issuer": here, "jwks_uri": f"{here}/keys", **places})

    def do_POST(self) -> None:
        self._reply({"access_token": "a", "token_type": "Bearer"})

    def _reply(self, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


PLACES = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}


@contextmanager
def running() -> Iterator[str]:
    """The address of the service while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
