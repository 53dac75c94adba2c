"""The generic score of an installation: it follows the raters who share their ratings, in a new version of the projection."""

import numpy as np
import pytest
from django.utils import timezone

from personalize import tasks
from personalize.files import taste_parts
from personalize.numerics.projection import Heads, Projection
from personalize.worker import generic_score, loaded_bank, population_prior
from personalize.worker import projections as worker
from ratings.models import Photo, Presentation, Rater
from ratings.models import Projection as Version
from ratings.ranking import projections
from tests.ranking.versions import WIDTH, add_photos, collect_all_requests, fill, learn, new_installation, raw_vectors

HEADS = ("generic", "pooled", "houses")


@pytest.fixture
def installation(db, monkeypatch) -> list[Photo]:
    """120 photos, ranked by a projection with two task heads: the last raw number, and the one before it."""
    new_installation(monkeypatch)
    matrix = np.zeros((WIDTH, 256), dtype=np.float32)
    matrix[-1, :2], matrix[-2, 2] = 1, 1
    matrix[: WIDTH - 2, 3 : WIDTH + 1] = np.eye(WIDTH - 2) / 8
    own = Projection(HEADS, np.zeros(WIDTH, dtype=np.float32), matrix)
    Version.objects.update(data=taste_parts.projection_to_bytes(own))
    monkeypatch.setattr(loaded_bank, "heads", lambda: Heads(HEADS, matrix[:, :3].astype(np.float64)))
    worker.loaded.cache_clear()
    worker.directions.cache_clear()
    return add_photos(120)


def add_sharing_raters(photos: list[Photo], count: int) -> None:
    """Raters who like what the second head likes."""
    liked = raw_vectors(len(photos))[:, -2]
    rng = np.random.default_rng(3)
    for number in range(count):
        rater = Rater.objects.create(shares_ratings_since=timezone.now())
        values = np.digitize(liked + 0.7 * rng.normal(size=len(photos)), [-0.5, 0.5]) + 1
        Presentation.objects.bulk_create(
            Presentation(rater=rater, photo=photos[place], position=place, value=int(values[place]), rated_at=timezone.now())
            for place in rng.permutation(len(photos))[: 40 + number % 3]
        )


def generic_of(version: int) -> np.ndarray:
    return worker.loaded(version).apply(raw_vectors(120))[:, 0]


def test_it_moves_to_the_head_that_raters_follow(installation):
    add_sharing_raters(installation, 12)
    begun = generic_score.learn()
    assert projections.filling().id == begun.pk
    moved, liked = generic_of(begun.pk), raw_vectors(120)[:, -2]
    assert np.corrcoef(moved, liked)[0, 1] > 0.8
    assert np.std(moved) == pytest.approx(1, abs=0.02)
    before = worker.loaded(projections.current().id).matrix
    np.testing.assert_allclose(worker.loaded(begun.pk).matrix[:, 1:], before[:, 1:], atol=1e-3)


def test_the_next_projection_that_is_learned_keeps_it(installation):
    add_sharing_raters(installation, 12)
    fill(generic_score.learn().pk)
    moved = generic_of(projections.current().id)
    fill(learn())
    assert np.corrcoef(moved, generic_of(projections.current().id))[0, 1] > 0.999


def test_a_score_that_is_good_enough_stays(installation):
    add_sharing_raters(installation, 12)
    fill(generic_score.learn().pk)
    assert generic_score.learn() is None
    assert projections.filling() is None


def test_too_few_raters_move_nothing(installation):
    add_sharing_raters(installation, generic_score.LEAST_RATERS - 1)
    assert generic_score.learn() is None


def test_it_waits_for_a_version_that_fills(installation):
    add_sharing_raters(installation, 12)
    learn()
    assert generic_score.learn() is None


def test_the_nightly_task_queues_its_filling(installation, monkeypatch):
    monkeypatch.setattr(population_prior, "learn", lambda: None)
    requested = collect_all_requests(monkeypatch)
    add_sharing_raters(installation, 12)
    tasks.learn_population_prior()
    assert requested["request_fill"] == [projections.filling().id]
