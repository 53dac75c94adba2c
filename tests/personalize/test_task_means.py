"""Mean coefficients of a catalogue's raters on the task heads, from planted raters."""

import numpy as np
import pytest

from personalize.numerics import task_means
from personalize.numerics.ratings import RaterRatings
from personalize.numerics.task_means import COMMON, LEAST_RATERS, NOISE, PHOTO, PRIOR, START, TASTE

PHOTOS, HEADS = 150, 4
SHIPPED = np.array([START, 0, 0, 0])  # the pooled head, then the others


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    tasks = rng.normal(size=(PHOTOS, HEADS))
    return np.concatenate([tasks[:, :1], tasks, rng.normal(size=(PHOTOS, 40)) / 40**0.5], axis=1)


def raters(features, count, coefficients, seed=1, own=0.5, noise=0.8, rated=60):
    """Raters with these mean coefficients, a taste of their own and noise; standardised ratings have about variance 1."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        photos = rng.choice(PHOTOS, size=rated, replace=False)
        weights = np.r_[0, coefficients, own * rng.normal(size=40)]
        found.append(RaterRatings(photos, features[photos] @ weights + noise * rng.normal(size=rated)))
    return found


def test_a_planted_mean_is_found_with_many_raters(features):
    planted = np.array([0.0, 0.0, 0.6, -0.3])
    found = task_means.task_means(features, HEADS, raters(features, 60, planted))
    np.testing.assert_allclose(found, planted, atol=0.25)
    assert found[2] > 0.35
    assert found[3] < -0.1


def test_the_coefficients_are_those_of_a_dense_gaussian_model(features):
    """Every rater rates every photo, so that the mean rating of a photo is a plain mean."""
    everyone = raters(features, 8, np.array([0.3, 0.2, 0, 0]), rated=PHOTOS)
    standard = np.zeros((8, PHOTOS))
    for row, one in zip(standard, everyone, strict=True):
        row[one.photos] = (one.ratings - one.ratings.mean()) / one.ratings.std()
    tasks, axes = features[:, 1 : 1 + HEADS], features[:, 1 + HEADS :]
    shared = COMMON + (1 - COMMON) / 8
    rest = TASTE * shared * axes @ axes.T + (PHOTO + NOISE / 8) * np.eye(PHOTOS) + np.ones((PHOTOS, PHOTOS))
    gain = PRIOR * tasks.T @ np.linalg.inv(PRIOR * tasks @ tasks.T + rest)
    expected = SHIPPED + gain @ (standard.mean(axis=0) - tasks @ SHIPPED)
    np.testing.assert_allclose(task_means.task_means(features, HEADS, everyone), expected, atol=1e-8)


@pytest.mark.parametrize("count", range(LEAST_RATERS))
def test_too_few_raters_leave_the_shipped_generic_score(features, count):
    found = task_means.task_means(features, HEADS, raters(features, count, np.array([-1.0, 1, 1, 1])))
    np.testing.assert_array_equal(found, SHIPPED)


def test_raters_whose_ratings_are_all_equal_do_not_count(features):
    others = raters(features, 2, np.array([0.0, 1, 0, 0]))
    silent = [RaterRatings(one.photos, np.full(len(one.photos), 2.0)) for one in raters(features, 20, np.zeros(4))]
    none = [RaterRatings(np.array([], dtype=int), np.array([]))]
    np.testing.assert_array_equal(task_means.task_means(features, HEADS, [*others, *silent, *none]), SHIPPED)


def test_raters_of_the_shipped_taste_move_nothing(features):
    found = task_means.task_means(features, HEADS, raters(features, 40, SHIPPED, own=0.3))
    np.testing.assert_allclose(found, SHIPPED, atol=0.1)


def test_noise_moves_no_task_head(features):
    for seed in range(5):
        found = task_means.task_means(features, HEADS, raters(features, 30, np.zeros(4), seed=seed, own=0, noise=1.0))
        assert np.abs(found[1:]).max() < 0.1


def test_the_coefficients_move_further_with_more_raters(features):
    planted = np.array([0.0, 0.0, 0.6, 0.0])
    away = [np.mean([task_means.task_means(features, HEADS, raters(features, count, planted, seed))[2] for seed in range(8)])
            for count in (3, 10, 60)]  # fmt: skip
    assert 0 < away[0] < away[1] < away[2] < 0.65


def test_moved_features_have_the_new_generic_score_and_keep_the_rest(features):
    coefficients = np.array([0.2, 0.5, 0, -0.1])
    found = task_means.moved(features, coefficients)
    score = features[:, 1:5] @ coefficients
    np.testing.assert_allclose(found[:, 0], (score - score.mean()) / score.std())
    np.testing.assert_array_equal(found[:, 1:], features[:, 1:])


def test_without_heads_nothing_moves(features):
    assert task_means.task_means(features, 0, raters(features, 20, np.ones(4))).shape == (0,)
    assert task_means.moved(features, np.zeros(0)) is features


def test_coefficients_of_zero_give_a_generic_score_of_zero(features):
    assert not task_means.moved(features, np.zeros(4))[:, 0].any()
