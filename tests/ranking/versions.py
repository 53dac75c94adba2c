"""A synthetic bank for tests of projections: extractors that give 64 numbers per photo, without any network or file."""

from uuid import uuid4

import numpy as np
import pytest

from personalize.files import taste_parts
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.projection import Heads, Projection
from personalize.numerics.raw_features import Group, RawLayout
from personalize.worker import loaded_bank
from personalize.worker import projections as worker
from ratings import jobs
from ratings.models import Bank, Photo
from ratings.ranking import projections, raw_features
from ratings.ranking.features import store_features

EXTRACTORS, OTHER_EXTRACTORS = "e" * 16, "f" * 16
WIDTH = 64  # numbers per photo; the last is the score


def own_projection(seed: int = 0, width: int = WIDTH) -> bytes:
    """The projection of a synthetic bank: the score, then the other numbers turned around."""
    matrix = np.zeros((width, 256), dtype=np.float32)
    matrix[-1, 0] = 1
    matrix[:-1, 1:width] = np.linalg.qr(np.random.default_rng(seed).normal(size=(width - 1, width - 1)))[0] / 4
    return taste_parts.projection_to_bytes(Projection(("generic",), np.zeros(width, dtype=np.float32), matrix))


def raw_vectors(count: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    """(count, width): raw vectors of photos; the score depends on some of the other numbers."""
    raw = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    raw[:, -1] = (raw[:, :3].sum(axis=1) + raw[:, -1]) / 2
    return raw


def install(monkeypatch: pytest.MonkeyPatch, hash: str = "first", extractors: str = EXTRACTORS, width: int = WIDTH, seed: int = 0) -> None:
    """Install a synthetic bank, as the next start after `./pav migrate` finds it."""
    monkeypatch.setattr(loaded_bank, "extractors", lambda: extractors)
    monkeypatch.setattr(loaded_bank, "raw_layout", lambda: RawLayout((Group("embedding", width - 1, "columns"),)))
    monkeypatch.setattr(loaded_bank, "heads", lambda: Heads(("generic",), np.eye(width)[:, -1:]))
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)
    projections.register_bank(hash=hash, metadata={}, extractors=extractors, data=own_projection(seed, width))


def new_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation whose first bank is the synthetic one."""
    Bank.objects.all().delete()
    install(monkeypatch)


def add_photos(count: int, seed: int = 0, with_features: bool = True) -> list[Photo]:
    """Photos with raw vectors and, as after extraction, features of the current projection."""
    photos = Photo.objects.bulk_create(
        Photo(name=f"{seed}-{n}.jpg", sha256=uuid4().hex * 2, content_hash=uuid4().hex[:16], width=640, height=480, thumbhash="")
        for n in range(count)
    )
    ids, raw = [photo.id for photo in photos], raw_vectors(count, seed)
    raw_features.store_raw_features(extractors=EXTRACTORS, photo_ids=ids, raw=raw)
    if with_features:
        current = projections.current()
        assert current is not None
        store_features(projection=current.id, photo_ids=ids, features=worker.loaded(current.id).apply(raw))
    return photos


def learn() -> int:
    """Learn a projection from all photos; it fills from now on. Returns its id."""
    current = projections.current()
    assert current is not None
    learned = worker.learn(current)
    assert learned is not None
    return learned.pk


def fill(projection: int) -> None:
    """Run steps until none is left."""
    while worker.fill_step(projection):
        pass


def collect_all_requests(monkeypatch: pytest.MonkeyPatch) -> dict[str, list]:
    """Requests by name, which no worker runs; the slow queue appears empty."""
    found: dict[str, list] = {}
    for name in ("request_refit", "request_features", "request_exact_refit", "request_fill", "request_learning"):
        monkeypatch.setattr(jobs, name, found.setdefault(name, []).append)
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    return found
