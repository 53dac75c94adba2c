"""Exports go to a folder of the test; queued steps wait until the test runs them."""

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.test import Client

from personalize.files import banks
from ratings.models import Fit, Rater
from ratings.ranking.features import use_bank
from ratings.raters.services import make_guest
from tests.exports.asking import staff
from tests.guests import collect_requests


@pytest.fixture(autouse=True)
def exports_root(settings, tmp_path) -> Path:
    settings.EXPORTS_ROOT = tmp_path / "exports"
    return settings.EXPORTS_ROOT


@pytest.fixture
def asked(monkeypatch) -> list[UUID]:
    return collect_requests(monkeypatch, "request_export")


@pytest.fixture
def raters(db) -> list[Rater]:
    """Three raters: two with a fit that uses the shipped bank, one without any rating."""
    card = banks.read_metadata()
    use_bank(hash=card.hash, metadata=card.facts)
    made = [make_guest() for _ in range(3)]
    for number, rater in enumerate(made[:2]):
        weights = np.r_[0.4, 0.3 * np.random.default_rng(number).normal(size=255)]
        Fit.objects.create(rater=rater, bank_id=card.hash, weights=weights.tolist(), ratings_seq=12)
    return made


@pytest.fixture
def admin(db) -> Client:
    return staff("admin", superuser=True)
