"""Processes killed while raters swipe: no rating is lost or stored twice, and every fit catches up."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import psycopg
import pytest

from pav_site import demo
from pav_site.embedded import Services
from pav_site.environment import BASE, SETTINGS
from pav_site.processes import free_port
from pav_site.supervisor import Supervisor
from tests.platform.machine import PATIENCE_SECONDS, service_folder, until

RATERS = 4
PAUSE = 0.05  # seconds between the swipes of a rater
STOCK = "import django; django.setup(); from tests.browser import stock; stock.main()"


@dataclass
class Stack:
    """A complete PAV whose programs a supervisor runs."""

    address: str
    services: Services
    supervisor: Supervisor

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.services.database_url) as connection:
            return connection.execute(query).fetchall()

    def is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz", timeout=20).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self, name: str) -> None:
        """Kill a program, and wait until its replacement works."""
        victim = self.supervisor.pids[name]
        os.kill(victim, signal.SIGKILL)
        until(lambda: self.supervisor.pids[name] != victim)
        until(self.is_healthy)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    rates = {name for name in SETTINGS if name.startswith("PAV_LIMIT_")} - {"PAV_LIMIT_GUESTS_FROM"}  # this one takes address ranges
    limits = dict.fromkeys(rates, "100000/minute")
    port = free_port()
    supervisor = Supervisor(print)
    with service_folder() as folder:
        services = Services(folder / "pav")
        here = {"PAV_VAR": str(services.folder), "PAV_TESTING": "1", "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(BASE)}
        with services.owned():
            services.prepare()
            try:
                for program in demo.service_programs(services):
                    supervisor.start(program)
                services.wait()
                for command in (["manage.py", "migrate", "--verbosity", "0"], ["-c", STOCK]):
                    subprocess.run([sys.executable, *command], env=kept | here, cwd=BASE, check=True, timeout=PATIENCE_SECONDS)
                addresses = {"postgres": services.database_url, "redis": services.redis_url}
                for program in demo.site_programs(services.folder, addresses, port, here | limits):
                    if program.name != "gpu":  # the photos already have features
                        supervisor.start(program)
                stack = Stack(f"http://127.0.0.1:{port}", services, supervisor)
                until(stack.is_healthy)
                yield stack
            finally:
                supervisor.stop()


@dataclass
class Swiper(threading.Thread):
    """A rater who swipes until the test ends, undoes some ratings, and resends every request that was not acknowledged."""

    address: str
    seed: int
    ending: threading.Event
    acknowledged: dict[str, int] = field(default_factory=dict)  # client id: ratings_seq
    resent: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        rng = random.Random(self.seed)
        with httpx.Client(base_url=self.address, timeout=20) as client:
            self._send_until_answered(client, "GET", "/")
            client.headers.update({"X-CSRFToken": client.cookies["csrftoken"], "Origin": self.address})
            while not self.ending.is_set():
                cards = self._send_until_answered(client, "GET", "/api/v1/deck").json()["cards"]
                client_id = str(uuid4())
                if cards and rng.random() < 0.6:
                    rating = {"client_id": client_id, "token": cards[0]["token"], "value": rng.choice(["dislike", "like", "love"])}
                    reply = self._send_until_answered(client, "POST", "/api/v1/ratings", json=rating)
                else:
                    reply = self._send_until_answered(client, "DELETE", f"/api/v1/ratings/last?client_id={client_id}")
                    if reply.status_code == 404:  # nothing left to undo
                        continue
                assert reply.status_code in {200, 201}, reply.text
                self.acknowledged[client_id] = reply.json()["ratings_seq"]
                time.sleep(PAUSE)

    def _send_until_answered(self, client: httpx.Client, method: str, path: str, **body: object) -> httpx.Response:
        """Send the same request until the server answers it, as the page does."""
        while True:
            try:
                reply = client.request(method, path, **body)  # type: ignore[arg-type]
            except httpx.TransportError:
                self.resent += 1
            else:
                if reply.status_code < 500:
                    return reply
                self.resent += 1
            time.sleep(0.2)


@pytest.fixture
def raters(stack: Stack) -> Iterator[list[Swiper]]:
    """Raters who swipe in the background until `settle` is called or the test ends."""
    ending = threading.Event()
    raters = [Swiper(stack.address, seed, ending) for seed in range(RATERS)]
    for rater in raters:
        rater.start()
    until(lambda: all(len(rater.acknowledged) >= 5 for rater in raters))
    yield raters
    ending.set()
    for rater in raters:
        rater.join(timeout=PATIENCE_SECONDS)


def settle(raters: list[Swiper]) -> dict[str, int]:
    """Wait until all raters have finished; return all acknowledged events."""
    before = {rater: len(rater.acknowledged) for rater in raters}
    until(lambda: all(len(rater.acknowledged) >= before[rater] + 5 for rater in raters))  # swiping works again after the kill
    raters[0].ending.set()
    for rater in raters:
        rater.join(timeout=PATIENCE_SECONDS)
        assert not rater.is_alive()
    return {client_id: seq for rater in raters for client_id, seq in rater.acknowledged.items()}


@pytest.mark.parametrize("victim", ["refit", "redis", "web", "postgres"])
def test_a_killed_program_loses_and_duplicates_no_rating_and_every_fit_catches_up(stack: Stack, raters: list[Swiper], victim: str) -> None:
    stack.kill(victim)
    acknowledged = settle(raters)

    stored = {str(client_id): seq for client_id, seq in stack.rows("SELECT client_id, seq FROM ratings_ratingevent")}
    assert acknowledged.items() <= stored.items()

    counted = "SELECT count(*), count(DISTINCT (rater_id, client_id)), count(DISTINCT (rater_id, seq)) FROM ratings_ratingevent"
    ((events, by_client_id, by_number),) = stack.rows(counted)
    assert events == by_client_id == by_number

    unnumbered = (
        "SELECT p.id FROM ratings_rater p WHERE ratings_seq <> (SELECT count(*) FROM ratings_ratingevent e WHERE e.rater_id = p.id)"
    )
    assert stack.rows(unnumbered) == []

    behind = "SELECT 1 FROM ratings_rater p JOIN ratings_fit f ON f.rater_id = p.id WHERE f.ratings_seq <> p.ratings_seq"
    until(lambda: stack.rows(behind) == [])
