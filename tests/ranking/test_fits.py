"""Instant fits: rankings, versions, and stale, duplicate or lost refits."""

from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.utils import timezone

from personalize import tasks
from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refit_rater, sweep
from personalize.worker import instant_fit, loaded_bank
from ratings import jobs
from ratings.deck import services
from ratings.deck.selectors import candidates
from ratings.models import Fit, PhotoFeatures, Presentation, Rater
from ratings.photos.scopes import CATALOGUE
from ratings.ranking import events
from ratings.ranking.histories import rating_history
from ratings.ranking.services import begin_refit, claim_lost_refits, store_fit
from tests.guests import current_projection, rate_photos, use_bank

A_LONG_WHILE = 3600


@pytest.fixture(autouse=True)
def hyperprior(monkeypatch):
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)


@pytest.fixture
def queued(monkeypatch) -> list[UUID]:
    """Requested refits, which nothing runs. A long timeout keeps a slow machine from counting one as lost."""
    monkeypatch.setattr(tasks, "LOST_SECONDS", A_LONG_WHILE)
    monkeypatch.setattr(services, "REQUEUE_SECONDS", A_LONG_WHILE)
    requested: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", requested.append)
    return requested


def swipe(rater, value: str = "like") -> None:
    assert rater.rate(rater.deck()[0]["token"], value).status_code == 201


def fitted(rater) -> Fit:
    refit_rater(rater.id)
    return Fit.objects.get(rater=rater.id)


def test_ratings_change_the_ranking(alice):
    before = alice.get("/api/v1/ranking").json()
    for value in ["love", "dislike", "dislike", "like", "dislike", "love"]:
        swipe(alice, value)
    refit_rater(alice.id)
    after = alice.get("/api/v1/ranking").json()
    assert (before["version"], after["version"], after["ratings_seq"]) == (0, 1, 6)
    assert [photo["id"] for photo in before["top"]] != [photo["id"] for photo in after["top"]]
    assert sorted(photo["was"] for photo in after["top"]) == list(range(1, 31))


def test_the_ranking_follows_the_stored_weights(alice, photos):
    rate_photos(alice, photos[5:7], [3, 1])
    fit = fitted(alice)
    features = dict(zip(*candidates(uuid4(), CATALOGUE, 100), strict=True))
    expected = sorted(features, key=lambda photo: -float(features[photo] @ np.array(fit.weights)))
    assert [photo["id"] for photo in alice.get("/api/v1/ranking?limit=30").json()["top"]] == expected


def test_everyones_ranking_is_the_generic_order(alice, photos):
    swipe(alice, "dislike")
    refit_rater(alice.id)
    top = alice.get("/api/v1/ranking?of=everyone&limit=500").json()["top"]
    assert [photo["id"] for photo in top] == [photo.id for photo in photos]


def test_photos_are_returned_with_their_personal_and_generic_place(alice, photos):
    weights = [-1.0] + [0.0] * 255  # the generic order reversed
    store_fit(rater_id=UUID(alice.id), projection=current_projection(), ratings_seq=1, weights=weights, covariance=b"", accuracy=None)
    found = alice.get(f"/api/v1/photos?ids={photos[4].id},999999999,nonsense").json()["photos"]
    assert [(photo["id"], photo["place"], photo["everyones_place"]) for photo in found] == [(photos[4].id, len(photos) - 4, 5)]


def test_a_stale_fit_does_not_replace_a_newer_one(alice, photos):
    new = {"rater_id": UUID(alice.id), "projection": current_projection(), "covariance": b"", "accuracy": None}
    assert store_fit(ratings_seq=5, weights=[1.0] * 256, **new) == 1
    assert store_fit(ratings_seq=4, weights=[2.0] * 256, **new) is None
    assert store_fit(ratings_seq=5, weights=[2.0] * 256, **new) is None
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.version, fit.ratings_seq, fit.weights[0]) == (1, 5, 1.0)


def test_a_refit_that_runs_twice_stores_one_version(alice):
    swipe(alice)
    refit_rater(alice.id)
    refit_rater(alice.id)
    assert Fit.objects.get(rater=alice.id).version == 1


def test_several_ratings_during_a_refit_queue_one_more_refit(alice, queued, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        swipe(alice)
    begin_refit(rater_id=UUID(alice.id))  # the refit starts to read
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(6):
            swipe(alice)
    assert queued == [UUID(alice.id)] * 2


def test_undoing_every_rating_restores_the_generic_ranking_in_a_new_version(alice, photos):
    swipe(alice, "love")
    swipe(alice, "dislike")
    first = fitted(alice).version
    alice.undo()
    alice.undo()
    fit = fitted(alice)
    assert (fit.version, fit.ratings_seq) == (first + 1, 4)
    assert [photo["id"] for photo in alice.get("/api/v1/ranking?limit=30").json()["top"]] == [photo.id for photo in photos]


def test_skips_count_as_events_but_are_not_ratings_of_the_fit(alice):
    for _ in range(3):
        swipe(alice, "skip")
    history = rating_history(UUID(alice.id))
    assert (history.ratings_seq, len(history.values)) == (3, 0)


def test_a_fit_chooses_photos_that_were_not_dealt(alice):
    for value in ["love", "dislike", "like"]:
        swipe(alice, value)
    cards = fitted(alice).next_photos[CATALOGUE.key]
    dealt = set(Presentation.objects.filter(rater=alice.id).values_list("photo", flat=True))
    assert len(cards) == 10
    assert dealt.isdisjoint(card["photo"] for card in cards)
    assert {"gain", "propensity", "version"} == set(cards[0]["reason"])


def test_the_accuracy_appears_after_eight_differing_ratings(alice):
    for number in range(7):
        swipe(alice, ["love", "dislike", "like"][number % 3])
    assert fitted(alice).accuracy is None
    swipe(alice, "dislike")
    accuracy = fitted(alice).accuracy
    assert -1 <= accuracy["low"] <= accuracy["srocc"] <= accuracy["high"] <= 1


def test_the_covariance_is_stored(alice):
    swipe(alice, "love")
    swipe(alice, "dislike")
    expected = instant_fit.fit(rating_history(UUID(alice.id))).covariance
    stored = taste.Covariance.from_bytes(bytes(fitted(alice).covariance))
    assert stored.factor.shape == (256, 2 + len(instant_fit.ANCHORS))
    eye = np.eye(256)
    np.testing.assert_allclose(stored.between(eye, eye), expected.between(eye, eye), atol=2e-3)


def test_the_sweeper_requests_refits_only_for_raters_with_newer_ratings(alice, bob, queued):
    swipe(alice)
    Rater.objects.update(refit_queued_at=None)
    sweep()
    assert queued == [UUID(alice.id)]


def test_the_sweeper_does_not_repeat_a_queued_refit(alice, queued):
    swipe(alice)
    sweep()
    assert queued == []


def test_a_refit_is_stored_when_the_push_fails(alice, settings, monkeypatch, django_capture_on_commit_callbacks):
    def broken(*_):
        raise ConnectionError("Redis is away")

    class Layer:
        async def group_send(self, *_):
            broken()

    monkeypatch.setattr(events, "get_channel_layer", Layer)
    swipe(alice)
    with django_capture_on_commit_callbacks(execute=True):
        refit_rater(alice.id)
    assert Fit.objects.get(rater=alice.id).version == 1


def test_a_refit_of_an_unknown_rater_does_nothing(db):
    refit_rater(str(uuid4()))
    assert Fit.objects.count() == 0


def test_another_projection_makes_every_fit_stale(alice, photos):
    swipe(alice)
    refit_rater(alice.id)
    newer = change_projection(photos)
    refit_rater(alice.id)
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.projection_id, fit.version) == (newer, 2)


def test_the_sweeper_repeats_a_lost_refit_after_the_timeout(alice, queued):
    swipe(alice)
    Rater.objects.update(refit_queued_at=None)
    sweep()
    sweep()
    assert queued == [UUID(alice.id)]
    Rater.objects.update(refit_queued_at=timezone.now() - timedelta(seconds=2 * A_LONG_WHILE))
    sweep()
    assert queued == [UUID(alice.id)] * 2


def test_waiting_time_is_measured_from_the_clock_not_the_transaction_start(alice):
    swipe(alice)
    Rater.objects.update(refit_queued_at=timezone.now())  # long after the transaction of this test has begun
    assert claim_lost_refits(waiting_seconds=0) == [UUID(alice.id)]


def change_projection(photos) -> int:
    """Use another projection that carries nothing over, as an installation of an earlier version may have done."""
    newer = use_bank("newer")
    for photo in photos:
        PhotoFeatures.objects.create(photo=photo, projection_id=newer, generic_score=0.0, features=[0.0] * 256)
    return newer


def test_the_sweeper_requests_refits_of_fits_in_another_projection(alice, photos, queued):
    swipe(alice)
    refit_rater(alice.id)
    change_projection(photos)
    sweep()
    assert queued == [UUID(alice.id)]


def test_the_sweeper_waits_until_photos_have_features_of_the_new_projection(alice, photos, queued):
    swipe(alice)
    refit_rater(alice.id)
    change_projection([])
    sweep()
    assert queued == []


def test_weights_of_another_projection_do_not_rank_photos(alice, photos):
    swipe(alice, "dislike")
    refit_rater(alice.id)
    change_projection(photos)
    mine, generic = (alice.get(f"/api/v1/ranking?of={of}").json() for of in ("me", "everyone"))
    assert mine["top"] == generic["top"]
    assert mine["version"] == 1
