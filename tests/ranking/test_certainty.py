"""The states of certainty that every ranking carries."""

from uuid import UUID

import pytest

from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refit_rater
from personalize.worker import loaded_bank
from ratings.ranking import events
from ratings.ranking.services import store_fit
from tests.guests import current_projection, rate_photos


@pytest.fixture(autouse=True)
def hyperprior(monkeypatch):
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)


def rate(rater, *values: str) -> None:
    for value in values:
        assert rater.rate(rater.deck()[0]["token"], value).status_code == 201


def certainty(rater) -> dict:
    return rater.get("/api/v1/ranking?limit=1").json()["certainty"]


def test_before_eight_ratings_pav_is_learning_and_says_how_many_more(alice):
    assert certainty(alice) == {"state": "learning", "more": 8}
    rate(alice, "love", "skip", "dislike", "skip", "like")
    refit_rater(alice.id)
    assert certainty(alice) == {"state": "learning", "more": 5}
    alice.undo()
    assert certainty(alice) == {"state": "learning", "more": 6}


def test_eight_equal_ratings_are_all_alike(alice):
    rate(alice, *["like"] * 7, "skip")
    refit_rater(alice.id)
    assert certainty(alice) == {"state": "learning", "more": 1}
    rate(alice, "like")
    refit_rater(alice.id)
    assert certainty(alice) == {"state": "alike", "more": 0}


def test_after_eight_random_ratings_pav_is_unsure(alice, photos):
    # The same photos in every run: with others, such ratings look like a taste by chance in 3 runs of 100.
    rate_photos(alice, photos[:8], [3, 1, 2, 1] * 2)
    refit_rater(alice.id)
    accuracy = alice.get("/api/v1/ranking?limit=1").json()["accuracy"]
    assert accuracy["low"] < 0 < accuracy["high"]
    assert certainty(alice) == {"state": "unsure", "more": 0}


@pytest.mark.parametrize(
    ("low", "state"),
    [(-0.4, "unsure"), (0.0, "unsure"), (0.01, "finding"), (0.25, "finding"), (0.26, "good"), (0.5, "good"), (0.51, "very_good")],
)
def test_the_lower_end_of_the_interval_decides(alice, monkeypatch, django_capture_on_commit_callbacks, low, state):
    pushed = []
    monkeypatch.setattr(events, "push_ranking", lambda rater, message: pushed.append(message))
    accuracy = {"srocc": 0.6, "low": low, "high": 0.9}
    fit = {"rater_id": UUID(alice.id), "projection": current_projection(), "ratings_seq": 1, "weights": [1.0] * 256, "covariance": b""}
    with django_capture_on_commit_callbacks(execute=True):
        store_fit(**fit, accuracy=accuracy)
    assert certainty(alice) == {"state": state, "more": 0}
    assert [message.certainty.state for message in pushed] == [state]
    assert alice.get("/api/v1/ranking?limit=1").json()["accuracy"] == accuracy
