"""Photos with synthetic features, and guests who rate them."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.test import Client
from PIL.Image import Image

from personalize.worker import loaded_bank
from personalize.worker import projections as worker
from ratings import health, jobs
from ratings.deck.services import rate_picked
from ratings.models import Bank, Photo, PhotoFeatures, Projection, Rater
from ratings.ranking import projections
from ratings.ranking.features import store_features
from ratings.ranking.models import State
from ratings.raters.guests import SESSION_KEY

BANK = "test-bank"


def use_bank(hash: str = BANK) -> int:
    """Make a projection of a bank the current one at once, with no photos; the one before is kept. Returns its id."""
    version = projections.current()
    if version is None or version.bank != hash:
        Bank.objects.get_or_create(hash=hash, defaults={"metadata": {}})
        Projection.objects.filter(state=State.CURRENT).update(state=State.KEPT)
        own = Projection.objects.filter(bank=hash).first() or Projection(bank_id=hash)
        own.state = State.CURRENT
        own.save()
    return current_projection()


def current_projection() -> int:
    """Id of the projection that photos are ranked by."""
    return projections.current().id


def features_of(images: Sequence[Image]) -> np.ndarray:
    """(images, 256): features of images by the installed bank, in the current projection."""
    return worker.loaded(current_projection()).apply(loaded_bank.extract_raw_features(images))


def give_features(photo: Photo, features: np.ndarray, projection: int | None = None) -> None:
    """Store the features of one photo, by default in the current projection."""
    store_features(projection=projection or current_projection(), photo_ids=[photo.id], features=np.asarray(features)[None])


def make_photos(count: int, seed: int = 0, owner: Rater | None = None) -> list[Photo]:
    """Create photos with random features; the first has the highest generic score."""
    projection = use_bank()
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
        PhotoFeatures(photo=photo, projection_id=projection, generic_score=row[0], features=row.tolist())
        for photo, row in zip(photos, features, strict=True)
    )
    return photos


def rate_photos(rater: "Guest", photos: Iterable[Photo], values: Iterable[int]) -> None:
    """Rate these photos, as on a grid: the deck deals other ones in every run."""
    for photo, value in zip(photos, values, strict=True):
        rate_picked(rater_id=UUID(rater.id), photo_id=photo.id, client_id=uuid4(), value=value)


def collect_requests(monkeypatch: pytest.MonkeyPatch, request: str) -> list[UUID]:
    """Replace `jobs.<request>` by a list that collects the requests; no worker runs them, and the GPU queue appears empty."""
    queue: list[UUID] = []
    monkeypatch.setattr(jobs, request, queue.append)
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    return queue


def report_worker(*queues: str) -> health.Worker:
    """Report that a worker of these queues lives; a worker of `exact` can do exact refits."""
    worker = health.Worker(f"{'-'.join(queues)}@test", queues, "0")
    health.report(worker)
    return worker


def browser_of(rater: Rater) -> Client:
    """The browser of a rater who has already visited the start page."""
    browser = Client()
    session = browser.session
    session[SESSION_KEY] = str(rater.id)
    session.save()
    browser.cookies["sessionid"] = session.session_key
    return browser


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
