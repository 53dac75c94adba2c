"""Separate installation for benchmarks: services, web server, refit worker, photos with synthetic features, and simulated raters."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import httpx
import websockets

from pav_site.embedded import Services
from pav_site.environment import BASE
from pav_site.processes import free_port
from pav_site.supervisor import Program, Supervisor

PATIENCE_SECONDS = 300  # far more than anything takes, so that a busy machine does not cause failures

# The VACUUM at the end replaces the autovacuum that follows an import within a minute: PostgreSQL then knows the tables' sizes.
FILL = """
import numpy as np
from django.db import connection
from uuid import uuid4
from ratings.models import Photo, PhotoFeatures, Projection
from ratings.ranking import projections
rng = np.random.default_rng(0)
features = rng.normal(size=({count}, 256)) / 16
features[:, 0] = rng.normal(size={count})
photos = Photo.objects.bulk_create([Photo(name=f"{{n}}.jpg", sha256=uuid4().hex * 2, content_hash=uuid4().hex[:16], width=640, height=480,
    thumbhash="") for n in range({count})])
projection = projections.current().id
Projection.objects.update(extractors="")  # these photos have no files to extract features from
PhotoFeatures.objects.bulk_create([PhotoFeatures(photo=photo, projection_id=projection, generic_score=row[0], features=row.tolist())
    for photo, row in zip(photos, features)], batch_size=500)
connection.cursor().execute("VACUUM ANALYZE")
"""


@contextmanager
def running(
    photos: int, fill: str = FILL, *, queues: Sequence[str] = (), settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, Path]]:
    """Run an installation with this number of photos, which the code in `fill` creates with their features; with workers of more `queues`.

    Yields its address and the file to which `timed_worker` writes each fit. Stops and removes everything at the end of the block.
    """
    with tempfile.TemporaryDirectory(prefix="pav-bench-") as folder:
        services = Services(Path(folder))
        environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        environment |= {"PAV_VAR": folder, "PAV_LIMIT_GUESTS": "100000/hour", "PAV_LIMIT_RATINGS": "1000000/minute"}
        environment |= {"PAV_LIMIT_READS": "1000000/minute", "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(BASE), **settings}
        manage = [sys.executable, str(BASE / "manage.py")]
        os.chmod(folder, 0o755)  # noqa: S103 (PostgreSQL runs under another account where PAV runs as root)
        with services.running():
            for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"], ["shell", "-v0", "-c", fill.format(count=photos)]):
                subprocess.run([*manage, *command], env=environment, check=True)
            supervisor, port = Supervisor(print), free_port()
            try:
                fits = Path(folder) / "fits.jsonl"
                worker = [sys.executable, "-m", "benchmarks.timed_worker", str(fits)]
                for name, command in (("web", [*manage, "serve", "--port", str(port)]), ("refit worker", worker)):
                    supervisor.start(Program(name, command, Path(folder) / "logs" / f"{name}.log", environment))
                for queue in queues:
                    command = [*manage, "worker", "--queue", queue]
                    supervisor.start(Program(queue, command, Path(folder) / "logs" / f"{queue}.log", environment))
                address = f"http://127.0.0.1:{port}"
                _wait_until_healthy(address)
                yield address, fits
            finally:
                supervisor.stop()


def _wait_until_healthy(address: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/healthz").json()["ok"]:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"The installation did not become healthy within {PATIENCE_SECONDS} seconds.")


@dataclass(frozen=True)
class Swipe:
    """Times of one swipe, in seconds since 1970."""

    sent: float
    acknowledged: float
    arrived: float  # the first ranking that contains it
    contained: int  # ratings_seq of that ranking


class Swiper:
    """A simulated rater with a session, a deck and an open websocket, but without a browser."""

    def __init__(self, address: str, session: str | None = None) -> None:
        """A new guest, or the account signed in by this session key."""
        self.address = address
        self.http = httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS, cookies={"sessionid": session} if session else None)
        self.cards: list[tuple[str, int]] = []  # token and photo
        self.seen = asyncio.Condition()
        self.latest: dict[str, object] = {}
        self.rankings: list[tuple[int, float]] = []  # ratings_seq and arrival of each pushed ranking

    async def arrive(self) -> None:
        await self.http.get("/")
        self.headers = {"X-CSRFToken": self.http.cookies["csrftoken"], "Origin": self.address}
        self.socket = await self.another_page()
        self.reader = asyncio.create_task(self._read())

    def another_page(self, **changes: Any) -> websockets.connect:
        """One more websocket of the same rater; `changes` are arguments of `websockets.connect`."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        settings = {"origin": self.address, "additional_headers": {"Cookie": cookie}, "open_timeout": PATIENCE_SECONDS} | changes
        return websockets.connect(self.address.replace("http", "ws") + "/ws/taste/", **settings)

    async def leave(self) -> None:
        self.reader.cancel()
        await self.socket.close()
        await self.http.aclose()

    async def _read(self) -> None:
        async for text in self.socket:
            arrival = time.time()
            async with self.seen:
                self.latest = json.loads(text)
                self.rankings.append((self.latest["ratings_seq"], arrival))
                self.seen.notify_all()

    async def _card(self) -> tuple[str, int]:
        if not self.cards:
            deck = (await self.http.get("/api/v1/deck")).json()
            self.cards = [(card["token"], card["photo"]["id"]) for card in deck["cards"]]
        return self.cards.pop(0)

    async def swipe(self, taste: Callable[[int], str]) -> Swipe:
        """Rate the next card with the value that `taste` returns for its photo, and wait for the first ranking that includes the rating."""
        token, photo = await self._card()
        body = {"client_id": str(uuid4()), "token": token, "value": taste(photo)}
        sent = time.time()
        reply = await self.http.post("/api/v1/ratings", json=body, headers=self.headers)
        acknowledged = time.time()
        seq = reply.raise_for_status().json()["ratings_seq"]
        async with self.seen:
            await asyncio.wait_for(self.seen.wait_for(lambda: bool(self.rankings) and self.rankings[-1][0] >= seq), PATIENCE_SECONDS)
        return Swipe(sent, acknowledged, *next((arrival, contained) for contained, arrival in self.rankings if contained >= seq))

    async def refused(self) -> float:
        """Seconds of a minimal request, which is refused before any work is done."""
        start = time.perf_counter()
        await self.http.post("/api/v1/ratings", json={}, headers=self.headers)
        return time.perf_counter() - start
