"""A rater who sends files by the tus protocol, to a real server."""

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
import uvicorn
from django.contrib.sessions.backends.db import SessionStore

from ratings.albums.services import create_album
from ratings.models import Rater
from ratings.raters.guests import SESSION_KEY

TOKEN = "t" * 32
TUS = {"Tus-Resumable": "1.0.0"}


@contextmanager
def serving() -> Iterator[str]:
    """The whole ASGI application behind a real web server, on the database of the test; its address."""
    from pav_site.asgi import application

    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off", ws="none", timeout_keep_alive=3600))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


class Sender:
    """A rater's browser, with an album."""

    def __init__(self, address: str, rater: Rater) -> None:
        self.rater, self.address = rater, address
        self.album: UUID = create_album(owner_id=rater.id, name="Sea").id
        session = SessionStore()
        session[SESSION_KEY] = str(rater.id)
        session.save()
        self.client = httpx.Client(base_url=address, cookies={"sessionid": session.session_key, "csrftoken": TOKEN}, timeout=60)
        self.headers = {**TUS, "X-CSRFToken": TOKEN, "Origin": address}

    def begin(self, length: int, name: str = "a.jpg", **headers: str) -> httpx.Response:
        metadata = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in (("filename", name), ("album", str(self.album)))
        )
        return self.client.post("/uploads/", headers={**self.headers, "Upload-Length": str(length), "Upload-Metadata": metadata} | headers)

    def send(self, place: str, offset: int, data: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return self.client.patch(place, content=data, headers={**self.headers, **kind} | headers)

    def offset(self, place: str) -> httpx.Response:
        return self.client.head(place, headers=self.headers)

    def bring(self, data: bytes, name: str = "a.jpg") -> str:
        """Send a whole file; returns its address."""
        place = self.begin(len(data), name).headers["location"]
        assert self.send(place, 0, data).status_code == 204
        return place
