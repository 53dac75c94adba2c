"""Rank correlation, compared with SciPy, and the coverage of intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from personalize.numerics import metrics


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=40))
def test_srocc_with_ties_agrees_with_scipy(pairs):
    a, b = np.array(pairs, dtype=float).T
    ours = metrics.srocc(a, b)
    if np.std(a) == 0 or np.std(b) == 0:
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_ties_share_their_mean_rank():
    assert metrics.ranks(np.array([5.0, 1.0, 5.0, 2.0])).tolist() == [3.5, 1, 3.5, 2]


def test_accuracy_needs_eight_differing_ratings():
    line = np.arange(8.0)
    assert metrics.accuracy(line[:7], line[:7]) is None
    assert metrics.accuracy(line, np.full(8, 2.0)) is None
    assert metrics.accuracy(line, line).srocc == pytest.approx(1)


def test_the_interval_is_wide_enough_for_predictions_that_do_not_depend_on_the_ratings():
    rng = np.random.default_rng(0)
    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # Spearman's correlation of a bivariate normal with Pearson's .5
    covered = 0
    for _ in range(600):
        a = rng.normal(size=40)
        b = 0.5 * a + np.sqrt(0.75) * rng.normal(size=40)
        found = metrics.accuracy(a, b)
        covered += found.low <= truth <= found.high
    assert 0.95 <= covered / 600 < 0.99


def test_without_signal_the_interval_is_wider_by_the_square_root_of_two():
    found = metrics.with_interval(0.0, 103)
    reach = 1.96 * np.sqrt(2 / 100)
    assert found.high == pytest.approx(np.tanh(reach), rel=0.2)  # less, because the excess is smaller at the ends
    assert found.low == pytest.approx(-found.high)


@pytest.mark.parametrize("value", [-1.0, -0.3, 0.0, 0.8, 1.0])
def test_the_interval_contains_the_estimate_and_stays_within_one(value):
    found = metrics.with_interval(value, 8)
    assert -1 <= found.low <= value <= found.high <= 1


def test_a_bootstrap_interval_contains_the_mean():
    values = np.random.default_rng(0).normal(loc=0.4, scale=0.2, size=100)
    low, high = metrics.bootstrap_interval(values, np.random.default_rng(1))
    assert low < values.mean() < high
    assert high - low == pytest.approx(4 * 0.2 / 10, rel=0.3)
