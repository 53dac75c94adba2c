"""Serial dependence, response times, careless patterns and photos' opinions."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from personalize.agreement.careless import careless_patterns, longest_runs
from personalize.agreement.photo_opinions import photo_opinions
from personalize.agreement.response_times import response_times
from personalize.agreement.serial_dependence import SerialDependence
from personalize.agreement.single_ratings import SingleRatings
from tests.personalize.planted_ratings import planted, table

NAN = np.nan


def in_order(rating: float, photo: float, seed: int, raters: int = 60, photos: int = 80) -> SingleRatings:
    """Raters see all photos in an order of their own; the rating and the photo before pull with these slopes."""
    rng = np.random.default_rng(seed)
    worth, entries = rng.normal(size=photos), []
    for rater in range(raters):
        before, shown, mean = 0.0, 0.0, rng.normal()
        for trial, item in enumerate(rng.permutation(photos)):
            own = rng.normal() + rating * before + photo * shown  # deviation from the photo's standing
            entries.append((rater, item, mean + worth[item] + own, trial))
            before, shown = own, worth[item]
    rater, item, score, trial = (np.array(column) for column in zip(*entries, strict=True))
    names = [[str(place) for place in range(size)] for size in (raters, photos)]
    return SingleRatings(rater, item, score.astype(float), names[0], names[1], trial=trial.astype(float))


@pytest.mark.parametrize(("rating", "photo"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.15), (0.15, -0.1)])
def test_planted_slopes_are_found_apart(rating, photo):
    found = [SerialDependence(in_order(rating, photo, seed), 1, np.random.default_rng(0)).estimate(np.ones(60)) for seed in range(4)]
    assert np.mean(found, axis=0) == pytest.approx([photo, rating], abs=0.02)


def test_dependence_two_trials_back_is_that_of_the_trial_before_squared():
    found = [SerialDependence(in_order(0.4, 0.0, seed), 2, np.random.default_rng(0)).estimate(np.ones(60))[1] for seed in range(3)]
    assert np.mean(found) == pytest.approx(0.16, abs=0.03)


def test_serial_dependence_needs_the_order():
    with pytest.raises(ValueError, match="order of the trials"):
        SerialDependence(planted(0, raters=3, photos=4), 1, np.random.default_rng(0))


def timed(seconds: np.ndarray) -> SingleRatings:
    """Raters by trials."""
    raters, trials = seconds.shape
    rater, trial = np.indices(seconds.shape).reshape(2, -1)
    names = [str(place) for place in range(max(raters, trials))]
    return SingleRatings(
        rater, trial, np.ones(rater.size), names[:raters], names[:trials], trial=trial.astype(float), seconds=seconds.ravel()
    )


def test_response_times_by_rater_and_place():
    seconds = np.array([np.linspace(2, 1, 20), np.linspace(4, 2, 20)])
    seconds[0, 0] = NAN
    found = response_times(timed(seconds))
    assert found.median == pytest.approx(np.nanmedian(seconds, axis=1))
    assert found.fast_tenth == pytest.approx(np.nanquantile(seconds, 0.1, axis=1))
    assert found.by_place[0] == pytest.approx(np.median([seconds[0, 1], seconds[1, :2].mean()]))
    assert (np.diff(found.by_place) < 0).all()


def test_response_times_of_a_rater_without_any_are_unknown():
    seconds = np.array([[1.0, 2.0], [NAN, NAN]])
    assert np.isnan(response_times(timed(seconds)).median).tolist() == [False, True]


def test_longest_runs():
    rater = np.array([0, 0, 0, 0, 1, 1, 1, 3])
    score = np.array([1.0, 2, 2, 2, 2, 2, 1, 5])
    assert longest_runs(rater, rater, score, 4).tolist() == [3, 2, 0, 1]
    assert longest_runs(rater, np.array([0, 0, 1, 2, 3, 3, 3, 4]), score, 4).tolist() == [1, 2, 0, 1]


def test_trials_that_count_from_one_in_each_category_are_sittings_of_their_own():
    ratings = in_order(0.3, 0.0, 0, raters=30, photos=40)
    kinds = (ratings.photo % 2).astype(np.int64)
    order = np.lexsort((ratings.trial, kinds, ratings.rater))
    first = np.searchsorted(ratings.rater[order] * 2 + kinds[order], np.arange(60))
    trial = np.empty(len(ratings))
    trial[order] = np.arange(len(ratings)) - np.repeat(first, 20)
    apart = replace(ratings, trial=trial, category=kinds, categories=["even", "odd"])
    assert len(np.unique(apart.sitting)) == 60
    assert len(np.unique(replace(ratings, category=kinds, categories=["even", "odd"]).sitting)) == 30


def test_careless_patterns_tell_one_answer_and_fast_answers():
    rng = np.random.default_rng(0)
    scores = rng.integers(1, 6, (3, 60)).astype(float)
    scores[1] = 3
    seconds = np.full((3, 60), 1.0)
    seconds[2, :30] = 0.1
    ratings = timed(seconds)
    ratings = SingleRatings(
        ratings.rater, ratings.photo, scores.ravel(), ratings.raters, ratings.photos, trial=ratings.trial, seconds=ratings.seconds
    )
    found = careless_patterns(ratings, np.zeros(3), rng)
    assert found.longest_run[1] == 60
    assert found.run_by_chance[1] == 60  # in any order: no sign of haste, only of no variance
    assert found.longest_run[0] <= found.run_by_chance[0] + 2
    assert found.deviation.tolist() == pytest.approx([scores[0].std(ddof=1), 0, scores[2].std(ddof=1)])
    assert found.too_fast.tolist() == [0, 0, 0.5]


def test_without_order_and_times_these_patterns_are_unknown():
    found = careless_patterns(planted(0, raters=3, photos=4), np.zeros(3), np.random.default_rng(0))
    assert np.isnan(found.longest_run).all()
    assert np.isnan(found.too_fast).all()


def test_opinions_of_a_photo():
    scores = np.array([[1.0, 5], [2, NAN], [6, NAN]])
    found = photo_opinions(table(scores))
    assert found.mean.tolist() == [3, 5]
    low, high = stats.t.interval(0.95, 2, loc=3, scale=scores[:, 0].std(ddof=1) / np.sqrt(3))
    assert (found.low[0], found.high[0]) == pytest.approx((low, high), abs=1e-3)
    assert np.isnan(found.low[1])
    assert found.levels.tolist() == [1, 2, 5, 6]
    assert found.distribution.tolist() == [[1, 1, 0, 1], [0, 0, 1, 0]]


def test_a_raters_repetitions_count_as_one_opinion():
    scores = np.array([[[1.0, 3]], [[4, 4]]])
    found = photo_opinions(table(scores))
    assert (found.raters[0], found.mean[0]) == (2, 3)


def test_fine_scales_are_shown_in_bins():
    scores = np.random.default_rng(0).random((5, 40))
    found = photo_opinions(table(scores))
    assert found.distribution.shape == (40, 20)
    assert found.distribution.sum() == 200
