"""Exports go to a folder of the test; steps that are asked for wait until the test does them."""

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.test import Client

from personalize.files import banks
from ratings import services
from ratings.models import Fit, Person
from tests.ratings.conftest import kept_waiting
from tests.ratings.exports.asking import staff


@pytest.fixture(autouse=True)
def exports_root(settings, tmp_path) -> Path:
    settings.EXPORTS_ROOT = tmp_path / "exports"
    return settings.EXPORTS_ROOT


@pytest.fixture
def asked(monkeypatch) -> list[UUID]:
    return kept_waiting(monkeypatch, "request_export")


@pytest.fixture
def people(db) -> list[Person]:
    """Three people: two with a fit made with the shipped bank, one who has answered nothing."""
    card = banks.read_card()
    services.use_bank(hash=card.hash, card=card.facts)
    made = [services.make_guest() for _ in range(3)]
    for number, person in enumerate(made[:2]):
        weights = np.r_[0.4, 0.3 * np.random.default_rng(number).normal(size=255)]
        Fit.objects.filter(person=person).update(bank=card.hash, weights=weights.tolist(), ratings_seq=12)
    return made


@pytest.fixture
def admin(db) -> Client:
    return staff("admin", superuser=True)
