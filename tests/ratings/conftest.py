"""Photos with synthetic features, and people who look at them."""

from collections.abc import Callable
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.test import Client

from ratings import jobs, services
from ratings.models import Bank, Description, Photo
from ratings.models import Person as PersonRow

BANK = "test-bank"


def make_photos(count: int, seed: int = 0, owner: PersonRow | None = None) -> list[Photo]:
    """Described photos whose features are drawn at random; the first has the highest generic score."""
    services.use_bank(hash=BANK, card={})
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 256)) / 16
    features[:, 0] = np.sort(rng.normal(size=count))[::-1]
    photos = Photo.objects.bulk_create(
        Photo(
            name=f"{seed}-{n}.jpg", sha256=uuid4().hex * 2, content_hash=uuid4().hex[:16], width=640, height=480, thumbhash="", owner=owner
        )
        for n in range(count)
    )
    Description.objects.bulk_create(
        Description(photo=photo, bank_id=BANK, score=row[0], features=row.tolist()) for photo, row in zip(photos, features, strict=True)
    )
    return photos


def kept_waiting(monkeypatch: pytest.MonkeyPatch, request: str) -> list[UUID]:
    """Steps of the slow queue that `jobs.<request>` was asked for; nothing runs them, and nothing else is in the queue."""
    queue: list[UUID] = []
    monkeypatch.setattr(jobs, request, queue.append)
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    return queue


@pytest.fixture
def photos(db: None) -> list[Photo]:
    return make_photos(30)


@pytest.fixture
def no_bank(db: None) -> None:
    """A fresh installation: nothing has been described."""
    Bank.objects.all().delete()


class Guest:
    """Somebody at a browser: every request carries their cookies, their CSRF token and their origin."""

    def __init__(self) -> None:
        self.browser = Client(enforce_csrf_checks=True)
        self.browser.get("/")
        self.id = self.browser.session["person"]

    def headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.browser.cookies["csrftoken"].value, "Origin": "http://testserver"}

    def get(self, address: str):
        return self.browser.get(address)

    def deck(self) -> list[dict]:
        return self.get("/api/v1/deck").json()["cards"]

    def rate(self, token: str, value: str = "like", client_id: str | None = None, **more):
        body = {"client_id": client_id or str(uuid4()), "token": token, "value": value, **more}
        return self.browser.post("/api/v1/ratings", body, content_type="application/json", headers=self.headers())

    def undo(self, client_id: str = ""):
        suffix = f"?client_id={client_id}" if client_id else ""
        return self.browser.delete(f"/api/v1/ratings/last{suffix}", headers=self.headers())


@pytest.fixture
def guest(db: None, settings) -> Callable[[], Guest]:
    settings.ALLOWED_HOSTS = ["testserver"]
    return Guest


@pytest.fixture
def alice(guest: Callable[[], Guest], photos: list[Photo]) -> Guest:
    return guest()


@pytest.fixture
def bob(guest: Callable[[], Guest], photos: list[Photo]) -> Guest:
    return guest()


@pytest.fixture(autouse=True)
def no_limits_left_over(settings, services: None) -> None:
    """Each test counts its requests from nothing."""
    import redis

    redis.Redis.from_url(settings.REDIS_URL).flushdb()
