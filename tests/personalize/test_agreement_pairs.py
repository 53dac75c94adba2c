"""Paired choices: Bradley-Terry strengths, triples, side bias, agreement of choices."""

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.optimize import minimize

from personalize.agreement.pair_analysis import analyse_pairs
from personalize.agreement.paired_choices import (
    PRIOR_SD,
    PairedChoices,
    Triples,
    bradley_terry,
    choice_rates,
    intransitive_triples,
    same_choice,
)
from personalize.agreement.resampling import BootstrapPlan
from personalize.errors import TooFewRatings


def choices(rows: list[tuple[int, int, int, float]]) -> PairedChoices:
    """Rows of rater, left, right, chosen."""
    rater, left, right, chosen = (np.array(column) for column in zip(*rows, strict=True))
    names = [str(place) for place in range(1 + max(left.max(), right.max()))]
    return PairedChoices(rater, left, right, chosen.astype(float), [str(place) for place in range(1 + rater.max())], names)


def planted(
    seed: int, photos: int = 12, raters: int = 10, rounds: int = 60, side: float = 0.0, tie: float = 0.0
) -> tuple[PairedChoices, np.ndarray]:
    """Choices by Davidson's model."""
    rng = np.random.default_rng(seed)
    strength = rng.normal(size=photos)
    rows = []
    for rater in range(raters):
        for _ in range(rounds):
            left, right = rng.choice(photos, 2, replace=False)
            gap = strength[left] - strength[right] + side
            weight = np.array([np.exp(gap / 2), tie, np.exp(-gap / 2)])
            rows.append((rater, left, right, (1.0, 0.5, 0.0)[rng.choice(3, p=weight / weight.sum())]))
    return choices(rows), strength - strength.mean()


@pytest.mark.parametrize("tie", [0.0, 0.7])
def test_strengths_are_the_maximum_of_the_posterior(tie):
    """The same maximum by a general minimiser, from the probabilities as Davidson writes them."""
    data, _ = planted(0, photos=5, rounds=20, side=0.4, tie=tie)

    def loss(x: np.ndarray) -> float:
        strength, side, log_tie = x[:5], x[5], x[6] if tie else -np.inf
        left, right = np.exp(strength[data.left] + side), np.exp(strength[data.right])
        neither = np.exp(log_tie) * np.sqrt(left * right)
        outcome = np.select([data.chosen == 1, data.chosen == 0], [left, right], neither)
        return float(-np.log(outcome / (left + right + neither)).sum() + 0.5 * (x**2).sum() / PRIOR_SD**2)

    found, oracle = bradley_terry(data), minimize(loss, np.zeros(7 if tie else 6), tol=1e-10).x
    assert found.strength == pytest.approx(oracle[:5] - oracle[:5].mean(), abs=1e-4)
    assert found.side == pytest.approx(oracle[5], abs=1e-4)
    assert found.tie == (pytest.approx(oracle[6], abs=1e-4) if tie else -np.inf)


def test_errors_of_strengths_hold_planted_ones():
    held = []
    for seed in range(20):
        data, strength = planted(seed, side=0.3, tie=0.3)
        found = bradley_terry(data)
        held += (np.abs(found.strength - strength) <= 1.96 * found.error).tolist()
        held.append(abs(found.side - 0.3) <= 1.96 * found.side_error)
    assert 0.92 <= np.mean(held) <= 0.98


def test_a_photo_that_always_wins_has_a_finite_strength():
    found = bradley_terry(choices([(0, 0, 1, 1.0)] * 30 + [(0, 1, 2, 1.0)] * 3))
    assert np.isfinite(found.strength).all()
    assert found.strength[0] > found.strength[1] > found.strength[2]


def test_too_many_photos_for_a_fit_are_refused(monkeypatch):
    monkeypatch.setattr("personalize.agreement.paired_choices.MOST_PHOTOS", 2)
    with pytest.raises(TooFewRatings, match="at most 2 photos; there are 1 pairs of 3"):
        bradley_terry(choices([(0, 0, 2, 1.0)]))


def test_intransitive_triples_agree_with_a_loop():
    rng = np.random.default_rng(0)
    wins = {pair: rng.random() < 0.5 for pair in combinations(range(8), 2) if rng.random() < 0.8}
    data = choices([(0, a, b, float(won)) for (a, b), won in wins.items()])

    def beats(a: int, b: int) -> bool:
        return wins.get((a, b), False) if a < b else not wins.get((b, a), True)

    decided = sum(all(pair in wins for pair in combinations(three, 2)) for three in combinations(range(8), 3))
    intransitive = sum(beats(a, b) and beats(b, c) and beats(c, a) for a, b, c in permutations(range(8), 3)) // 3
    assert intransitive_triples(data, within_raters=False) == Triples(decided, intransitive)


def test_triples_within_raters_do_not_mix_raters():
    data = choices([(0, 0, 1, 1.0), (0, 1, 2, 1.0), (1, 2, 0, 1.0)])
    assert intransitive_triples(data, within_raters=True) == Triples(0, 0)
    assert intransitive_triples(data, within_raters=False) == Triples(1, 1)


def test_a_tie_decides_no_triple():
    assert intransitive_triples(choices([(0, 0, 1, 1.0), (0, 1, 2, 1.0), (0, 2, 0, 0.5)]), within_raters=False) == Triples(0, 0)


def test_choice_rates_count_ties_as_one_half():
    found = choice_rates(choices([(0, 0, 1, 1.0), (0, 1, 2, 0.5), (1, 1, 0, 0.0)]))
    assert (found.left.tolist(), found.ties.tolist(), found.shown.tolist()) == ([1.5, 0], [1, 0], [2, 1])


def test_same_choice_is_about_photos_not_sides():
    data = choices([(0, 0, 1, 1.0), (1, 1, 0, 0.0), (2, 0, 1, 0.0)])  # the first two choose photo 0
    assert same_choice(data, np.ones(3)) == pytest.approx(1 / 3)
    assert same_choice(data, np.array([5.0, 1, 0])) == pytest.approx(1)  # copies of a rater are not compared
    assert np.isnan(same_choice(data, np.array([5.0, 0, 0])))


def test_the_analysis_covers_a_planted_side_bias():
    held = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        bias = 0.5 + 0.05 * rng.normal(size=40)
        rows = [(rater, *rng.choice(6, 2, replace=False), float(rng.random() < bias[rater])) for rater in range(40) for _ in range(50)]
        side = analyse_pairs(choices(rows), BootstrapPlan(50, seed)).of("side")
        held += side.low <= 0.5 <= side.high
    assert held >= 17


def test_one_rater_of_pairs_has_strengths_and_no_interval():
    found = analyse_pairs(choices([(0, 0, 1, 1.0), (0, 1, 2, 1.0)]), BootstrapPlan(20, 0))
    assert found.of("side").value == 1.0
    assert found.of("side").low is None
    assert "no two raters" in found.of("same_choice").reason
    assert found.as_json()["photos"]["strength"][0] > 0
