"""Population prior: consent to share, the nightly version, and its effect on rankings."""

import io
import json
import pickle
import threading
from uuid import UUID

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from personalize.numerics import population_folds
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refit_rater, sweep
from personalize.worker import loaded_bank, population_prior
from ratings import jobs
from ratings.models import Fit, Photo, PhotoFeatures, PopulationPrior, Presentation, Rater
from ratings.ranking.histories import rating_history
from ratings.ranking.population_prior import activate, fold_of, scores_of_unrated, shared_ratings
from ratings.ranking.selectors import generic_weights, ranking_message
from ratings.raters.selectors import shares_ratings
from ratings.raters.services import set_sharing
from tests.guests import current_projection, give_features, make_photos, use_bank
from tests.ranking.locks import comes_to_wait

PHOTOS, RATERS, RATINGS_EACH = 120, 60, 60


@pytest.fixture(autouse=True)
def hyperprior(monkeypatch):
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)


LEARNED: dict[bytes, object] = {}


@pytest.fixture(autouse=True)
def learned_once(monkeypatch):
    """The same ratings are learned from once in all these tests: it takes seconds, and gives the same each time."""
    learn = population_folds.learn

    def learn_once(*ratings, progress):
        key = pickle.dumps(ratings)
        if key not in LEARNED:
            LEARNED[key] = learn(*ratings, progress=progress)
        return LEARNED[key]

    monkeypatch.setattr(population_folds, "learn", learn_once)


@pytest.fixture
def photos(db) -> list[Photo]:
    return make_photos(PHOTOS)


@pytest.fixture
def average_liking(photos) -> np.ndarray:
    """How much raters like each photo on average; the features explain a part of it."""
    features = np.array([list(row) for row in PhotoFeatures.objects.order_by("photo_id").values_list("features", flat=True)])
    return 16 * features[:, 1:3].sum(axis=1) + 0.5 * np.random.default_rng(1).normal(size=len(photos))


@pytest.fixture
def sharing_raters(photos, average_liking) -> np.ndarray:
    """Sixty raters who share their ratings and agree about as much as real raters do."""
    rng = np.random.default_rng(4)
    for number in range(RATERS):
        add_sharing_rater(number, photos, average_liking + 0.5 * rng.normal(size=len(photos)), rng.permutation(len(photos))[:RATINGS_EACH])
    return average_liking


def add_sharing_rater(number: int, photos: list[Photo], liked: np.ndarray, which: np.ndarray) -> None:
    """Create a rater who shares ratings; the number decides the fold."""
    rater = Rater.objects.create(id=UUID(int=1 + number), shares_ratings_since=timezone.now())
    store_ratings(rater.id, photos, liked, which)


def store_ratings(rater: UUID, photos: list[Photo], liked: np.ndarray, which: np.ndarray) -> None:
    low, high = np.quantile(liked, [1 / 3, 2 / 3])
    Presentation.objects.filter(rater=rater, rated_at=None).delete()  # the page deals some
    Presentation.objects.bulk_create(
        Presentation(
            rater_id=rater,
            photo=photos[place],
            position=place,
            value=1 + int(liked[place] > low) + int(liked[place] > high),
            rated_at=timezone.now(),
        )
        for place in which
    )
    Rater.objects.filter(id=rater).update(ratings_seq=len(which))


def population_scores() -> np.ndarray:
    """(photos, folds, 2): the population scores of each fold."""
    rows = PhotoFeatures.objects.order_by("photo_id").values_list("population_scores", flat=True)
    return np.array([list(row) for row in rows]).reshape(-1, 5, 2)


def test_raters_do_not_share_ratings_by_default(alice):
    assert alice.get("/api/v1/me").json() == {"shares_ratings": False}
    assert "checked aria-describedby" not in alice.get("/").content.decode()


def test_consent_to_share_is_stored_and_can_be_withdrawn(alice, bob):
    for on in (True, True, False):
        reply = alice.browser.patch("/api/v1/me", {"shares_ratings": on}, content_type="application/json", headers=alice.headers())
        assert (reply.status_code, reply.json()) == (200, {"shares_ratings": on})
        assert alice.get("/api/v1/me").json() == {"shares_ratings": on}
        assert ("checked aria-describedby" in alice.get("/").content.decode()) == on
    assert bob.get("/api/v1/me").json() == {"shares_ratings": False}


def test_changing_consent_without_the_csrf_token_is_refused(alice):
    assert alice.browser.patch("/api/v1/me", {"shares_ratings": True}, content_type="application/json").status_code == 403
    assert not shares_ratings(UUID(alice.id))


def test_an_invalid_value_of_consent_is_refused(alice):
    reply = alice.browser.patch("/api/v1/me", {"shares_ratings": "perhaps"}, content_type="application/json", headers=alice.headers())
    assert reply.status_code == 422
    assert "shares_ratings" in reply.json()["detail"]


def test_shared_ratings_of_many_raters_become_the_current_prior(alice, photos, sharing_raters):
    version = population_prior.learn()
    assert (version.is_current, version.rater_count, version.photo_count) == (True, RATERS, len(photos))
    means = population_scores()[:, :, 0]
    assert all(np.corrcoef(means[:, fold], sharing_raters)[0, 1] > 0.8 for fold in range(5))


def ranking_agreement(rater: UUID, photos: list[Photo], average_liking: np.ndarray) -> float:
    refit_rater(str(rater))
    order = [photo.id for photo in ranking_message(rater, 500).top]
    return float(np.corrcoef([-order.index(photo.id) for photo in photos], average_liking)[0, 1])


def test_a_few_ratings_rank_better_with_the_population_prior(alice, photos, sharing_raters):
    store_ratings(UUID(alice.id), photos, sharing_raters, np.arange(6))
    without_prior = ranking_agreement(UUID(alice.id), photos, sharing_raters)
    population_prior.learn()
    with_prior = ranking_agreement(UUID(alice.id), photos, sharing_raters)
    assert with_prior > without_prior + 0.3
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.version, fit.population_prior.is_current) == (2, True)


def test_a_score_is_the_sum_of_features_and_population_scores(alice, photos, sharing_raters):
    store_ratings(UUID(alice.id), photos, sharing_raters, np.arange(10))
    population_prior.learn()
    refit_rater(alice.id)
    fit = Fit.objects.get(rater=alice.id)
    shown = {photo["id"]: photo["score"] for photo in alice.get("/api/v1/ranking?limit=500").json()["top"]}
    for row in PhotoFeatures.objects.all():
        score = np.dot(list(row.features), list(fit.weights)) + np.dot(list(row.population_scores), list(fit.population_weights))
        assert shown[row.photo_id] == pytest.approx(score, abs=2e-3)


def test_the_ratings_of_a_rater_do_not_change_the_scores_of_their_own_fold(photos, sharing_raters):
    teacher = Rater.objects.get(id=UUID(int=1))
    population_prior.learn()
    before = population_scores()
    Presentation.objects.filter(rater=teacher).update(value=1)
    Presentation.objects.filter(rater=teacher, photo=photos[0]).update(value=3)
    population_prior.learn()
    own = fold_of(teacher.id)
    changed = np.abs(population_scores() - before).max(axis=(0, 2)) > 1e-3
    assert not changed[own]
    assert changed.sum() == 4


def test_ratings_without_consent_are_not_in_the_prior(alice, photos, sharing_raters):
    store_ratings(UUID(alice.id), photos, -sharing_raters, np.arange(20))
    assert UUID(alice.id) not in shared_ratings().raters
    set_sharing(rater_id=UUID(alice.id), on=True)
    assert UUID(alice.id) in shared_ratings().raters
    set_sharing(rater_id=UUID(alice.id), on=False)
    assert UUID(alice.id) not in shared_ratings().raters


def test_ratings_of_photos_with_an_owner_are_not_in_the_prior(alice, photos, sharing_raters):
    row = Rater.objects.get(id=alice.id)
    own = make_photos(3, seed=9, owner=row)
    set_sharing(rater_id=row.id, on=True)
    store_ratings(row.id, own, np.array([0.0, 1.0, 2.0]), np.arange(3))
    assert not {photo.id for photo in own} & set(shared_ratings().photo_ids.tolist())


def test_too_few_raters_give_no_prior_and_a_reason(photos):
    for number in range(5):
        add_sharing_rater(number, photos, np.arange(float(PHOTOS)), np.arange(20))
    version = population_prior.learn()
    assert not version.is_current
    assert "raters are too few: 20 are needed" in version.report["reason"]


def test_a_prior_that_does_not_help_is_not_used(photos):
    rng = np.random.default_rng(0)
    for number in range(RATERS):  # every rater likes something else
        add_sharing_rater(number, photos, rng.normal(size=len(photos)), rng.permutation(len(photos))[:RATINGS_EACH])
    version = population_prior.learn()
    assert not version.is_current
    assert version.report["reason"] == "On held-out raters it does not help."
    assert not population_scores().any()


def test_the_prior_is_dropped_when_too_many_raters_withdraw(alice, photos, sharing_raters, monkeypatch):
    store_ratings(UUID(alice.id), photos, sharing_raters, np.arange(6))
    population_prior.learn()
    refit_rater(alice.id)
    Rater.objects.update(shares_ratings_since=None)
    assert not population_prior.learn().is_current
    assert not population_scores().any()
    requested: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", requested.append)
    sweep()
    assert UUID(alice.id) in requested
    refit_rater(alice.id)
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.population_prior, any(fit.population_weights)) == (None, False)


def test_a_new_version_requests_a_refit_of_every_rater(alice, photos, sharing_raters, monkeypatch):
    store_ratings(UUID(alice.id), photos, sharing_raters, np.arange(6))
    population_prior.learn()
    refit_rater(alice.id)
    fitted = Fit.objects.get(rater=alice.id)  # all other raters have a current fit too
    Fit.objects.bulk_create(
        Fit(
            rater=rater,
            weights=generic_weights(),
            projection=fitted.projection,
            ratings_seq=RATINGS_EACH,
            population_prior=fitted.population_prior,
        )
        for rater in Rater.objects.exclude(id=alice.id)
    )
    requested: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", requested.append)
    sweep()
    assert requested == []
    population_prior.learn()
    sweep()
    assert sorted(requested) == sorted(Rater.objects.values_list("id", flat=True))
    refit_rater(alice.id)
    assert Fit.objects.get(rater=alice.id).version == 2
    assert rating_history(UUID(alice.id)) is None


def test_successive_versions_keep_the_sign_of_a_factor(photos, sharing_raters):
    population_prior.learn()
    for row in PhotoFeatures.objects.all():  # as if the previous version had found the same factors with opposite signs
        signs = np.tile([1.0, -1.0], 5)
        PhotoFeatures.objects.filter(pk=row.pk).update(population_scores=(signs * np.array(list(row.population_scores))).tolist())
    before = population_scores()[:, :, 1]
    population_prior.learn()
    assert (np.einsum("pf,pf->f", before, population_scores()[:, :, 1]) > 0).all()


def test_a_prior_of_another_projection_is_not_used(alice, photos, sharing_raters):
    population_prior.learn()
    newer = use_bank("newer")
    for photo in photos:
        PhotoFeatures.objects.create(photo=photo, projection_id=newer, generic_score=0.0, features=[0.0] * 256)
    assert not any(any(row) for row in PhotoFeatures.objects.filter(projection=newer).values_list("population_scores", flat=True))
    store_ratings(UUID(alice.id), photos, sharing_raters, np.arange(6))
    refit_rater(alice.id)
    assert Fit.objects.get(rater=alice.id).population_prior is None


@pytest.mark.django_db(transaction=True)
def test_a_photo_that_gets_features_during_activation_gets_population_scores(photos):
    features = np.random.default_rng(0).normal(size=256).astype(np.float16)
    weights = np.random.default_rng(1).normal(size=(5, 256))
    projection = current_projection()
    PhotoFeatures.objects.filter(photo=photos[0]).delete()
    extraction = threading.Thread(target=store_in_thread, args=(photos[0], features, projection))

    with transaction.atomic():
        activate(projection=projection, rater_count=RATERS, weights=weights, report={}, rated={})
        extraction.start()
        assert comes_to_wait(extraction)
    extraction.join()

    stored = np.array(PhotoFeatures.objects.get(photo=photos[0]).population_scores)
    np.testing.assert_allclose(stored, scores_of_unrated(features[None].astype(float), weights)[0], rtol=1e-2, atol=1e-2)


def store_in_thread(photo: Photo, features: np.ndarray, projection: int) -> None:
    """Store features from a thread with its own connection."""
    try:
        give_features(photo, features, projection)
    finally:
        connection.close()


def test_population_scores_of_unrated_photos_follow_their_features():
    features = np.random.default_rng(0).normal(size=(3, 256))
    weights = np.random.default_rng(1).normal(size=(5, 256))
    scores = scores_of_unrated(features, weights).reshape(3, 5, 2)
    np.testing.assert_allclose(scores[:, :, 0], features @ weights.T)
    assert not scores[:, :, 1].any()


def test_the_command_activates_a_version_and_reports_it(photos, sharing_raters):
    out = io.StringIO()
    call_command("learn_population_prior", stdout=out)
    assert f"{RATERS} raters share their ratings of {len(photos)} photos.\nIt is in use." in out.getvalue()
    out = io.StringIO()
    call_command("learn_population_prior", json=True, stdout=out)
    assert json.loads(out.getvalue())["used"] is True
    assert PopulationPrior.objects.filter(is_current=True).count() == 1


def test_no_prior_is_learned_without_a_bank(no_bank):
    assert population_prior.learn() is None
