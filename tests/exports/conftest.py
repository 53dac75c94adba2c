"""Fixtures of export tests: a temporary exports folder, requested steps that the test runs itself, raters and an administrator."""

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.test import Client

from personalize.files import banks, extractors, taste_parts
from ratings.models import Fit, Projection, Rater
from ratings.raters.services import make_guest
from tests.exports.asking import staff
from tests.guests import collect_requests, use_bank


@pytest.fixture(autouse=True)
def exports_root(settings, tmp_path) -> Path:
    settings.EXPORTS_ROOT = tmp_path / "exports"
    return settings.EXPORTS_ROOT


@pytest.fixture
def requested(monkeypatch) -> list[UUID]:
    return collect_requests(monkeypatch, "request_export")


@pytest.fixture
def projection(db) -> int:
    """A projection of the shipped bank's raw vectors, which photos are ranked by."""
    current = use_bank(banks.read_metadata().hash)
    data = taste_parts.projection_to_bytes(taste_parts.read().projection)
    Projection.objects.filter(pk=current).update(extractors=extractors.read().hash, data=data)
    return current


@pytest.fixture
def raters(projection) -> list[Rater]:
    """Three raters: two with a fit of the shipped bank, one without ratings."""
    created = [make_guest() for _ in range(3)]
    for number, rater in enumerate(created[:2]):
        weights = np.r_[0.4, 0.3 * np.random.default_rng(number).normal(size=255)]
        Fit.objects.create(rater=rater, projection_id=projection, weights=weights.tolist(), ratings_seq=12)
    return created


@pytest.fixture
def admin(db) -> Client:
    return staff("admin", superuser=True)
