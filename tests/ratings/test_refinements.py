"""Exact fits made while people rest: whose turn it is, step by step, who speaks afterwards."""

from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from django.utils import timezone

from personalize.app import refinement, serving
from personalize.files import banks
from personalize.numerics import model_comparison
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refine_person, refit_person, sweep
from ratings import events, jobs, media, rankings, refinements, selectors, services
from ratings.models import Fit, Photo, Presentation, Refinement
from ratings.photo_services import add_photo
from ratings.sql import to_list
from tests.photos.making import encoded, scene
from tests.ratings.conftest import kept_waiting

ANSWERS = 24


class Network:
    """Stands for the network of a bank: an exact fit to it knows `truth`, by photo, as far as `skill` goes."""

    def __init__(self, truth: dict[int, float], skill: float) -> None:
        self.truth, self.skill, self.fits = truth, skill, 0
        self.rng = np.random.default_rng(0)

    def exact(self, pixels, ratings, seed=0):
        self.fits += 1
        return np.zeros((3, 2))

    def use(self, coefficients):
        assert coefficients.shape == (6,)

    def score(self, pixels):
        known = np.array([self.truth[photo] for photo in pixels])
        return self.skill * known + (1 - abs(self.skill)) * self.rng.normal(size=len(known))


@pytest.fixture(autouse=True)
def hyperprior(monkeypatch):
    monkeypatch.setattr(serving, "hyperprior", Hyperprior.flat)


@pytest.fixture
def asked(monkeypatch) -> list[UUID]:
    return kept_waiting(monkeypatch, "request_refinement")


@pytest.fixture
def pushed(monkeypatch) -> list[events.RankingMessage]:
    messages: list[events.RankingMessage] = []
    monkeypatch.setattr(events, "push_ranking", lambda _person, message: messages.append(message))
    return messages


@pytest.fixture
def network(photos, monkeypatch):
    """A network that knows a taste which the features do not tell; `with_skill` says how well."""
    truth = dict(zip((photo.id for photo in photos), np.random.default_rng(3).normal(size=len(photos)), strict=True))

    def with_skill(skill: float) -> Network:
        made = Network(truth, skill)
        monkeypatch.setattr(serving, "fitting", lambda: made)
        monkeypatch.setattr(refinement, "_pixels", lambda photo: photo.id)
        monkeypatch.setattr(refinement, "_readable", lambda ids: [selectors.photos_by_id(ids)[photo] for photo in ids])
        return made

    with_skill.truth = truth
    return with_skill


def answer(person, truth, count=ANSWERS):
    """Answers that follow the truth; then the person rests."""
    low, high = np.quantile(list(truth.values()), [1 / 3, 2 / 3])
    for _ in range(count):
        card = person.deck()[0]
        liked = truth[card["photo"]["id"]]
        assert person.rate(card["token"], "dislike" if liked < low else "love" if liked > high else "like").status_code == 201
    refit_person(person.id)
    rest(person)


def rest(person):
    Fit.objects.filter(person=person.id).update(updated_at=timezone.now() - timedelta(minutes=1))


def run(person, asked):
    """Everything that is asked for, until nothing is."""
    while asked:
        asked.pop()
        refine_person(person.id)


def test_a_person_who_rests_is_refined_and_the_better_model_speaks(alice, network, asked, pushed, django_capture_on_commit_callbacks):
    network(1.0)
    answer(alice, network.truth)
    before = alice.get("/api/v1/ranking?limit=500").json()
    assert before["speaker"] == {"model": "instant", "checked": None}
    sweep()
    assert asked == [UUID(alice.id)]
    with django_capture_on_commit_callbacks(execute=True):
        run(alice, asked)
    after = alice.get("/api/v1/ranking?limit=500").json()
    assert after["version"] == before["version"] + 1
    assert after["speaker"]["model"] == "exact"
    assert after["speaker"]["checked"]["exact"] > 0.9 > after["speaker"]["checked"]["instant"]
    assert after["accuracy"]["srocc"] == pytest.approx(after["speaker"]["checked"]["exact"])
    assert [photo["id"] for photo in after["top"]] == sorted(network.truth, key=lambda photo: -network.truth[photo])
    assert [photo["score"] for photo in after["top"]] == [photo["score"] for photo in before["top"]]
    assert {photo["id"]: photo["was"] for photo in after["top"]} == {photo["id"]: photo["place"] for photo in before["top"]}
    assert [(message.version, message.speaker["model"]) for message in pushed] == [(after["version"], "exact")]


def test_nothing_is_said_of_the_verdict_until_the_model_that_won_speaks(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    for _ in range(model_comparison.FOLDS):
        asked.clear()
        refine_person(alice.id)
    assert Refinement.objects.get(person=alice.id).verdict["speaks"] == "exact"
    assert alice.get("/api/v1/ranking").json()["speaker"] == {"model": "instant", "checked": None}
    run(alice, asked)
    assert alice.get("/api/v1/ranking").json()["speaker"]["checked"] is not None


def test_places_follow_the_order_of_the_exact_model(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    best = max(network.truth, key=network.truth.__getitem__)
    assert alice.get(f"/api/v1/photos?ids={best}").json()["photos"][0]["place"] == 1


def test_where_the_exact_model_guesses_no_better_the_instant_one_goes_on(alice, network, asked, pushed):
    made = network(-1.0)
    answer(alice, network.truth)
    before = alice.get("/api/v1/ranking").json()
    sweep()
    run(alice, asked)
    after = alice.get("/api/v1/ranking").json()
    assert after["top"] == before["top"]
    assert after["version"] == before["version"]
    assert after["speaker"]["model"] == "instant"
    assert set(after["speaker"]["checked"]) == {"instant", "exact"}
    assert made.fits == model_comparison.FOLDS
    assert pushed == []


def test_the_next_answer_gives_the_word_back_to_the_instant_model(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    alice.rate(alice.deck()[0]["token"], "love")
    refit_person(alice.id)
    told = alice.get("/api/v1/ranking").json()
    assert told["speaker"] == {"model": "instant", "checked": None}
    assert Fit.objects.get(person=alice.id).refined is None


def test_an_answer_in_the_middle_ends_the_refinement(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    for _ in range(3):
        asked.clear()
        refine_person(alice.id)
    alice.rate(alice.deck()[0]["token"], "love")
    asked.clear()
    refine_person(alice.id)
    assert asked == []
    assert Refinement.objects.get(person=alice.id).asked_at is None
    refit_person(alice.id)
    rest(alice)
    sweep()
    assert Refinement.objects.get(person=alice.id).step == 0


def test_a_step_that_runs_twice_is_done_once(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    work = refinements.under_way(UUID(alice.id))
    refine_person(alice.id)
    assert not refinements.store_step(work, held_out=[])
    assert Refinement.objects.get(person=alice.id).step == 1


def test_a_late_step_of_a_finished_refinement_changes_nothing(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    version = Fit.objects.get(person=alice.id).version
    refine_person(alice.id)
    assert Fit.objects.get(person=alice.id).version == version


def test_few_answers_or_no_rest_begin_nothing(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth, model_comparison.LEAST - 1)
    answer(bob, network.truth)
    Fit.objects.filter(person=bob.id).update(updated_at=timezone.now())
    sweep()
    assert asked == []


def test_nobody_is_refined_where_that_is_switched_off(alice, network, asked, settings):
    network(1.0)
    answer(alice, network.truth)
    settings.PAV = settings.PAV | {"REFINE_AFTER": 0}
    sweep()
    assert asked == []


def test_photos_that_wait_to_be_described_come_first(alice, network, asked, monkeypatch):
    network(1.0)
    answer(alice, network.truth)
    new = add_photo(data=encoded(scene(seed=1), "PNG"), name="new.png")
    described: list[int] = []
    monkeypatch.setattr(jobs, "request_description", described.append)
    sweep()
    assert (asked, described) == ([], [new.id])


def test_a_photo_whose_file_is_lost_keeps_nobody_waiting(alice, network, asked, monkeypatch):
    network(1.0)
    answer(alice, network.truth)
    Photo.objects.create(name="lost.jpg", sha256="0" * 64, content_hash="0" * 16, width=1, height=1, thumbhash="")
    monkeypatch.setattr(jobs, "request_description", lambda _: pytest.fail("its file is lost"))
    sweep()
    assert asked == [UUID(alice.id)]


def test_one_person_after_the_other(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth)
    answer(bob, network.truth)
    sweep()
    sweep()
    assert len(asked) == 1
    run(alice if asked[0] == UUID(alice.id) else bob, asked)
    sweep()
    assert len(asked) == 1


def test_a_lost_step_ends_a_refinement_and_others_have_their_turn(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    asked.clear()  # the queue was lost with its broker
    answer(bob, network.truth)
    sweep()
    assert asked == []
    Refinement.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    sweep()
    assert asked == [UUID(bob.id)]
    run(bob, asked)
    assert Fit.objects.get(person=bob.id).refined is not None
    sweep()
    assert asked == []  # alice has not answered more since


def test_a_step_that_fails_ends_the_refinement(alice, network, asked, monkeypatch):
    made = network(1.0)
    answer(alice, network.truth)
    sweep()
    monkeypatch.setattr(made, "exact", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        refine_person(alice.id)
    assert Refinement.objects.get(person=alice.id).asked_at is None


def test_a_failure_after_the_verdict_ends_it_too_and_others_have_their_turn(alice, bob, network, asked, monkeypatch):
    made = network(1.0)
    answer(alice, network.truth)
    sweep()
    answer(bob, network.truth)
    while Refinement.objects.get(person=alice.id).verdict is None:
        refine_person(str(asked.pop()))
    monkeypatch.setattr(made, "use", lambda _: 1 / 0)
    refine_person(str(asked.pop()))
    with pytest.raises(ZeroDivisionError):
        refine_person(str(asked.pop()))
    sweep()
    assert asked == [UUID(bob.id)]
    asked.clear()
    Refinement.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    sweep()
    sweep()
    assert asked == []


def test_who_has_new_answers_comes_before_those_that_a_nightly_refit_brought_back(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    Fit.objects.filter(person=alice.id).update(refined=None)
    answer(bob, network.truth)
    Fit.objects.filter(person=alice.id).update(updated_at=timezone.now() - timedelta(hours=1))
    sweep()
    assert asked == [UUID(bob.id)]
    run(bob, asked)
    Presentation.objects.filter(person=alice.id, value__gt=0).update(answered_at=timezone.now() - timedelta(days=2))
    sweep()
    assert asked == []  # alice has long gone


def test_a_photo_deleted_between_two_steps_ends_the_refinement(alice, network, asked):
    network(1.0)
    answer(alice, network.truth, ANSWERS + 4)
    sweep()
    for _ in range(3):
        refine_person(str(asked.pop()))
    Presentation.objects.filter(person=alice.id, value__gt=0).first().photo.delete()
    run(alice, asked)
    row = Refinement.objects.get(person=alice.id)
    assert (row.asked_at, row.verdict) == (None, None)


def test_a_photo_described_since_has_the_place_of_its_own_score(alice, photos, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    new = Photo.objects.create(name="new.jpg", sha256="1" * 64, content_hash="1" * 16, width=1, height=1, thumbhash="")
    best = rankings.ranking(UUID(alice.id), rankings.model_of(UUID(alice.id)), 1).photos[0]
    weights = np.array(to_list(Fit.objects.get(person=alice.id).weights))
    services.store_description(
        photo_id=new.id,
        bank=selectors.current_bank(),
        score=0.0,
        features=(weights * (best[1] + 1) / (weights @ weights)).tolist(),
    )
    assert rankings.ranking(UUID(alice.id), rankings.model_of(UUID(alice.id)), 2).photos[1][0] == best[0]


def test_the_shipped_network_refines_a_person_of_real_photos(db, asked):
    card = banks.read_card()
    services.use_bank(hash=card.hash, card=card.facts)
    person = services.make_guest()
    for number in range(model_comparison.LEAST):
        photo = add_photo(data=encoded(scene(seed=number), "PNG"), name=f"p{number}.png")
        ((score, features),) = serving.describe([media.opened(photo)])
        services.store_description(photo_id=photo.id, bank=card.hash, score=score, features=features.tolist())
        Presentation.objects.create(person=person, photo=photo, position=number, value=1 + number % 3, answered_at=timezone.now())
    person.ratings_seq = model_comparison.LEAST
    person.save()
    refit_person(str(person.id))
    Fit.objects.update(updated_at=timezone.now() - timedelta(minutes=1))
    sweep()
    while asked:
        asked.pop()
        refine_person(str(person.id))
    row = Refinement.objects.get(person=person)
    assert row.asked_at is None
    assert row.verdict["speaks"] in ("instant", "exact")
    assert sum(len(fold["exact"]) for fold in row.held_out) == model_comparison.LEAST
