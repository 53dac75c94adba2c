"""Answers that people share: consent, what is learned of them at night, and what it does to rankings."""

import io
import json
import threading
from uuid import UUID

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from personalize.app import nightly, serving
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refit_person, sweep
from ratings import jobs, rankings, selectors, services, sharing
from ratings.models import Bank, Description, Fit, Person, Photo, Population, Presentation
from tests.ratings.conftest import make_photos

PHOTOS, PEOPLE, ANSWERS = 120, 60, 60


@pytest.fixture(autouse=True)
def hyperprior(monkeypatch):
    monkeypatch.setattr(serving, "hyperprior", Hyperprior.flat)


@pytest.fixture
def photos(db) -> list[Photo]:
    return make_photos(PHOTOS)


@pytest.fixture
def common(photos) -> np.ndarray:
    """How much people like each photo on average: partly by what its features tell."""
    features = np.array([list(row) for row in Description.objects.order_by("photo_id").values_list("features", flat=True)])
    return 16 * features[:, 1:3].sum(axis=1) + 0.5 * np.random.default_rng(1).normal(size=len(photos))


@pytest.fixture
def everybody(photos, common) -> np.ndarray:
    """Sixty people who share their answers and agree about as well as people do."""
    rng = np.random.default_rng(4)
    for number in range(PEOPLE):
        teacher(number, photos, common + 0.5 * rng.normal(size=len(photos)), rng.permutation(len(photos))[:ANSWERS])
    return common


def teacher(number: int, photos: list[Photo], liked: np.ndarray, which: np.ndarray) -> None:
    """Somebody who shares their answers; the fold follows from the number."""
    person = Person.objects.create(id=UUID(int=1 + number), shares_answers_since=timezone.now())
    Fit.objects.create(person=person, weights=rankings.generic_weights())
    answer(person.id, photos, liked, which)


def answer(person: UUID, photos: list[Photo], liked: np.ndarray, which: np.ndarray) -> None:
    low, high = np.quantile(liked, [1 / 3, 2 / 3])
    Presentation.objects.bulk_create(
        Presentation(
            person_id=person,
            photo=photos[place],
            position=place,
            value=1 + int(liked[place] > low) + int(liked[place] > high),
            answered_at=timezone.now(),
        )
        for place in which
    )
    Person.objects.filter(id=person).update(ratings_seq=len(which))


def told() -> np.ndarray:
    """(photos, folds, 2): what each fold is told."""
    rows = Description.objects.order_by("photo_id").values_list("shared", flat=True)
    return np.array([list(row) for row in rows]).reshape(-1, 5, 2)


def test_nobody_shares_unless_they_say_so(alice):
    assert alice.get("/api/v1/me").json() == {"shares_answers": False}
    assert "checked aria-describedby" not in alice.get("/").content.decode()


def test_the_choice_is_kept_and_can_be_taken_back(alice, bob):
    for on in (True, True, False):
        reply = alice.browser.patch("/api/v1/me", {"shares_answers": on}, content_type="application/json", headers=alice.headers())
        assert (reply.status_code, reply.json()) == (200, {"shares_answers": on})
        assert alice.get("/api/v1/me").json() == {"shares_answers": on}
        assert ("checked aria-describedby" in alice.get("/").content.decode()) == on
    assert bob.get("/api/v1/me").json() == {"shares_answers": False}


def test_the_choice_needs_the_token_of_the_page(alice):
    assert alice.browser.patch("/api/v1/me", {"shares_answers": True}, content_type="application/json").status_code == 403
    assert not sharing.shares_answers(UUID(alice.id))


def test_nonsense_is_no_choice(alice):
    reply = alice.browser.patch("/api/v1/me", {"shares_answers": "perhaps"}, content_type="application/json", headers=alice.headers())
    assert reply.status_code == 422
    assert "shares_answers" in reply.json()["detail"]


def test_what_many_people_share_is_learned_and_used(alice, photos, everybody):
    version = nightly.learn()
    assert (version.is_current, version.people, version.photos) == (True, PEOPLE, len(photos))
    means = told()[:, :, 0]
    assert all(np.corrcoef(means[:, fold], everybody)[0, 1] > 0.8 for fold in range(5))


def ranks_alike(person: UUID, photos: list[Photo], common: np.ndarray) -> float:
    refit_person(str(person))
    order = [photo["id"] for photo in rankings.ranking_message(person, 500)["top"]]
    return float(np.corrcoef([-order.index(photo.id) for photo in photos], common)[0, 1])


def test_a_few_answers_rank_better_with_what_others_taught(alice, photos, everybody):
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    alone = ranks_alike(UUID(alice.id), photos, everybody)
    nightly.learn()
    together = ranks_alike(UUID(alice.id), photos, everybody)
    assert together > alone + 0.3
    fit = Fit.objects.get(person=alice.id)
    assert (fit.version, fit.population.is_current) == (2, True)


def test_an_exact_figure_says_how_a_score_is_made(alice, photos, everybody):
    answer(UUID(alice.id), photos, everybody, np.arange(10))
    nightly.learn()
    refit_person(alice.id)
    fit = Fit.objects.get(person=alice.id)
    shown = {photo["id"]: photo["score"] for photo in alice.get("/api/v1/ranking?limit=500").json()["top"]}
    for row in Description.objects.all():
        score = np.dot(list(row.features), list(fit.weights)) + np.dot(list(row.shared), list(fit.shared))
        assert shown[row.photo_id] == pytest.approx(score, abs=2e-3)


def test_no_answer_comes_back_to_whoever_gave_it(photos, everybody):
    teacher = Person.objects.get(id=UUID(int=1))
    nightly.learn()
    before = told()
    Presentation.objects.filter(person=teacher).update(value=1)
    Presentation.objects.filter(person=teacher, photo=photos[0]).update(value=3)
    nightly.learn()
    own = sharing.fold_of(teacher.id)
    changed = np.abs(told() - before).max(axis=(0, 2)) > 1e-3
    assert not changed[own]
    assert changed.sum() == 4


def test_people_who_do_not_share_teach_nobody(alice, photos, everybody):
    answer(UUID(alice.id), photos, -everybody, np.arange(20))
    assert UUID(alice.id) not in sharing.shared_answers().people
    sharing.share_answers(person_id=UUID(alice.id), on=True)
    assert UUID(alice.id) in sharing.shared_answers().people
    sharing.share_answers(person_id=UUID(alice.id), on=False)
    assert UUID(alice.id) not in sharing.shared_answers().people


def test_photos_of_an_own_album_teach_nobody(alice, photos, everybody):
    row = Person.objects.get(id=alice.id)
    own = make_photos(3, seed=9, owner=row)
    sharing.share_answers(person_id=row.id, on=True)
    answer(row.id, own, np.array([0.0, 1.0, 2.0]), np.arange(3))
    assert not {photo.id for photo in own} & set(sharing.shared_answers().photo_ids.tolist())


def test_too_few_people_teach_nothing_and_the_reason_is_told(photos):
    for number in range(5):
        teacher(number, photos, np.arange(float(PHOTOS)), np.arange(20))
    version = nightly.learn()
    assert not version.is_current
    assert "people are too few: 20 are needed" in version.report["reason"]


def test_where_it_does_not_help_it_is_not_used(photos):
    rng = np.random.default_rng(0)
    for number in range(PEOPLE):  # everybody likes something else
        teacher(number, photos, rng.normal(size=len(photos)), rng.permutation(len(photos))[:ANSWERS])
    version = nightly.learn()
    assert not version.is_current
    assert version.report["reason"] == "On held-out people it does not help."
    assert not told().any()


def test_when_too_many_take_their_answers_back_it_is_no_longer_used(alice, photos, everybody, monkeypatch):
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    nightly.learn()
    refit_person(alice.id)
    Person.objects.update(shares_answers_since=None)
    assert not nightly.learn().is_current
    assert not told().any()
    asked: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", asked.append)
    sweep()
    assert UUID(alice.id) in asked
    refit_person(alice.id)
    fit = Fit.objects.get(person=alice.id)
    assert (fit.population, any(fit.shared)) == (None, False)


def test_a_new_version_has_everybody_refitted(alice, photos, everybody, monkeypatch):
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    nightly.learn()
    refit_person(alice.id)
    nightly.learn()
    asked: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", asked.append)
    sweep()
    assert UUID(alice.id) in asked
    refit_person(alice.id)
    assert Fit.objects.get(person=alice.id).version == 2
    assert selectors.rating_history(UUID(alice.id)) is None


def test_versions_agree_on_the_sign_of_a_taste(photos, everybody):
    nightly.learn()
    before = told()[:, :, 1]
    nightly.learn()
    assert (np.einsum("pf,pf->f", before, told()[:, :, 1]) >= 0).all()


def test_the_version_of_another_bank_is_not_used(alice, photos, everybody):
    nightly.learn()
    services.use_bank(hash="newer", card={})
    for photo in photos:
        services.store_description(photo_id=photo.id, bank="newer", score=0.0, features=[0.0] * 256)
    assert not any(any(row) for row in Description.objects.filter(bank="newer").values_list("shared", flat=True))
    answer(UUID(alice.id), photos, everybody, np.arange(6))
    refit_person(alice.id)
    assert Fit.objects.get(person=alice.id).population is None


@pytest.mark.django_db(transaction=True)
def test_a_photo_described_while_a_version_comes_into_use_has_its_numbers(photos):
    features = np.random.default_rng(0).normal(size=256).astype(np.float16)
    weights = np.random.default_rng(1).normal(size=(5, 255))
    bank = Bank.objects.get(is_current=True).hash
    Description.objects.filter(photo=photos[0]).delete()
    describing = threading.Thread(target=describe, args=(photos[0].id, bank, features.tolist()))

    with transaction.atomic():
        sharing.use_population(bank=bank, people=PEOPLE, weights=weights, report={}, rated={})
        describing.start()
        describing.join(0.3)
    describing.join(30)

    stored = np.array(Description.objects.get(photo=photos[0]).shared)
    np.testing.assert_allclose(stored, sharing.of_unrated(features[None].astype(float), weights)[0], rtol=1e-2, atol=1e-2)


def describe(photo: int, bank: str, features: list[float]) -> None:
    """In a thread, with a connection of its own."""
    try:
        services.store_description(photo_id=photo, bank=bank, score=0.0, features=features)
    finally:
        connection.close()


def test_photos_that_nobody_rated_follow_their_features():
    features = np.random.default_rng(0).normal(size=(3, 256))
    weights = np.random.default_rng(1).normal(size=(5, 255))
    told = sharing.of_unrated(features, weights).reshape(3, 5, 2)
    np.testing.assert_allclose(told[:, :, 0], features[:, 1:] @ weights.T)
    assert not told[:, :, 1].any()


def test_the_command_learns_and_tells(photos, everybody):
    out = io.StringIO()
    call_command("learn_population", stdout=out)
    assert f"{PEOPLE} people shared their answers about {len(photos)} photos.\nIt is in use." in out.getvalue()
    out = io.StringIO()
    call_command("learn_population", json=True, stdout=out)
    assert json.loads(out.getvalue())["used"] is True
    assert Population.objects.filter(is_current=True).count() == 1


def test_nothing_is_learned_without_a_bank(no_bank):
    assert nightly.learn() is None
