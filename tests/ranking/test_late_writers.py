"""Writers that were late: what was computed in the features of one projection changes nothing once another is in use."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import numpy as np
import pytest
from django.db import OperationalError, connection, transaction

from personalize.tasks import refit_rater
from personalize.worker import projections as worker
from ratings.models import ExactRefit, Fit, Photo, PhotoFeatures, PopulationPrior, Rater
from ratings.photos.scopes import CATALOGUE
from ratings.ranking import activation, exact_refits, population_prior, projections
from ratings.ranking.features import store_features
from ratings.ranking.histories import rating_history
from ratings.ranking.json_columns import NextPhoto
from ratings.ranking.raw_features import photos_that_stay
from ratings.ranking.selectors import model_of, ranking
from ratings.ranking.services import store_fit, store_next_photos
from ratings.raters.services import make_guest
from tests.guests import Guest, make_photos, report_worker
from tests.platform.machine import PATIENCE_SECONDS
from tests.ranking.locks import comes_to_wait
from tests.ranking.versions import add_photos, fill, learn, new_installation


@pytest.fixture
def photos(db, monkeypatch) -> list[Photo]:
    new_installation(monkeypatch)
    return add_photos(30)


@pytest.fixture
def old(alice: Guest, photos) -> int:
    """The projection that was current when alice was fitted, before another one came into use."""
    for value in ("love", "dislike", "like", "love"):
        alice.rate(alice.deck()[0]["token"], value)
    refit_rater(alice.id)
    return projections.current().id


def change() -> int:
    """Learn and fill another projection, which comes into use."""
    fill(learn())
    return projections.current().id


def fit_in(projection: int, rater: UUID | str, ratings_seq: int = 9):
    rater = UUID(str(rater))
    return store_fit(rater_id=rater, projection=projection, ratings_seq=ratings_seq, weights=[9.0] * 256, covariance=b"late", accuracy=None)


def test_a_late_fit_changes_nothing(alice, old):
    new = change()
    assert fit_in(old, alice.id) is None
    fit = Fit.objects.get(rater=alice.id)
    assert (fit.projection_id, fit.carried_over, fit.ratings_seq) == (new, True, 4)
    assert fit_in(old, make_guest().id) is None
    assert Fit.objects.count() == 1


def test_a_fit_in_a_projection_that_still_fills_changes_nothing(alice, old):
    assert fit_in(learn(), alice.id) is None


def test_the_refit_of_a_carried_over_fit_replaces_it_once(alice, old):
    new = change()
    assert fit_in(new, alice.id, ratings_seq=3) is None
    assert fit_in(new, alice.id, ratings_seq=4) == 2
    assert fit_in(new, alice.id, ratings_seq=4) is None
    assert rating_history(UUID(alice.id)) is None


def test_late_next_photos_change_nothing(alice, old):
    before = Fit.objects.get(rater=alice.id).next_photos
    change()
    late = [NextPhoto(photo=1, algorithm="late", reason={})]
    store_next_photos(rater_id=UUID(alice.id), projection=old, ratings_seq=4, next_photos={CATALOGUE.key: late})
    assert Fit.objects.get(rater=alice.id).next_photos == before


def begin_exact_refit(rater: str, projection: int) -> exact_refits.Work:
    ExactRefit.objects.create(
        rater_id=rater, bank_id="first", projection_id=projection, ratings_seq=4, step_queued_at="2026-11-25T00:00:00Z"
    )
    return exact_refits.under_way(UUID(rater))


def test_a_late_step_of_an_exact_refit_changes_nothing(alice, old):
    work = begin_exact_refit(alice.id, old)
    change()
    assert not exact_refits.store_step(work, coefficients=b"late")
    assert exact_refits.activate_exact(work, accuracy=None, scores=[(1, 1.0)]) is None
    assert exact_refits.under_way(UUID(alice.id)) is None
    row = ExactRefit.objects.get(rater=alice.id)
    assert (row.step, bytes(row.coefficients), row.step_queued_at) == (0, b"", None)
    assert Fit.objects.get(rater=alice.id).exact_order is None


def test_an_exact_refit_does_not_begin_before_the_carried_over_fit_is_refitted(alice, old):
    report_worker("gpu", "exact")
    change()
    Rater.objects.update(refit_queued_at=None)
    Fit.objects.update(updated_at="2026-11-25T00:00:00Z")
    assert exact_refits.begin_one(pause_seconds=0, least=1) is None
    refit_rater(alice.id)
    assert exact_refits.begin_one(pause_seconds=0, least=1) == UUID(alice.id)


@pytest.mark.parametrize("used", [True, False])
def test_a_late_population_prior_changes_nothing(old, used):
    change()
    if used:
        weights = np.ones((5, 256))
        stored = population_prior.activate(projection=old, rater_count=1, weights=weights, report={}, rated={})
    else:
        stored = population_prior.reject(projection=old, rater_count=1, photo_count=1, report={})
    assert stored is None
    assert not PopulationPrior.objects.exists()
    assert not any(any(row) for row in PhotoFeatures.objects.values_list("population_scores", flat=True))


def test_weights_that_were_read_before_an_activation_rank_photos_as_before(alice, old):
    model = model_of(UUID(alice.id))
    before = ranking(CATALOGUE, model, 500).photos
    change()
    assert ranking(CATALOGUE, model, 500).photos == before


def test_late_features_change_nothing(old, photos):
    change()
    PhotoFeatures.objects.filter(photo=photos[0]).delete()
    store_features(projection=old, photo_ids=[photos[0].id], features=np.zeros((1, 256)))
    assert not PhotoFeatures.objects.filter(photo=photos[0]).exists()


def test_features_of_a_deleted_photo_are_left_out(old, photos):
    photos[0].delete()
    store_features(projection=old, photo_ids=[photos[0].id], features=np.zeros((1, 256)))
    assert not PhotoFeatures.objects.filter(photo_id=photos[0].id).exists()


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    """Writers that arrive within the transaction that activates a projection."""

    def test_a_fit_waits_for_the_activation_and_then_changes_nothing(self, alice, old):
        stored, new = self.during_activation(lambda: fit_in(old, alice.id))
        assert stored is None
        fit = Fit.objects.get(rater=alice.id)
        assert (fit.projection_id, fit.carried_over) == (new, True)

    def test_features_wait_for_the_activation_and_then_change_nothing(self, old, photos):
        late = add_photos(1, seed=8, with_features=False)[0]
        row = {"photo_ids": [late.id], "features": np.zeros((1, 256))}
        self.during_activation(lambda: store_features(projection=old, **row), unreadable=[late.id])
        assert not PhotoFeatures.objects.filter(photo=late, projection=old).exists()

    def during_activation(self, write: Callable[[], object], unreadable: tuple[int, ...] | list[int] = ()) -> tuple[object, int]:
        """Run `write` in a thread within an activation, which ends while it waits; returns its result, and the projection in use."""
        new, written = learn(), []
        while projections.share_filled(new)[0] < 30:
            worker.fill_step(new)

        def in_thread() -> None:
            try:
                written.append(write())
            finally:
                connection.close()

        thread = threading.Thread(target=in_thread)
        with transaction.atomic():
            assert activation.activate(projection=new, carry_over=np.eye(256), unreadable=unreadable)
            thread.start()
            assert comes_to_wait(thread)
        thread.join(PATIENCE_SECONDS)
        return written[0], new


@pytest.mark.django_db(transaction=True)
def test_a_photo_whose_features_are_being_stored_is_deleted_after_them_and_not_between():
    photo = make_photos(1)[0].id

    def delete() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                Photo.objects.filter(id=photo).delete()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            assert photos_that_stay([photo, 10**9]) == {photo}
            with pytest.raises(OperationalError, match="lock timeout"):
                other.submit(delete).result()
        other.submit(delete).result()
    assert not Photo.objects.exists()
