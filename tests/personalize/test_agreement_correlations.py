"""Correlations between raters, split halves, test-retest and noise ceilings, against loops and planted values."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from personalize.agreement import weighted
from personalize.agreement.correlations import LEAST_COMMON, MeanMinusOne, RaterPairs
from personalize.agreement.retest import Retest
from personalize.agreement.split_halves import RaterHalves, RatingHalves, spearman_brown
from personalize.agreement.variance_ratios import noise_ceilings
from tests.personalize.planted_ratings import VARIANCES, ones, planted, table

CORRELATIONS = {"pearson": lambda a, b: stats.pearsonr(a, b).statistic, "spearman": lambda a, b: stats.spearmanr(a, b).statistic}


@pytest.fixture(scope="module")
def scores():
    """Twelve raters of thirty photos in five steps, a quarter missing."""
    rng = np.random.default_rng(0)
    found = np.clip(np.round(3 + rng.normal(size=30) + rng.normal(size=(12, 30))), 1, 5)
    found[rng.random(found.shape) < 0.25] = np.nan
    return found


def test_mean_minus_one_agrees_with_a_loop_over_raters(scores):
    ratings = table(scores)
    found = dict(zip(CORRELATIONS, MeanMinusOne(ratings.cells).estimate(*ones(ratings)), strict=True))
    for rater, own in enumerate(scores):
        seen = ~np.isnan(own)
        others = np.nanmean(np.delete(scores, rater, axis=0), axis=0)
        for name, correlation in CORRELATIONS.items():
            assert found[name][rater] == pytest.approx(correlation(own[seen], others[seen]))


def test_weights_of_the_bootstrap_are_copies_of_raters_and_photos(scores):
    """A rater drawn twice is twice in the others' mean, and never in the own one."""
    ratings = table(scores)
    rng = np.random.default_rng(1)
    raters, photos = rng.integers(0, 3, len(scores)) * 1.0, rng.integers(0, 3, scores.shape[1]) * 1.0
    found = dict(zip(CORRELATIONS, MeanMinusOne(ratings.cells).estimate(raters, photos), strict=True))
    for rater, own in enumerate(scores):
        rows = np.repeat(np.delete(scores, rater, axis=0), np.delete(raters, rater).astype(int), axis=0)
        rated = ~np.isnan(own) & (~np.isnan(rows)).any(axis=0)
        if (rated & (photos > 0)).sum() < LEAST_COMMON:
            assert np.isnan(found["pearson"][rater])
            continue
        places = np.repeat(np.flatnonzero(rated), photos[rated].astype(int))
        others = np.nanmean(rows[:, places], axis=0)
        for name, correlation in CORRELATIONS.items():
            assert found[name][rater] == pytest.approx(correlation(own[places], others))


def test_pairwise_correlations_agree_with_a_loop_over_pairs(scores):
    cells = table(scores).cells
    pairs = RaterPairs.of(cells, 0)
    found = {"pearson": pairs.pearson(np.ones(cells.photos)), "spearman": pairs.spearman()}
    z = {name: [] for name in CORRELATIONS}
    for a, b in combinations(range(len(scores)), 2):
        both = ~np.isnan(scores[a]) & ~np.isnan(scores[b])
        for name, correlation in CORRELATIONS.items():
            expected = correlation(scores[a][both], scores[b][both])
            assert found[name][a, b] == pytest.approx(expected)
            z[name].append(np.arctanh(expected))
    for name, matrix in found.items():
        assert pairs.mean(matrix, np.ones(len(scores))) == pytest.approx(np.tanh(np.mean(z[name])))


def test_a_rater_is_not_paired_with_the_own_copy(scores):
    pairs = RaterPairs.of(table(scores).cells, 0)
    matrix = pairs.pearson(np.ones(scores.shape[1]))
    weights = np.zeros(len(scores))
    weights[[0, 1]] = 3, 1
    assert pairs.mean(matrix, weights) == pytest.approx(matrix[0, 1])


def test_pairs_with_few_common_photos_are_counted():
    scores = np.full((3, 30), np.nan)
    rng = np.random.default_rng(0)
    scores[0, :15], scores[1, :15], scores[2, 15:] = rng.normal(size=(3, 15))
    pairs = RaterPairs.of(table(scores).cells, 0)
    assert pairs.too_few == pytest.approx(2 / 3)


def test_ranks_with_weights_are_those_of_repeated_values():
    rng = np.random.default_rng(2)
    group, values, weight = rng.integers(0, 3, 40), rng.integers(0, 5, 40) * 1.0, rng.integers(0, 4, 40) * 1.0
    ranks = weighted.mid_ranks(weighted.rank_order(group, values), weight)
    for number in range(3):
        own = (group == number) & (weight > 0)
        times = weight[own].astype(int)
        expected = stats.rankdata(np.repeat(values[own], times))
        difference = np.repeat(ranks[own], times) - expected
        assert np.ptp(difference) == pytest.approx(0)


def test_masked_ranks_are_those_of_each_row():
    rng = np.random.default_rng(3)
    values = rng.integers(0, 4, (6, 9)) * 1.0
    values[rng.random(values.shape) < 0.3] = np.nan
    found = weighted.masked_ranks(values)
    for row, ranks in zip(values, found, strict=True):
        known = ~np.isnan(row)
        assert ranks[known].tolist() == stats.rankdata(row[known]).tolist()
        assert np.isnan(ranks[~known]).all()


def test_split_half_over_raters_is_cronbachs_alpha_on_average():
    """With complete data and many photos, both estimate the reliability of the mean of all raters."""
    ratings = planted(0, raters=20, photos=3000, blocks=1, rated=1.1)
    noise = VARIANCES["rater_photo"] + VARIANCES["residual"]
    photo = VARIANCES["photo"] + VARIANCES["block_photo"]
    assert RaterHalves(ratings, np.random.default_rng(0)).estimate(*ones(ratings)) == pytest.approx(photo / (photo + noise / 20), abs=0.01)


def test_split_half_over_ratings_is_not_corrected():
    ratings = planted(0, raters=20, photos=3000, blocks=1, rated=1.1)
    noise = VARIANCES["rater_photo"] + VARIANCES["residual"]
    photo = VARIANCES["photo"] + VARIANCES["block_photo"]
    # Raters' means are dealt into complementary halves of ten, differently for each photo: variance s^2 / 20, covariance -s^2 / 20.
    apart = np.var(np.bincount(ratings.rater, ratings.score) / 3000, ddof=1) / 20
    expected = (photo - apart) / (photo + noise / 10 + apart)
    assert RatingHalves(ratings, np.random.default_rng(0)).estimate(*ones(ratings)) == pytest.approx(expected, abs=0.01)


def test_copies_of_a_rater_are_in_one_half():
    """Two raters who disagree, each counted many times: no split may find the agreement of copies."""
    ratings = table(np.array([np.arange(20.0), -np.arange(20.0)]))
    rng, weights = np.random.default_rng(0), (np.array([5.0, 5.0]), np.ones(20))
    found = RaterHalves(ratings, rng).estimate(*weights)
    assert found == -1
    assert RatingHalves(ratings, rng).estimate(*weights) < 0.5


def test_each_split_deals_the_ratings_of_a_photo_evenly():
    ratings = planted(0, raters=9, photos=12, blocks=1)
    halves = RatingHalves(ratings, np.random.default_rng(0))._halves
    sizes = np.bincount(ratings.photo)
    for half in halves:
        assert (np.abs(np.bincount(ratings.photo, half, minlength=12) - sizes / 2) <= 0.5).all()


def test_spearman_brown_of_shrunken_halves():
    assert spearman_brown(0.5) == pytest.approx(2 / 3)
    assert (spearman_brown(-0.9), spearman_brown(-1.0)) == (-1, -1)
    assert np.isnan(spearman_brown(np.nan))


def test_test_retest_agrees_with_a_loop_over_raters():
    ratings = planted(4, raters=6, photos=30, blocks=3, rated=0.7)
    found = Retest(ratings).estimate(np.ones(len(ratings.photos)))
    for rater in range(6):
        scores = np.full((30, 3), np.nan)
        own = ratings.rater == rater
        scores[ratings.photo[own], ratings.block[own]] = ratings.score[own]
        known = ~np.isnan(scores).any(axis=1)
        z = [np.arctanh(stats.pearsonr(scores[known, a], scores[known, b]).statistic) for a, b in combinations(range(3), 2)]
        assert found[rater] == pytest.approx(np.tanh(np.mean(z)))


def test_raters_with_few_repeated_photos_have_no_test_retest():
    scores = np.random.default_rng(0).normal(size=(2, 12, 2))
    scores[1, 5:, 1] = np.nan
    found = Retest(table(scores)).estimate(np.ones(12))
    assert np.isnan(found).tolist() == [False, True]


def test_no_model_passes_the_ceilings_on_planted_tastes():
    """The planted shared taste and each rater's planted own taste correlate with ratings as the ceilings say."""
    rng = np.random.default_rng(0)
    photo, private = rng.normal(size=4000), np.sqrt(0.8) * rng.normal(size=(20, 4000))
    said = photo + private + np.sqrt(0.6) * rng.normal(size=(20, 4000))
    found = noise_ceilings({"photo": 1.0, "rater": 0.5, "rater_photo": 0.8, "residual": 0.6})
    assert np.mean([np.corrcoef(photo, one)[0, 1] for one in said]) == pytest.approx(found["ceiling_generic"], abs=0.01)
    personal = [np.corrcoef(photo + own, one)[0, 1] for own, one in zip(private, said, strict=True)]
    assert np.mean(personal) == pytest.approx(found["ceiling_personal"], abs=0.01)


def test_without_repeats_the_personal_ceiling_is_unknown():
    assert set(noise_ceilings({"photo": 1.0, "rater": 0.0, "residual": 1.0})) == {"ceiling_generic"}


def test_a_weighted_median_is_that_of_repeated_values():
    values, weight = np.array([3.0, 1.0, 2.0, 5.0]), np.array([1.0, 2.0, 1.0, 2.0])
    assert weighted.median(values, weight) == np.median(np.repeat(values, weight.astype(int)))
    assert weighted.median(values, np.ones(4)) == 2.5
    assert np.isnan(weighted.median(np.zeros(0), np.zeros(0)))
