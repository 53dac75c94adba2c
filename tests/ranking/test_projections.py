"""The life of a projection: it fills in the background, comes into use when whole, and the one before can come back."""

from uuid import UUID

import numpy as np
import pytest
from scipy.stats import spearmanr

from personalize.tasks import fill_projection, refit_rater, sweep
from personalize.worker import projections as worker
from ratings.models import Fit, Photo, PhotoFeatures, PopulationPrior, Presentation, Projection, RawFeatures
from ratings.photos import files
from ratings.photos.scopes import CATALOGUE
from ratings.ranking import activation, projections, raw_features
from ratings.ranking.features import store_features
from ratings.ranking.models import State
from ratings.ranking.population_prior import scores_of_unrated
from ratings.ranking.projections import AlreadyFilling, BankMissing, NothingToBringBack
from ratings.ranking.selectors import model_of, ranking
from ratings.sql import to_list
from tests.guests import Guest, rate_photos
from tests.ranking.versions import (
    EXTRACTORS,
    OTHER_EXTRACTORS,
    add_photos,
    collect_all_requests,
    fill,
    install,
    learn,
    new_installation,
    raw_vectors,
)

PHOTOS = 30


@pytest.fixture
def photos(db, monkeypatch) -> list[Photo]:
    new_installation(monkeypatch)
    return add_photos(PHOTOS)


@pytest.fixture
def requested(monkeypatch) -> dict[str, list]:
    return collect_all_requests(monkeypatch)


def swipe(rater: Guest, *values: str) -> None:
    for value in values:
        assert rater.rate(rater.deck()[0]["token"], value).status_code == 201


def taste(rater: Guest) -> Fit:
    """Fit six differing ratings of a rater."""
    rate_photos(rater, Photo.objects.order_by("id")[::5], [3, 1, 2, 1, 3, 2])
    refit_rater(rater.id)
    return Fit.objects.get(rater=rater.id)


def scores(rater: Guest) -> dict[int, float]:
    return dict(ranking(CATALOGUE, model_of(UUID(rater.id)), 500).photos)


def agreement(one: dict[int, float], other: dict[int, float]) -> float:
    """SROCC of two rankings of the same photos."""
    return spearmanr([one[photo] for photo in sorted(one)], [other[photo] for photo in sorted(one)]).statistic


def features_of(projection: int) -> np.ndarray:
    """(photos, 256), by photo id."""
    rows = PhotoFeatures.objects.filter(projection=projection).order_by("photo_id").values_list("features", flat=True)
    return np.array([to_list(row) for row in rows])


def states() -> list[str]:
    return [version.version.state for version in reversed(projections.status())]


def test_a_projection_fills_step_by_step_and_comes_into_use_when_whole(photos, monkeypatch):
    monkeypatch.setattr(worker, "FILLED_AT_ONCE", 10)
    new = learn()
    for done in (10, 20, 30):
        assert worker.fill_step(new)
        assert projections.share_filled(new) == (done, PHOTOS)
        assert states() == ["current", "filling"]
    assert not worker.fill_step(new)
    assert states() == ["kept", "current"]
    assert projections.current().photo_count == PHOTOS


def test_each_step_requests_the_next_one_until_the_projection_is_in_use(photos, requested, monkeypatch):
    monkeypatch.setattr(worker, "FILLED_AT_ONCE", 10)
    new = learn()
    fill_projection(new)
    assert requested["request_fill"] == [new]
    while requested["request_fill"]:
        fill_projection(requested["request_fill"].pop())
    assert projections.current().id == new


def test_carried_over_weights_keep_the_order_until_the_sweeper_refits(alice, bob, requested):
    raters = (alice, bob)
    for rater in raters:
        taste(rater)
    before = [scores(rater) for rater in raters]
    fill(learn())
    after = [scores(rater) for rater in raters]
    assert all(agreement(*pair) > 0.99 for pair in zip(before, after, strict=True))
    carried = Fit.objects.get(rater=alice.id)
    assert (carried.carried_over, bytes(carried.covariance), carried.version) == (True, b"", 1)
    assert alice.get("/api/v1/ranking").json()["active_model"]["name"] == "instant"
    sweep()
    assert set(requested["request_refit"]) == {UUID(alice.id), UUID(bob.id)}
    refit_rater(alice.id)
    exact = Fit.objects.get(rater=alice.id)
    assert (exact.carried_over, exact.version, exact.projection_id) == (False, 2, projections.current().id)
    assert agreement(before[0], scores(alice)) > 0.9


def test_a_rating_during_a_fill_is_ranked_and_carried_over(alice, monkeypatch):
    monkeypatch.setattr(worker, "FILLED_AT_ONCE", 20)
    taste(alice)
    new = learn()
    worker.fill_step(new)
    swipe(alice, "love")
    refit_rater(alice.id)
    before = scores(alice)
    assert Fit.objects.get(rater=alice.id).ratings_seq == 7
    fill(new)
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.ratings_seq, fit.carried_over, fit.projection_id) == (7, True, new)
    assert agreement(before, scores(alice)) > 0.99


def test_a_photo_added_during_a_fill_gets_features_of_both_projections(photos):
    new = learn()
    worker.fill_step(new)
    add_photos(5, seed=1)
    fill(new)
    assert projections.current().id == new
    assert projections.share_filled(new) == (PHOTOS + 5, PHOTOS + 5)


def test_a_ranking_is_never_empty_while_the_bank_changes(alice, photos, requested, monkeypatch):
    monkeypatch.setattr(worker, "FILLED_AT_ONCE", 10)
    monkeypatch.setattr(files, "is_readable", lambda photo: True)
    taste(alice)
    before = scores(alice)
    install(monkeypatch, "second", OTHER_EXTRACTORS, width=80, seed=7)
    assert states() == ["current", "filling"]
    sweep()
    assert requested["request_features"] == [photo.id for photo in photos]
    assert requested["request_fill"] == []
    new = projections.filling().id
    ids = [photo.id for photo in photos]
    other = np.concatenate([raw_vectors(PHOTOS)[:, :-1], raw_vectors(PHOTOS, seed=9)[:, :16], raw_vectors(PHOTOS)[:, -1:]], axis=1)
    for first in range(0, PHOTOS, 10):  # extraction, a part at a time
        part = slice(first, first + 10)
        raw_features.store_raw_features(extractors=OTHER_EXTRACTORS, photo_ids=ids[part], raw=other[part, :80])
        assert worker.fill_step(new)
        assert worker.fill_step(new) is False
        assert len(scores(alice)) == PHOTOS
        assert model_of(UUID(alice.id)).name == "instant"
    assert projections.current().bank == "second"
    assert agreement(before, scores(alice)) > 0.9


def test_the_first_bank_is_current_at_once_and_registering_it_again_changes_nothing(photos, monkeypatch):
    before = states(), projections.current()
    install(monkeypatch)
    assert (states(), projections.current()) == before


def test_learning_that_ends_after_another_bank_was_installed_does_not_stop_it(photos, monkeypatch):
    current = projections.current()
    install(monkeypatch, "second", OTHER_EXTRACTORS)
    assert projections.begin(after=current, data=b"", photo_count=PHOTOS) is None
    assert projections.filling().bank == "second"


def test_the_old_bank_can_come_back_before_and_after_the_new_one_is_in_use(photos, monkeypatch):
    install(monkeypatch, "second", OTHER_EXTRACTORS)
    install(monkeypatch)
    assert states() == ["current", "retired"]
    install(monkeypatch, "second", OTHER_EXTRACTORS)
    raw_features.store_raw_features(extractors=OTHER_EXTRACTORS, photo_ids=[photo.id for photo in photos], raw=raw_vectors(PHOTOS))
    fill(projections.filling().id)
    assert projections.current().bank == "second"
    install(monkeypatch)
    assert projections.filling().bank == "first"
    fill(projections.filling().id)
    assert projections.current().bank == "first"
    assert states() == ["retired", "retired", "kept", "current"]


def test_a_projection_waits_for_photos_that_can_be_read_and_not_for_those_that_are_lost(photos, monkeypatch):
    RawFeatures.objects.filter(photo=photos[0]).delete()
    new = learn()
    monkeypatch.setattr(files, "is_readable", lambda photo: True)
    fill(new)
    assert projections.filling().id == new
    monkeypatch.setattr(files, "is_readable", lambda photo: photo != photos[0])
    fill(new)
    assert projections.current().id == new


def test_a_projection_waits_where_the_files_of_many_photos_are_missing(photos, monkeypatch):
    RawFeatures.objects.filter(photo__in=photos[:4]).delete()
    new = learn()
    monkeypatch.setattr(files, "is_readable", lambda photo: False)
    fill(new)
    assert projections.filling().id == new
    RawFeatures.objects.bulk_create(
        RawFeatures(photo=photo, extractors=EXTRACTORS, data=row.astype("<f2").tobytes())
        for photo, row in zip(photos[:2], raw_vectors(2), strict=True)
    )
    fill(new)
    assert projections.current().id == new


def test_photos_added_during_a_change_of_bank_wait_where_the_old_bank_is_not_installed(photos, monkeypatch):
    install(monkeypatch, "second", OTHER_EXTRACTORS)
    (new,) = add_photos(1, seed=3, with_features=False)
    RawFeatures.objects.filter(photo=new).delete()
    raw_features.store_raw_features(extractors=OTHER_EXTRACTORS, photo_ids=[new.id], raw=raw_vectors(1))
    worker.fill_step(projections.filling().id)
    assert set(PhotoFeatures.objects.filter(photo=new).values_list("projection__bank", flat=True)) == {"second"}


def test_population_scores_and_their_weights_are_carried_over(photos):
    current = projections.current().id
    rng = np.random.default_rng(0)
    weights = np.zeros((5, 256))
    weights[:, 1:64] = rng.normal(size=(5, 63))
    PopulationPrior.objects.create(
        projection_id=current, is_current=True, rater_count=9, photo_count=9, weights=weights.tolist(), report={}
    )
    PhotoFeatures.objects.filter(photo=photos[0]).update(population_scores=[1.0, 2.0] * 5)
    late = add_photos(3, seed=2, with_features=False)  # as if their features had been lost
    fill(learn())
    prior = PopulationPrior.objects.get(is_current=True)
    assert prior.projection_id == projections.current().id
    rows = PhotoFeatures.objects.filter(projection=prior.projection)
    assert to_list(rows.get(photo=photos[0]).population_scores) == [1.0, 2.0] * 5
    for photo in late:
        row = rows.get(photo=photo)
        expected = scores_of_unrated(np.array([to_list(row.features)]), np.array(prior.weights))[0]
        np.testing.assert_allclose(to_list(row.population_scores), expected, atol=2e-2)
    old, new = features_of(current), features_of(prior.projection_id)
    for fold in range(5):
        assert spearmanr(old @ weights[fold], new[:PHOTOS] @ prior.weights[fold]).statistic > 0.99


class TestKilled:
    """A process that ends between two steps, or within one, leaves a state from which the next step goes on."""

    def test_a_learned_projection_whose_fill_was_lost_is_requested_again(self, photos, requested):
        new = learn()
        sweep()
        assert requested["request_fill"] == [new]

    def test_a_step_that_ends_halfway_is_repeated(self, photos, monkeypatch):
        monkeypatch.setattr(worker, "FILLED_AT_ONCE", 10)
        new = learn()
        with monkeypatch.context() as killed:
            killed.setattr(worker.features, "store_features", lambda **_: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                worker.fill_step(new)
        fill(new)
        assert projections.current().id == new

    def test_an_activation_that_ends_halfway_changes_nothing_and_is_repeated(self, alice, photos, monkeypatch):
        fit = taste(alice)
        before = scores(alice)
        new = learn()
        with monkeypatch.context() as killed:
            killed.setattr(activation.exact_refits, "abandon_all", lambda: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                fill(new)
        assert states() == ["current", "filling"]
        assert Fit.objects.get(rater=alice.id).weights == fit.weights
        assert scores(alice) == before
        fill(new)
        assert states() == ["kept", "current"]

    def test_features_lost_after_their_raw_vectors_were_stored_are_filled_by_the_sweeper(self, photos, requested):
        (lost,) = add_photos(1, seed=5, with_features=False)
        sweep()
        assert requested["request_fill"] == [projections.current().id]
        fill_projection(projections.current().id)
        assert PhotoFeatures.objects.filter(photo=lost).exists()
        requested["request_fill"].clear()
        sweep()
        assert requested["request_fill"] == []

    def test_a_step_that_runs_late_changes_nothing(self, photos):
        first = learn()
        worker.fill_step(first)
        projections.begin(after=projections.current(), data=projections.data(first), photo_count=PHOTOS)
        count = PhotoFeatures.objects.count()
        assert not worker.fill_step(first)
        assert PhotoFeatures.objects.count() == count
        assert not activation.activate(projection=first, carry_over=np.eye(256))
        assert states() == ["current", "retired", "filling"]


class TestBringingBack:
    def test_the_projection_before_fills_with_newer_photos_and_comes_back(self, alice, photos):
        taste(alice)
        before, old = scores(alice), projections.current().id
        fill(learn())
        add_photos(2, seed=4)
        assert projections.rollback() == old
        fill(old)
        assert projections.current().id == old
        after = scores(alice)
        assert len(after) == PHOTOS + 2
        assert agreement(before, {photo: after[photo] for photo in before}) > 0.99
        assert states() == ["current", "kept"]

    def test_nothing_comes_back_where_none_is_kept_or_another_one_fills(self, photos):
        with pytest.raises(NothingToBringBack):
            projections.rollback()
        new = learn()
        with pytest.raises(AlreadyFilling):
            projections.rollback()
        fill(new)
        with pytest.raises(NothingToBringBack):
            projections.rollback(projection=new)

    def test_a_projection_of_another_bank_comes_back_only_if_it_can_be_whole(self, photos, monkeypatch):
        install(monkeypatch, "second", OTHER_EXTRACTORS)
        raw_features.store_raw_features(extractors=OTHER_EXTRACTORS, photo_ids=[photo.id for photo in photos], raw=raw_vectors(PHOTOS))
        fill(projections.filling().id)
        (new,) = add_photos(1, seed=6, with_features=False)
        RawFeatures.objects.filter(photo=new).delete()
        store_features(projection=projections.current().id, photo_ids=[new.id], features=np.zeros((1, 256)))
        with pytest.raises(BankMissing):
            projections.rollback()
        new.delete()
        fill(projections.rollback())
        assert projections.current().bank == "first"
        install(monkeypatch, "second", OTHER_EXTRACTORS)  # as every start does
        assert projections.filling() is None
        assert projections.current().bank == "first"


def test_the_sweeper_deletes_features_of_retired_projections_and_raw_vectors_without_a_use(photos, requested, monkeypatch):
    monkeypatch.setattr(projections, "DELETED_AT_ONCE", 20)
    monkeypatch.setattr(files, "is_readable", lambda photo: False)
    install(monkeypatch, "second", OTHER_EXTRACTORS)
    raw_features.store_raw_features(extractors=OTHER_EXTRACTORS, photo_ids=[photo.id for photo in photos], raw=raw_vectors(PHOTOS))
    fill(projections.filling().id)
    fill(learn())
    retired = Projection.objects.get(state=State.RETIRED)
    for left in (10, 0):
        sweep()
        assert PhotoFeatures.objects.filter(projection=retired).count() == left
        assert RawFeatures.objects.filter(extractors=EXTRACTORS).count() == left
    assert RawFeatures.objects.filter(extractors=OTHER_EXTRACTORS).count() == PHOTOS
    assert bytes(Projection.objects.get(pk=retired.pk).data) == b""


def test_the_deck_counts_photos_of_the_projection_that_fills(alice, photos, monkeypatch):
    monkeypatch.setattr(worker, "FILLED_AT_ONCE", 10)
    assert alice.get("/api/v1/deck").json()["photos"] == {"ready": PHOTOS, "total": PHOTOS, "updated": None}
    new = learn()
    worker.fill_step(new)
    assert alice.get("/api/v1/deck").json()["photos"] == {"ready": PHOTOS, "total": PHOTOS, "updated": 10}
    fill(new)
    assert alice.get("/api/v1/deck").json()["photos"]["updated"] is None


def test_raw_vectors_are_deleted_with_their_photo(photos):
    photos[0].delete()
    assert RawFeatures.objects.count() == PHOTOS - 1


def test_photos_dealt_before_an_activation_can_be_rated_after_it(alice, photos):
    token = alice.deck()[0]["token"]
    fill(learn())
    assert alice.rate(token, "love").status_code == 201
    refit_rater(alice.id)
    assert Fit.objects.get(rater=alice.id).projection_id == projections.current().id
    assert Presentation.objects.filter(rater=alice.id, value=3).count() == 1
