"""Photos with synthetic features, and guests who rate them."""

from collections.abc import Callable
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.test import Client

from ratings import jobs
from ratings.models import Photo, PhotoFeatures, Rater
from ratings.ranking.features import use_bank

BANK = "test-bank"


def make_photos(count: int, seed: int = 0, owner: Rater | None = None) -> list[Photo]:
    """Create photos with random features; the first has the highest generic score."""
    use_bank(hash=BANK, metadata={})
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 256)) / 16
    features[:, 0] = np.sort(rng.normal(size=count))[::-1]
    photos = Photo.objects.bulk_create(
        Photo(
            name=f"{seed}-{n}.jpg", sha256=uuid4().hex * 2, content_hash=uuid4().hex[:16], width=640, height=480, thumbhash="", owner=owner
        )
        for n in range(count)
    )
    PhotoFeatures.objects.bulk_create(
        PhotoFeatures(photo=photo, bank_id=BANK, generic_score=row[0], features=row.tolist())
        for photo, row in zip(photos, features, strict=True)
    )
    return photos


def collect_requests(monkeypatch: pytest.MonkeyPatch, request: str) -> list[UUID]:
    """Replace `jobs.<request>` by a list that collects the requests; no worker runs them, and the GPU queue appears empty."""
    queue: list[UUID] = []
    monkeypatch.setattr(jobs, request, queue.append)
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    return queue


class Guest:
    """The browser of a guest: every request carries its cookies, CSRF token and origin."""

    def __init__(self) -> None:
        self.browser = Client(enforce_csrf_checks=True)
        self.browser.get("/")
        self.id = self.browser.session["rater"]

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
def photos(db: None) -> list[Photo]:
    return make_photos(30)


@pytest.fixture
def no_bank(db: None) -> None:
    """A new installation, before any photo has features."""
    from ratings.models import Bank

    Bank.objects.all().delete()


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
