"""Leave-pair-out accuracy, compared with fits to all other ratings; its bias and its interval on planted raters."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import certainty as bench
from personalize.files.rating_tables import RatingTable
from personalize.numerics import certainty, metrics
from personalize.numerics.hyperparameter_grid import INTERCEPT, Hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.research.baselines import Catalogue
from ratings.ranking.certainty import LEAST_RATINGS

HYPERPRIOR = Hyperprior.flat()


def all_pairs(ratings):
    first, second = np.triu_indices(len(ratings), k=1)
    differ = ratings[first] != ratings[second]
    return first[differ], second[differ]


@given(st.lists(st.integers(0, 3), min_size=3, max_size=30), st.integers(0, 1000))
def test_the_sum_over_pairs_is_spearmans_correlation_where_no_scores_are_equal(ratings, seed):
    ratings, scores = np.array(ratings, dtype=float), np.random.default_rng(seed).permutation(len(ratings)).astype(float)
    if np.ptp(ratings) > 0:
        first, second = all_pairs(ratings)
        found = certainty.pair_correlation(np.sign(scores[first] - scores[second]), ratings, first, second)
        assert found == pytest.approx(metrics.srocc(scores, ratings), abs=1e-12)


def naive_difference(features, ratings, population_scores, pair):
    """A Gaussian process for each feature variance, fitted to all ratings but the pair and weighted by the evidence of these alone."""
    rest = np.setdiff1d(np.arange(len(ratings)), pair)
    z = (ratings - ratings.mean()) / ratings.std()
    s, phi, offset, tastes = features[:, 0], features[:, 1:], population_scores[:, 0], population_scores[:, 1:]
    differences, evidence = [], []
    for place, variance in enumerate(HYPERPRIOR.feature):
        weights = HYPERPRIOR.weights[:, place] / HYPERPRIOR.weights[:, place].sum()
        # Mean and variance over the prior of the ratings, from the moments of its parts.
        slopes = [
            (base, trust, weights[b, :, c].sum()) for b, base in enumerate(HYPERPRIOR.base) for c, trust in enumerate(HYPERPRIOR.trust)
        ]
        trust = sum(w * c for _, c, w in slopes)
        slope = sum(w * (v + c * c) for v, c, w in slopes) - trust**2
        noise = weights.sum(axis=(0, 2)) @ HYPERPRIOR.noise
        shared = variance * phi @ phi.T + slope * np.outer(s, s) + tastes @ tastes.T
        inner = (shared + INTERCEPT + noise * np.eye(len(z)))[np.ix_(rest, rest)]
        residual = (z - offset - trust * s)[rest]
        solved = np.linalg.solve(inner, residual)
        score = offset + trust * s + shared[:, rest] @ solved  # without the mean rating, which is the same for both photos
        differences.append(score[pair[0]] - score[pair[1]])
        evidence.append(-0.5 * (residual @ solved + np.linalg.slogdet(inner)[1]))
    weights = np.exp(np.array(evidence) - max(evidence))
    return weights @ differences / weights.sum()


@pytest.mark.parametrize("count", [5, 12, 20])  # fewer and more ratings than the 11 axes
def test_left_out_differences_match_fits_without_the_pair(count):
    rng = np.random.default_rng(count)
    features, ratings = rng.normal(size=(count, 12)), np.r_[1.0, 3.0, rng.integers(1, 4, count - 2)]
    population_scores = rng.normal(size=(count, 2))
    first, second = all_pairs(ratings)
    expected = [naive_difference(features, ratings, population_scores, pair) for pair in zip(first, second, strict=True)]
    found = certainty.left_out_differences(features, ratings, HYPERPRIOR, population_scores, first, second)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_swapping_the_ratings_of_a_pair_does_not_change_its_predicted_difference():
    rng = np.random.default_rng(3)
    features, ratings = rng.normal(size=(20, 12)), rng.integers(1, 4, 20).astype(float)
    first, second = all_pairs(ratings)
    for i, j in list(zip(first, second, strict=True))[:20]:
        swapped = ratings.copy()
        swapped[[i, j]] = ratings[[j, i]]
        pair = np.array([i]), np.array([j])
        before, after = (certainty.left_out_differences(features, one, HYPERPRIOR, np.zeros((20, 1)), *pair) for one in (ratings, swapped))
        np.testing.assert_allclose(before, after, atol=1e-9)


def test_feature_variances_that_the_ratings_rule_out_may_be_left_out():
    case = next(bench.planted(0.9, 100, 1, seed=4))
    posterior = np.array([1e-6, 0.4, 0.6])
    with_all = certainty.accuracy(case.features, case.ratings, HYPERPRIOR)
    without = certainty.accuracy(case.features, case.ratings, HYPERPRIOR, posterior=posterior)
    some = replace(HYPERPRIOR, feature=HYPERPRIOR.feature[1:], weights=HYPERPRIOR.weights[:, 1:])
    assert without == certainty.accuracy(case.features, case.ratings, some)
    assert without.srocc == pytest.approx(with_all.srocc, abs=0.02)


def test_anchors_are_not_compared_and_do_not_count():
    rng = np.random.default_rng(5)
    features = np.r_[np.zeros((2, 12)), rng.normal(size=(9, 12))]
    seven = np.r_[1.0, 2.0, 1, 2, 3, 1, 2, 3, 1]
    assert certainty.accuracy(features[:9], seven, HYPERPRIOR, anchors=2) is None
    equal = np.r_[1.0, 2.0, np.full(9, 2.0)]
    assert certainty.accuracy(features, equal, HYPERPRIOR, anchors=2) is None
    nine = np.r_[1.0, 2.0, 1, 2, 3, 1, 2, 3, 1, 2, 3]
    first, second = all_pairs(nine[2:])
    gaps = certainty.left_out_differences(features, nine, HYPERPRIOR, np.zeros((11, 1)), first + 2, second + 2)
    expected = certainty.pair_correlation(np.sign(gaps), nine[2:], first, second)
    assert certainty.accuracy(features, nine, HYPERPRIOR, anchors=2).srocc == pytest.approx(expected)


@pytest.mark.parametrize("ratings", [[], [1.0, 3.0], [2.0] * 12])
def test_few_or_equal_ratings_have_no_accuracy(ratings):
    features = np.random.default_rng(0).normal(size=(len(ratings), 12))
    assert certainty.accuracy(features, np.array(ratings), HYPERPRIOR) is None


def test_photos_that_are_all_alike_have_no_accuracy():
    assert certainty.accuracy(np.ones((12, 12)), np.arange(12.0) % 3, HYPERPRIOR) is None


def test_the_page_and_the_numerics_need_the_same_number_of_ratings():
    assert LEAST_RATINGS == metrics.LEAST_RATINGS


@pytest.fixture(scope="module")
def measured():
    """160 planted raters without any taste and 160 with one, for each number of ratings."""
    rng = np.random.default_rng(0)
    return {
        (signal, shots): [
            found for case in bench.planted(signal, shots, 160, seed=1) if (found := bench.measure(case, HYPERPRIOR, rng, folds=False))
        ]
        for signal in (0.0, 0.7)
        for shots in (10, 30)
    }


@pytest.mark.parametrize(("shots", "below"), [(10, 0), (30, 0.02)])
def test_without_any_taste_the_mean_accuracy_is_zero_where_leave_one_out_is_below(measured, shots, below):
    values = {name: np.array([one.estimates[name].srocc for one in measured[0.0, shots]]) for name in ("leave-pair-out", "leave-one-out")}
    error = {name: np.std(found) / np.sqrt(len(found)) for name, found in values.items()}
    assert abs(values["leave-pair-out"].mean()) < 2.5 * error["leave-pair-out"]
    assert values["leave-one-out"].mean() < values["leave-pair-out"].mean() - below


@pytest.mark.parametrize("hyperprior", ["shipped", "flat"])
def test_the_benchmark_prints_each_estimate_of_planted_raters(capsys, hyperprior):
    bench.main(["--raters", "2", "--shots", "10", "--hyperprior", hyperprior])
    rows = [row.split(" | ") for row in capsys.readouterr().out.splitlines()[2:]]
    assert {row[3] for row in rows} == {"leave-pair-out", "leave-one-out", "5 folds x 3"}
    assert {row[1] for row in rows} <= {str(signal) for signal in bench.SIGNALS}


def test_the_benchmark_measures_raters_of_a_dataset_on_features_with_task_heads(capsys, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 256)) / 16
    table = RatingTable([], [RaterRatings(rng.permutation(60)[:40], rng.normal(size=40), f"r{n}") for n in range(3)], left_out=0)
    monkeypatch.setattr(bench.rating_tables, "read", lambda *_: table)
    monkeypatch.setattr(bench, "make_catalogue", lambda *_: Catalogue(features, 4, {}, lambda: pytest.fail("no network")))
    bench.main(["--images", str(tmp_path), "--ratings", "ratings.csv", "--shots", "10"])
    assert "| 10 | dataset |" in capsys.readouterr().out


@pytest.mark.parametrize(("signal", "shots"), [(0.0, 10), (0.0, 30), (0.7, 10), (0.7, 30)])
def test_the_interval_holds_the_truth_of_90_to_98_of_100_planted_raters(measured, signal, shots):
    held = np.mean([bench.holds(one.estimates["leave-pair-out"], one.truth, one.error) for one in measured[signal, shots]])
    assert 0.9 - 0.03 <= held <= 0.98 + 0.02  # plus or minus the error of 160 raters
