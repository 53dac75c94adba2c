"""Exact fits made while people rest: whose turn it is, step by step, who speaks afterwards."""

from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from django.utils import timezone

from personalize import tasks
from personalize.files import banks
from personalize.numerics import model_comparison
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refit_rater, sweep
from personalize.worker import exact_refit, loaded_bank
from ratings import jobs
from ratings.models import ExactRefit, Fit, Photo, Presentation
from ratings.photos.files import open_master
from ratings.photos.selectors import photos_by_id
from ratings.photos.services import add_photo
from ratings.ranking import events, exact_refits
from ratings.ranking.features import current_bank, store_features, use_bank
from ratings.ranking.selectors import model_of, ranking
from ratings.raters.services import make_guest
from ratings.sql import to_list
from tests.guests import collect_requests
from tests.photos.making import encoded, scene

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
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)


@pytest.fixture
def asked(monkeypatch) -> list[UUID]:
    return collect_requests(monkeypatch, "request_exact_refit")


@pytest.fixture
def pushed(monkeypatch) -> list[events.RankingMessage]:
    messages: list[events.RankingMessage] = []
    monkeypatch.setattr(events, "push_ranking", lambda _rater, message: messages.append(message))
    return messages


@pytest.fixture
def network(photos, monkeypatch):
    """A network that knows a taste which the features do not tell; `with_skill` says how well."""
    truth = dict(zip((photo.id for photo in photos), np.random.default_rng(3).normal(size=len(photos)), strict=True))

    def with_skill(skill: float) -> Network:
        made = Network(truth, skill)
        monkeypatch.setattr(loaded_bank, "fitting", lambda: made)
        monkeypatch.setattr(exact_refit, "_pixels", lambda photo: photo.id)
        monkeypatch.setattr(exact_refit, "_readable", lambda ids: [photos_by_id(ids)[photo] for photo in ids])
        return made

    with_skill.truth = truth
    return with_skill


def answer(rater, truth, count=ANSWERS):
    """Answers that follow the truth; then the person rests."""
    low, high = np.quantile(list(truth.values()), [1 / 3, 2 / 3])
    for _ in range(count):
        card = rater.deck()[0]
        liked = truth[card["photo"]["id"]]
        assert rater.rate(card["token"], "dislike" if liked < low else "love" if liked > high else "like").status_code == 201
    refit_rater(rater.id)
    rest(rater)


def rest(rater):
    Fit.objects.filter(rater=rater.id).update(updated_at=timezone.now() - timedelta(minutes=1))


def run(rater, asked):
    """Everything that is asked for, until nothing is."""
    while asked:
        asked.pop()
        tasks.exact_refit(rater.id)


def test_a_rater_who_rests_is_refined_and_the_better_model_speaks(alice, network, asked, pushed, django_capture_on_commit_callbacks):
    network(1.0)
    answer(alice, network.truth)
    before = alice.get("/api/v1/ranking?limit=500").json()
    assert before["active_model"] == {"name": "instant", "comparison": None}
    sweep()
    assert asked == [UUID(alice.id)]
    with django_capture_on_commit_callbacks(execute=True):
        run(alice, asked)
    after = alice.get("/api/v1/ranking?limit=500").json()
    assert after["version"] == before["version"] + 1
    assert after["active_model"]["name"] == "exact"
    assert after["active_model"]["comparison"]["exact"] > 0.9 > after["active_model"]["comparison"]["instant"]
    assert after["accuracy"]["srocc"] == pytest.approx(after["active_model"]["comparison"]["exact"])
    assert [photo["id"] for photo in after["top"]] == sorted(network.truth, key=lambda photo: -network.truth[photo])
    assert [photo["score"] for photo in after["top"]] == [photo["score"] for photo in before["top"]]
    assert {photo["id"]: photo["was"] for photo in after["top"]} == {photo["id"]: photo["place"] for photo in before["top"]}
    assert [(message.version, message.active_model.name) for message in pushed] == [(after["version"], "exact")]


def test_nothing_is_said_of_the_verdict_until_the_model_that_won_speaks(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    for _ in range(model_comparison.FOLDS):
        asked.clear()
        tasks.exact_refit(alice.id)
    assert ExactRefit.objects.get(rater=alice.id).comparison["active"] == "exact"
    assert alice.get("/api/v1/ranking").json()["active_model"] == {"name": "instant", "comparison": None}
    run(alice, asked)
    assert alice.get("/api/v1/ranking").json()["active_model"]["comparison"] is not None


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
    assert after["active_model"]["name"] == "instant"
    assert set(after["active_model"]["comparison"]) == {"instant", "exact"}
    assert made.fits == model_comparison.FOLDS
    assert pushed == []


def test_the_next_answer_gives_the_word_back_to_the_instant_model(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    alice.rate(alice.deck()[0]["token"], "love")
    refit_rater(alice.id)
    told = alice.get("/api/v1/ranking").json()
    assert told["active_model"] == {"name": "instant", "comparison": None}
    assert Fit.objects.get(rater=alice.id).exact_order is None


def test_an_answer_in_the_middle_ends_the_exact_refit(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    for _ in range(3):
        asked.clear()
        tasks.exact_refit(alice.id)
    alice.rate(alice.deck()[0]["token"], "love")
    asked.clear()
    tasks.exact_refit(alice.id)
    assert asked == []
    assert ExactRefit.objects.get(rater=alice.id).step_queued_at is None
    refit_rater(alice.id)
    rest(alice)
    sweep()
    assert ExactRefit.objects.get(rater=alice.id).step == 0


def test_a_step_that_runs_twice_is_done_once(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    work = exact_refits.under_way(UUID(alice.id))
    tasks.exact_refit(alice.id)
    assert not exact_refits.store_step(work, held_out=[])
    assert ExactRefit.objects.get(rater=alice.id).step == 1


def test_a_late_step_of_a_finished_exact_refit_changes_nothing(alice, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    version = Fit.objects.get(rater=alice.id).version
    tasks.exact_refit(alice.id)
    assert Fit.objects.get(rater=alice.id).version == version


def test_few_answers_or_no_rest_begin_nothing(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth, model_comparison.LEAST - 1)
    answer(bob, network.truth)
    Fit.objects.filter(rater=bob.id).update(updated_at=timezone.now())
    sweep()
    assert asked == []


def test_time_that_passes_within_a_transaction_counts_as_rest(alice, network):
    network(1.0)
    answer(alice, network.truth)
    Fit.objects.filter(rater=alice.id).update(updated_at=timezone.now())  # long after the transaction of this test has begun
    assert exact_refits.begin_one(pause_seconds=0, least=model_comparison.LEAST) == UUID(alice.id)


def test_nobody_is_refined_where_that_is_switched_off(alice, network, asked, settings):
    network(1.0)
    answer(alice, network.truth)
    settings.PAV = settings.PAV | {"EXACT_REFIT_AFTER": 0}
    sweep()
    assert asked == []


def test_photos_that_wait_to_be_described_come_first(alice, network, asked, monkeypatch):
    network(1.0)
    answer(alice, network.truth)
    new = add_photo(data=encoded(scene(seed=1), "PNG"), name="new.png")
    described: list[int] = []
    monkeypatch.setattr(jobs, "request_features", described.append)
    sweep()
    assert (asked, described) == ([], [new.id])


def test_a_photo_whose_file_is_lost_keeps_nobody_waiting(alice, network, asked, monkeypatch):
    network(1.0)
    answer(alice, network.truth)
    Photo.objects.create(name="lost.jpg", sha256="0" * 64, content_hash="0" * 16, width=1, height=1, thumbhash="")
    monkeypatch.setattr(jobs, "request_features", lambda _: pytest.fail("its file is lost"))
    sweep()
    assert asked == [UUID(alice.id)]


def test_one_rater_after_the_other(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth)
    answer(bob, network.truth)
    sweep()
    sweep()
    assert len(asked) == 1
    run(alice if asked[0] == UUID(alice.id) else bob, asked)
    sweep()
    assert len(asked) == 1


def test_a_lost_step_ends_a_exact_refit_and_others_have_their_turn(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    asked.clear()  # the queue was lost with its broker
    answer(bob, network.truth)
    sweep()
    assert asked == []
    ExactRefit.objects.update(step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    assert asked == [UUID(bob.id)]
    run(bob, asked)
    assert Fit.objects.get(rater=bob.id).exact_order is not None
    sweep()
    assert asked == []  # alice has not answered more since


def test_a_step_that_fails_ends_the_exact_refit(alice, network, asked, monkeypatch):
    made = network(1.0)
    answer(alice, network.truth)
    sweep()
    monkeypatch.setattr(made, "exact", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.exact_refit(alice.id)
    assert ExactRefit.objects.get(rater=alice.id).step_queued_at is None


def test_a_failure_after_the_verdict_ends_it_too_and_others_have_their_turn(alice, bob, network, asked, monkeypatch):
    made = network(1.0)
    answer(alice, network.truth)
    sweep()
    answer(bob, network.truth)
    while ExactRefit.objects.get(rater=alice.id).comparison is None:
        tasks.exact_refit(str(asked.pop()))
    monkeypatch.setattr(made, "use", lambda _: 1 / 0)
    tasks.exact_refit(str(asked.pop()))
    with pytest.raises(ZeroDivisionError):
        tasks.exact_refit(str(asked.pop()))
    sweep()
    assert asked == [UUID(bob.id)]
    asked.clear()
    ExactRefit.objects.update(step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    sweep()
    assert asked == []


def test_who_has_new_answers_comes_before_those_that_a_nightly_refit_brought_back(alice, bob, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    Fit.objects.filter(rater=alice.id).update(exact_order=None)
    answer(bob, network.truth)
    Fit.objects.filter(rater=alice.id).update(updated_at=timezone.now() - timedelta(hours=1))
    sweep()
    assert asked == [UUID(bob.id)]
    run(bob, asked)
    Presentation.objects.filter(rater=alice.id, value__gt=0).update(rated_at=timezone.now() - timedelta(days=2))
    sweep()
    assert asked == []  # alice has long gone


def test_a_photo_deleted_between_two_steps_ends_the_exact_refit(alice, network, asked):
    network(1.0)
    answer(alice, network.truth, ANSWERS + 4)
    sweep()
    for _ in range(3):
        tasks.exact_refit(str(asked.pop()))
    Presentation.objects.filter(rater=alice.id, value__gt=0).first().photo.delete()
    run(alice, asked)
    row = ExactRefit.objects.get(rater=alice.id)
    assert (row.step_queued_at, row.comparison) == (None, None)


def test_a_photo_described_since_has_the_place_of_its_own_score(alice, photos, network, asked):
    network(1.0)
    answer(alice, network.truth)
    sweep()
    run(alice, asked)
    new = Photo.objects.create(name="new.jpg", sha256="1" * 64, content_hash="1" * 16, width=1, height=1, thumbhash="")
    best = ranking(UUID(alice.id), model_of(UUID(alice.id)), 1).photos[0]
    weights = np.array(to_list(Fit.objects.get(rater=alice.id).weights))
    store_features(
        photo_id=new.id,
        bank=current_bank(),
        generic_score=0.0,
        features=(weights * (best[1] + 1) / (weights @ weights)).tolist(),
    )
    assert ranking(UUID(alice.id), model_of(UUID(alice.id)), 2).photos[1][0] == best[0]


def test_the_shipped_network_refines_a_rater_of_real_photos(db, asked):
    card = banks.read_metadata()
    use_bank(hash=card.hash, metadata=card.facts)
    rater = make_guest()
    for number in range(model_comparison.LEAST):
        photo = add_photo(data=encoded(scene(seed=number), "PNG"), name=f"p{number}.png")
        ((score, features),) = loaded_bank.extract_features([open_master(photo)])
        store_features(photo_id=photo.id, bank=card.hash, generic_score=score, features=features.tolist())
        Presentation.objects.create(rater=rater, photo=photo, position=number, value=1 + number % 3, rated_at=timezone.now())
    rater.ratings_seq = model_comparison.LEAST
    rater.save()
    refit_rater(str(rater.id))
    Fit.objects.update(updated_at=timezone.now() - timedelta(minutes=1))
    sweep()
    while asked:
        asked.pop()
        tasks.exact_refit(str(rater.id))
    row = ExactRefit.objects.get(rater=rater)
    assert row.step_queued_at is None
    assert row.comparison["active"] in ("instant", "exact")
    assert sum(len(fold["exact"]) for fold in row.held_out) == model_comparison.LEAST
