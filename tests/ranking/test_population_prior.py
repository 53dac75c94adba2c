"""Answers that people share: consent, what is learned of them at night, and what it does to rankings."""

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
from ratings.models import Bank, Fit, Photo, PhotoFeatures, PopulationPrior, Presentation, Rater
from ratings.ranking.features import store_features, use_bank
from ratings.ranking.histories import rating_history
from ratings.ranking.population_prior import activate, fold_of, scores_of_unrated, shared_ratings
from ratings.ranking.selectors import generic_weights, ranking_message
from ratings.raters.selectors import shares_ratings
from ratings.raters.services import set_sharing
from tests.guests import make_photos

PHOTOS, RATERS, ANSWERS = 120, 60, 60


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
def common(photos) -> np.ndarray:
    """How much people like each photo on average: partly by what its features tell."""
    features = np.array([list(row) for row in PhotoFeatures.objects.order_by("photo_id").values_list("features", flat=True)])
    return 16 * features[:, 1:3].sum(axis=1) + 0.5 * np.random.default_rng(1).normal(size=len(photos))


@pytest.fixture
def everybody(photos, common) -> np.ndarray:
    """Sixty people who share their answers and agree about as well as people do."""
    rng = np.random.default_rng(4)
    for number in range(RATERS):
        teacher(number, photos, common + 0.5 * rng.normal(size=len(photos)), rng.permutation(len(photos))[:ANSWERS])
    return common


def teacher(number: int, photos: list[Photo], liked: np.ndarray, which: np.ndarray) -> None:
    """Somebody who shares their answers; the fold follows from the number."""
    rater = Rater.objects.create(id=UUID(int=1 + number), shares_ratings_since=timezone.now())
    answer(rater.id, photos, liked, which)


def answer(rater: UUID, photos: list[Photo], liked: np.ndarray, which: np.ndarray) -> None:
    low, high = np.quantile(liked, [1 / 3, 2 / 3])
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


def told() -> np.ndarray:
    """(photos, folds, 2): what each fold is told."""
    rows = PhotoFeatures.objects.order_by("photo_id").values_list("population_scores", flat=True)
    return np.array([list(row) for row in rows]).reshape(-1, 5, 2)


def test_nobody_shares_unless_they_say_so(alice):
    assert alice.get("/api/v1/me").json() == {"shares_ratings": False}
    assert "checked aria-describedby" not in alice.get("/").content.decode()


def test_the_choice_is_kept_and_can_be_taken_back(alice, bob):
    for on in (True, True, False):
        reply = alice.browser.patch("/api/v1/me", {"shares_ratings": on}, content_type="application/json", headers=alice.headers())
        assert (reply.status_code, reply.json()) == (200, {"shares_ratings": on})
        assert alice.get("/api/v1/me").json() == {"shares_ratings": on}
        assert ("checked aria-describedby" in alice.get("/").content.decode()) == on
    assert bob.get("/api/v1/me").json() == {"shares_ratings": False}


def test_the_choice_needs_the_token_of_the_page(alice):
    assert alice.browser.patch("/api/v1/me", {"shares_ratings": True}, content_type="application/json").status_code == 403
    assert not shares_ratings(UUID(alice.id))


def test_nonsense_is_no_choice(alice):
    reply = alice.browser.patch("/api/v1/me", {"shares_ratings": "perhaps"}, content_type="application/json", headers=alice.headers())
    assert reply.status_code == 422
    assert "shares_ratings" in reply.json()["detail"]


def test_what_many_raters_share_is_learned_and_used(alice, photos, everybody):
    version = population_prior.learn()
    assert (version.is_current, version.rater_count, version.photo_count) == (True, RATERS, len(photos))
    means = told()[:, :, 0]
    assert all(np.corrcoef(means[:, fold], everybody)[0, 1] > 0.8 for fold in range(5))


def ranks_alike(rater: UUID, photos: list[Photo], common: np.ndarray) -> float:
    refit_rater(str(rater))
    order = [photo.id for photo in ranking_message(rater, 500).top]
    return float(np.corrcoef([-order.index(photo.id) for photo in photos], common)[0, 1])


def test_a_few_answers_rank_better_with_what_others_taught(alice, photos, everybody):
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    alone = ranks_alike(UUID(alice.id), photos, everybody)
    population_prior.learn()
    together = ranks_alike(UUID(alice.id), photos, everybody)
    assert together > alone + 0.3
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.version, fit.population_prior.is_current) == (2, True)


def test_a_score_is_that_of_the_features_and_of_what_others_taught(alice, photos, everybody):
    answer(UUID(alice.id), photos, everybody, np.arange(10))
    population_prior.learn()
    refit_rater(alice.id)
    fit = Fit.objects.get(rater=alice.id)
    shown = {photo["id"]: photo["score"] for photo in alice.get("/api/v1/ranking?limit=500").json()["top"]}
    for row in PhotoFeatures.objects.all():
        score = np.dot(list(row.features), list(fit.weights)) + np.dot(list(row.population_scores), list(fit.population_weights))
        assert shown[row.photo_id] == pytest.approx(score, abs=2e-3)


def test_no_answer_comes_back_to_whoever_gave_it(photos, everybody):
    teacher = Rater.objects.get(id=UUID(int=1))
    population_prior.learn()
    before = told()
    Presentation.objects.filter(rater=teacher).update(value=1)
    Presentation.objects.filter(rater=teacher, photo=photos[0]).update(value=3)
    population_prior.learn()
    own = fold_of(teacher.id)
    changed = np.abs(told() - before).max(axis=(0, 2)) > 1e-3
    assert not changed[own]
    assert changed.sum() == 4


def test_raters_who_do_not_share_teach_nobody(alice, photos, everybody):
    answer(UUID(alice.id), photos, -everybody, np.arange(20))
    assert UUID(alice.id) not in shared_ratings().raters
    set_sharing(rater_id=UUID(alice.id), on=True)
    assert UUID(alice.id) in shared_ratings().raters
    set_sharing(rater_id=UUID(alice.id), on=False)
    assert UUID(alice.id) not in shared_ratings().raters


def test_photos_of_an_own_album_teach_nobody(alice, photos, everybody):
    row = Rater.objects.get(id=alice.id)
    own = make_photos(3, seed=9, owner=row)
    set_sharing(rater_id=row.id, on=True)
    answer(row.id, own, np.array([0.0, 1.0, 2.0]), np.arange(3))
    assert not {photo.id for photo in own} & set(shared_ratings().photo_ids.tolist())


def test_too_few_raters_teach_nothing_and_the_reason_is_told(photos):
    for number in range(5):
        teacher(number, photos, np.arange(float(PHOTOS)), np.arange(20))
    version = population_prior.learn()
    assert not version.is_current
    assert "raters are too few: 20 are needed" in version.report["reason"]


def test_where_it_does_not_help_it_is_not_used(photos):
    rng = np.random.default_rng(0)
    for number in range(RATERS):  # everybody likes something else
        teacher(number, photos, rng.normal(size=len(photos)), rng.permutation(len(photos))[:ANSWERS])
    version = population_prior.learn()
    assert not version.is_current
    assert version.report["reason"] == "On held-out raters it does not help."
    assert not told().any()


def test_when_too_many_take_their_answers_back_it_is_no_longer_used(alice, photos, everybody, monkeypatch):
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    population_prior.learn()
    refit_rater(alice.id)
    Rater.objects.update(shares_ratings_since=None)
    assert not population_prior.learn().is_current
    assert not told().any()
    asked: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", asked.append)
    sweep()
    assert UUID(alice.id) in asked
    refit_rater(alice.id)
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.population_prior, any(fit.population_weights)) == (None, False)


def test_a_new_version_has_everybody_refitted(alice, photos, everybody, monkeypatch):
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    population_prior.learn()
    refit_rater(alice.id)
    fitted = Fit.objects.get(rater=alice.id)  # the others' fits are as new
    Fit.objects.bulk_create(
        Fit(rater=rater, weights=generic_weights(), bank=fitted.bank, ratings_seq=ANSWERS, population_prior=fitted.population_prior)
        for rater in Rater.objects.exclude(id=alice.id)
    )
    asked: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", asked.append)
    sweep()
    assert asked == []
    population_prior.learn()
    sweep()
    assert sorted(asked) == sorted(Rater.objects.values_list("id", flat=True))
    refit_rater(alice.id)
    assert Fit.objects.get(rater=alice.id).version == 2
    assert rating_history(UUID(alice.id)) is None


def test_versions_agree_on_the_sign_of_a_taste(photos, everybody):
    population_prior.learn()
    for row in PhotoFeatures.objects.all():  # as if the version before had found the same tastes the other way round
        signs = np.tile([1.0, -1.0], 5)
        PhotoFeatures.objects.filter(pk=row.pk).update(population_scores=(signs * np.array(list(row.population_scores))).tolist())
    before = told()[:, :, 1]
    population_prior.learn()
    assert (np.einsum("pf,pf->f", before, told()[:, :, 1]) > 0).all()


def test_the_version_of_another_bank_is_not_used(alice, photos, everybody):
    population_prior.learn()
    use_bank(hash="newer", metadata={})
    for photo in photos:
        store_features(photo_id=photo.id, bank="newer", generic_score=0.0, features=[0.0] * 256)
    assert not any(any(row) for row in PhotoFeatures.objects.filter(bank="newer").values_list("population_scores", flat=True))
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    refit_rater(alice.id)
    assert Fit.objects.get(rater=alice.id).population_prior is None


@pytest.mark.django_db(transaction=True)
def test_a_photo_described_while_a_version_comes_into_use_has_its_numbers(photos):
    features = np.random.default_rng(0).normal(size=256).astype(np.float16)
    weights = np.random.default_rng(1).normal(size=(5, 255))
    bank = Bank.objects.get(is_current=True).hash
    PhotoFeatures.objects.filter(photo=photos[0]).delete()
    describing = threading.Thread(target=describe, args=(photos[0].id, bank, features.tolist()))

    with transaction.atomic():
        activate(bank=bank, rater_count=RATERS, weights=weights, report={}, rated={})
        describing.start()
        describing.join(0.3)
    describing.join()

    stored = np.array(PhotoFeatures.objects.get(photo=photos[0]).population_scores)
    np.testing.assert_allclose(stored, scores_of_unrated(features[None].astype(float), weights)[0], rtol=1e-2, atol=1e-2)


def describe(photo: int, bank: str, features: list[float]) -> None:
    """In a thread, with a connection of its own."""
    try:
        store_features(photo_id=photo, bank=bank, generic_score=0.0, features=features)
    finally:
        connection.close()


def test_photos_that_nobody_rated_follow_their_features():
    features = np.random.default_rng(0).normal(size=(3, 256))
    weights = np.random.default_rng(1).normal(size=(5, 255))
    told = scores_of_unrated(features, weights).reshape(3, 5, 2)
    np.testing.assert_allclose(told[:, :, 0], features[:, 1:] @ weights.T)
    assert not told[:, :, 1].any()


def test_the_command_learns_and_tells(photos, everybody):
    out = io.StringIO()
    call_command("learn_population_prior", stdout=out)
    assert f"{RATERS} raters share their ratings of {len(photos)} photos.\nIt is in use." in out.getvalue()
    out = io.StringIO()
    call_command("learn_population_prior", json=True, stdout=out)
    assert json.loads(out.getvalue())["used"] is True
    assert PopulationPrior.objects.filter(is_current=True).count() == 1


def test_nothing_is_learned_without_a_bank(no_bank):
    assert population_prior.learn() is None
