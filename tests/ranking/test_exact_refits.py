"""Exact refits: which rater is next, the steps of a refit, and which model is active afterwards."""

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
from ratings import health, jobs
from ratings.models import ExactRefit, Fit, Photo, Presentation, Projection
from ratings.photos.scopes import CATALOGUE
from ratings.photos.selectors import photos_by_id
from ratings.photos.services import add_photo
from ratings.ranking import events, exact_refits
from ratings.ranking.selectors import model_of, ranking
from ratings.raters.services import make_guest
from ratings.sql import to_list
from tests.guests import collect_requests, give_features, report_worker, use_bank
from tests.photos.making import encoded, scene

RATINGS = 24


class Network:
    """A stand-in for the network of a bank: its exact fit predicts `truth`, by photo, as well as `skill` says."""

    def __init__(self, truth: dict[int, float], skill: float) -> None:
        self.truth, self.skill, self.fits = truth, skill, 0
        self.rng = np.random.default_rng(0)

    def exact(self, pixels, ratings, seed=0):
        self.fits += 1
        return np.zeros((3, 2))

    def task_shares(self, pixels, ratings, coefficients):
        return {}

    def use(self, coefficients):
        assert coefficients.shape == (6,)

    def score(self, pixels):
        true_scores = np.array([self.truth[photo] for photo in pixels])
        return self.skill * true_scores + (1 - abs(self.skill)) * self.rng.normal(size=len(true_scores))


@pytest.fixture(autouse=True)
def hyperprior(monkeypatch):
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)


@pytest.fixture(autouse=True)
def worker(db, empty_redis):
    """A worker that can do exact refits lives."""
    return report_worker("gpu", "exact")


@pytest.fixture
def requested(monkeypatch) -> list[UUID]:
    return collect_requests(monkeypatch, "request_exact_refit")


@pytest.fixture
def pushed(monkeypatch) -> list[events.RankingMessage]:
    messages: list[events.RankingMessage] = []
    monkeypatch.setattr(events, "push_ranking", lambda _rater, message: messages.append(message))
    return messages


@pytest.fixture
def network(photos, monkeypatch):
    """A network that predicts a taste that the features do not contain; `with_skill` sets how well."""
    truth = dict(zip((photo.id for photo in photos), np.random.default_rng(3).normal(size=len(photos)), strict=True))

    def with_skill(skill: float) -> Network:
        fake = Network(truth, skill)
        monkeypatch.setattr(loaded_bank, "fitting", lambda: fake)
        monkeypatch.setattr(exact_refit, "_pixels", lambda photo: photo.id)
        monkeypatch.setattr(exact_refit, "_readable", lambda ids: [photos_by_id(ids)[photo] for photo in ids])
        return fake

    with_skill.truth = truth
    return with_skill


def rate_photos(rater, truth, count=RATINGS):
    """Rate photos according to the truth, then let the pause before an exact refit pass."""
    low, high = np.quantile(list(truth.values()), [1 / 3, 2 / 3])
    for _ in range(count):
        card = rater.deck()[0]
        liked = truth[card["photo"]["id"]]
        assert rater.rate(card["token"], "dislike" if liked < low else "love" if liked > high else "like").status_code == 201
    refit_rater(rater.id)
    let_pause_pass(rater)


def let_pause_pass(rater):
    Fit.objects.filter(rater=rater.id).update(updated_at=timezone.now() - timedelta(minutes=1))


def run(rater, requested):
    """Run every requested step until no step is left."""
    while requested:
        requested.pop()
        tasks.exact_refit(rater.id)


def test_an_exact_refit_of_a_pausing_rater_activates_the_better_model(
    alice, network, requested, pushed, django_capture_on_commit_callbacks
):
    network(1.0)
    rate_photos(alice, network.truth)
    before = alice.get("/api/v1/ranking?limit=500").json()
    assert before["active_model"] == {"name": "instant", "comparison": None}
    sweep()
    assert requested == [UUID(alice.id)]
    with django_capture_on_commit_callbacks(execute=True):
        run(alice, requested)
    after = alice.get("/api/v1/ranking?limit=500").json()
    assert after["version"] == before["version"] + 1
    assert after["active_model"]["name"] == "exact"
    assert after["active_model"]["comparison"]["exact"] > 0.9 > after["active_model"]["comparison"]["instant"]
    assert after["accuracy"]["srocc"] == pytest.approx(after["active_model"]["comparison"]["exact"])
    assert [photo["id"] for photo in after["top"]] == sorted(network.truth, key=lambda photo: -network.truth[photo])
    assert [photo["score"] for photo in after["top"]] == [photo["score"] for photo in before["top"]]
    assert {photo["id"]: photo["was"] for photo in after["top"]} == {photo["id"]: photo["place"] for photo in before["top"]}
    assert [(message.version, message.active_model.name) for message in pushed] == [(after["version"], "exact")]
    assert ExactRefit.objects.get(rater=alice.id).task_shares == {}  # null where nobody asked


def test_the_comparison_is_not_shown_before_the_better_model_is_active(alice, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    for _ in range(model_comparison.FOLDS):
        requested.clear()
        tasks.exact_refit(alice.id)
    assert ExactRefit.objects.get(rater=alice.id).comparison["active"] == "exact"
    assert alice.get("/api/v1/ranking").json()["active_model"] == {"name": "instant", "comparison": None}
    run(alice, requested)
    assert alice.get("/api/v1/ranking").json()["active_model"]["comparison"] is not None


def test_places_follow_the_active_exact_model(alice, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    run(alice, requested)
    best = max(network.truth, key=network.truth.__getitem__)
    assert alice.get(f"/api/v1/photos?ids={best}").json()["photos"][0]["place"] == 1


def test_the_instant_model_stays_active_when_the_exact_one_predicts_no_better(alice, network, requested, pushed):
    fake = network(-1.0)
    rate_photos(alice, network.truth)
    before = alice.get("/api/v1/ranking").json()
    sweep()
    run(alice, requested)
    after = alice.get("/api/v1/ranking").json()
    assert after["top"] == before["top"]
    assert after["version"] == before["version"]
    assert after["active_model"]["name"] == "instant"
    assert set(after["active_model"]["comparison"]) == {"instant", "exact"}
    assert fake.fits == model_comparison.FOLDS
    assert pushed == []


def test_the_next_rating_makes_the_instant_model_active_again(alice, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    run(alice, requested)
    alice.rate(alice.deck()[0]["token"], "love")
    refit_rater(alice.id)
    shown = alice.get("/api/v1/ranking").json()
    assert shown["active_model"] == {"name": "instant", "comparison": None}
    assert Fit.objects.get(rater=alice.id).exact_order is None


def test_a_new_rating_ends_an_unfinished_exact_refit(alice, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    for _ in range(3):
        requested.clear()
        tasks.exact_refit(alice.id)
    alice.rate(alice.deck()[0]["token"], "love")
    requested.clear()
    tasks.exact_refit(alice.id)
    assert requested == []
    assert ExactRefit.objects.get(rater=alice.id).step_queued_at is None
    refit_rater(alice.id)
    let_pause_pass(alice)
    sweep()
    assert ExactRefit.objects.get(rater=alice.id).step == 0


def test_a_step_that_runs_twice_is_stored_once(alice, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    work = exact_refits.under_way(UUID(alice.id))
    tasks.exact_refit(alice.id)
    assert not exact_refits.store_step(work, held_out=[])
    assert ExactRefit.objects.get(rater=alice.id).step == 1


def test_a_late_step_of_a_finished_exact_refit_changes_nothing(alice, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    run(alice, requested)
    version = Fit.objects.get(rater=alice.id).version
    tasks.exact_refit(alice.id)
    assert Fit.objects.get(rater=alice.id).version == version


def test_no_exact_refit_begins_with_too_few_ratings_or_without_a_pause(alice, bob, network, requested):
    network(1.0)
    rate_photos(alice, network.truth, model_comparison.LEAST - 1)
    rate_photos(bob, network.truth)
    Fit.objects.filter(rater=bob.id).update(updated_at=timezone.now())
    sweep()
    assert requested == []


def test_the_pause_is_measured_from_the_clock_not_the_transaction_start(alice, network):
    network(1.0)
    rate_photos(alice, network.truth)
    Fit.objects.filter(rater=alice.id).update(updated_at=timezone.now())  # long after the transaction of this test has begun
    assert exact_refits.begin_one(pause_seconds=0, least=model_comparison.LEAST) == UUID(alice.id)


def test_no_exact_refit_begins_when_the_setting_turns_it_off(alice, network, requested, settings):
    network(1.0)
    rate_photos(alice, network.truth)
    settings.PAV = settings.PAV | {"EXACT_REFIT_AFTER": 0}
    sweep()
    assert requested == []


@pytest.mark.parametrize("others", [[("refit",), ("gpu",)], [("refit",)], []], ids=["only without torch", "only refit", "none"])
def test_no_exact_refit_begins_where_no_live_worker_can_do_its_steps(others, alice, network, requested, worker):
    network(1.0)
    rate_photos(alice, network.truth)
    health.withdraw(worker)
    for queues in others:
        report_worker(*queues)
    sweep()
    assert (requested, ExactRefit.objects.count()) == ([], 0)
    health.report(worker)
    sweep()
    assert requested == [UUID(alice.id)]


def test_feature_extraction_of_waiting_photos_comes_before_exact_refits(alice, network, requested, monkeypatch):
    network(1.0)
    rate_photos(alice, network.truth)
    Projection.objects.filter(state="current").update(extractors=loaded_bank.extractors())
    new = add_photo(data=encoded(scene(seed=1), "PNG"), name="new.png")
    features_requested: list[int] = []
    monkeypatch.setattr(jobs, "request_features", features_requested.append)
    sweep()
    assert (requested, features_requested) == ([], [new.id])


def test_a_photo_with_a_lost_file_does_not_delay_exact_refits(alice, network, requested, monkeypatch):
    network(1.0)
    rate_photos(alice, network.truth)
    Photo.objects.create(name="lost.jpg", sha256="0" * 64, content_hash="0" * 16, width=1, height=1, thumbhash="")
    monkeypatch.setattr(jobs, "request_features", lambda _: pytest.fail("its file is lost"))
    sweep()
    assert requested == [UUID(alice.id)]


def test_exact_refits_run_for_one_rater_at_a_time(alice, bob, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    rate_photos(bob, network.truth)
    sweep()
    sweep()
    assert len(requested) == 1
    run(alice if requested[0] == UUID(alice.id) else bob, requested)
    sweep()
    assert len(requested) == 1


def test_a_lost_step_ends_the_exact_refit_and_the_next_rater_follows(alice, bob, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    requested.clear()  # the broker lost its queue
    rate_photos(bob, network.truth)
    sweep()
    assert requested == []
    ExactRefit.objects.update(step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    assert requested == [UUID(bob.id)]
    run(bob, requested)
    assert Fit.objects.get(rater=bob.id).exact_order is not None
    sweep()
    assert requested == []  # alice has no new ratings


def test_a_step_that_fails_ends_the_exact_refit(alice, network, requested, monkeypatch):
    fake = network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    monkeypatch.setattr(fake, "exact", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.exact_refit(alice.id)
    assert ExactRefit.objects.get(rater=alice.id).step_queued_at is None


def test_a_failure_after_the_comparison_ends_the_exact_refit_and_the_next_rater_follows(alice, bob, network, requested, monkeypatch):
    fake = network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    rate_photos(bob, network.truth)
    while ExactRefit.objects.get(rater=alice.id).comparison is None:
        tasks.exact_refit(str(requested.pop()))
    monkeypatch.setattr(fake, "use", lambda _: 1 / 0)
    tasks.exact_refit(str(requested.pop()))
    with pytest.raises(ZeroDivisionError):
        tasks.exact_refit(str(requested.pop()))
    sweep()
    assert requested == [UUID(bob.id)]
    requested.clear()
    ExactRefit.objects.update(step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    sweep()
    assert requested == []


def test_raters_with_new_ratings_come_before_raters_refitted_at_night(alice, bob, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    run(alice, requested)
    Fit.objects.filter(rater=alice.id).update(exact_order=None)
    rate_photos(bob, network.truth)
    Fit.objects.filter(rater=alice.id).update(updated_at=timezone.now() - timedelta(hours=1))
    sweep()
    assert requested == [UUID(bob.id)]
    run(bob, requested)
    Presentation.objects.filter(rater=alice.id, value__gt=0).update(rated_at=timezone.now() - timedelta(days=2))
    sweep()
    assert requested == []  # alice last rated two days ago


def test_a_photo_deleted_between_two_steps_ends_the_exact_refit(alice, network, requested):
    network(1.0)
    rate_photos(alice, network.truth, RATINGS + 4)
    sweep()
    for _ in range(3):
        tasks.exact_refit(str(requested.pop()))
    Presentation.objects.filter(rater=alice.id, value__gt=0).first().photo.delete()
    run(alice, requested)
    row = ExactRefit.objects.get(rater=alice.id)
    assert (row.step_queued_at, row.comparison) == (None, None)


def test_a_photo_that_gets_features_later_is_placed_by_its_own_score(alice, photos, network, requested):
    network(1.0)
    rate_photos(alice, network.truth)
    sweep()
    run(alice, requested)
    new = Photo.objects.create(name="new.jpg", sha256="1" * 64, content_hash="1" * 16, width=1, height=1, thumbhash="")
    best = ranking(CATALOGUE, model_of(UUID(alice.id)), 1).photos[0]
    weights = np.array(to_list(Fit.objects.get(rater=alice.id).weights))
    give_features(new, weights * (best[1] + 1) / (weights @ weights))
    assert ranking(CATALOGUE, model_of(UUID(alice.id)), 2).photos[1][0] == best[0]


def test_the_shipped_bank_runs_an_exact_refit_on_real_photos(db, requested):
    use_bank(banks.read_metadata().hash)
    rater = make_guest()
    for number in range(model_comparison.LEAST):
        photo = add_photo(data=encoded(scene(seed=number), "PNG"), name=f"p{number}.png")
        tasks.extract_features(photo.id)
        Presentation.objects.create(rater=rater, photo=photo, position=number, value=1 + number % 3, rated_at=timezone.now())
    rater.ratings_seq = model_comparison.LEAST
    rater.save()
    refit_rater(str(rater.id))
    Fit.objects.update(updated_at=timezone.now() - timedelta(minutes=1))
    sweep()
    while requested:
        requested.pop()
        tasks.exact_refit(str(rater.id))
    row = ExactRefit.objects.get(rater=rater)
    assert row.step_queued_at is None
    assert row.comparison["active"] in ("instant", "exact")
    assert sum(len(fold["exact"]) for fold in row.held_out) == model_comparison.LEAST
