"""Coefficients on task heads, stored with each fit."""

import pytest

from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refit_rater
from personalize.worker import loaded_bank, projections

NAMES = ("generic", "pooled", "houses")


@pytest.fixture(autouse=True)
def bank(monkeypatch):
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)
    monkeypatch.setattr(projections, "directions", lambda projection: NAMES)


def coefficients(rater) -> dict:
    return rater.get("/api/v1/coefficients").json()


def test_before_the_first_rating_there_are_none(alice):
    assert coefficients(alice) == {"ratings_seq": 0, "coefficients": []}


def test_every_fit_has_one_coefficient_per_task_head_with_its_deviation(alice):
    for value in ("love", "dislike", "like"):
        alice.rate(alice.deck()[0]["token"], value)
    refit_rater(alice.id)
    found = coefficients(alice)
    assert found["ratings_seq"] == 3
    assert [one["name"] for one in found["coefficients"]] == list(NAMES)
    assert all(one["sd"] > 0 for one in found["coefficients"])


def test_they_follow_the_next_rating(alice):
    alice.rate(alice.deck()[0]["token"], "love")
    refit_rater(alice.id)
    before = coefficients(alice)["coefficients"]
    alice.rate(alice.deck()[0]["token"], "dislike")
    refit_rater(alice.id)
    assert coefficients(alice)["coefficients"] != before


def test_they_are_each_raters_own(alice, bob):
    alice.rate(alice.deck()[0]["token"], "love")
    refit_rater(alice.id)
    assert coefficients(bob)["coefficients"] == []
