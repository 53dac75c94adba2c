"""Baselines against naive oracles, and methods that cannot run."""

from dataclasses import replace

import numpy as np
import pytest

from personalize.errors import BadOption
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.research import baselines, evaluate
from personalize.research.baselines import STRENGTHS, Catalogue
from personalize.research.evaluate import EvaluationProtocol, Subject


@pytest.fixture
def catalogue() -> Catalogue:
    rng = np.random.default_rng(0)
    groups = {name: rng.normal(size=(60, width)) / np.sqrt(width) for name, width in (("lite0", 30), ("merged", 12))}
    return Catalogue(rng.normal(size=(60, 256)) / 16, 3, groups, lambda: np.zeros((60, 1)))


@pytest.fixture
def shots() -> RaterRatings:
    rng = np.random.default_rng(1)
    return RaterRatings(rng.permutation(60)[:14], rng.integers(1, 8, 14).astype(float))


def naive(kernel: np.ndarray, shots: RaterRatings) -> np.ndarray:
    """Scores by the strength with the least error of predictions without each shot in turn."""
    y, among = shots.ratings - shots.ratings.mean(), kernel[np.ix_(shots.photos, shots.photos)]

    def error(strength: float) -> float:
        left_out = []
        for out in range(len(y)):
            rest = np.delete(np.arange(len(y)), out)
            solved = np.linalg.solve(among[np.ix_(rest, rest)] + strength * np.eye(len(rest)), y[rest])
            left_out.append(y[out] - among[out, rest] @ solved)
        return float(np.mean(np.square(left_out)))

    best = min(STRENGTHS, key=error)
    return kernel[:, shots.photos] @ np.linalg.solve(among + best * np.eye(len(y)), y)


def test_ridge_is_the_one_with_the_least_left_out_error(catalogue, shots):
    group = catalogue.groups["lite0"]
    found = baselines.ridge("lite0")(catalogue, shots, Hyperprior.flat())
    np.testing.assert_allclose(found, naive(group @ group.T, shots), atol=1e-6)


def test_kernel_ridge_has_a_gaussian_kernel_as_wide_as_the_median_distance(catalogue, shots):
    x = catalogue.joined
    square = ((x[:, None] - x) ** 2).sum(axis=2)
    among = square[np.ix_(shots.photos, shots.photos)]
    width = np.median(among[~np.eye(len(among), dtype=bool)])
    found = baselines.kernel_ridge(catalogue, shots, Hyperprior.flat())
    np.testing.assert_allclose(found, naive(np.exp(-square / width), shots), atol=1e-6)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_shots_give_equal_scores(catalogue, count):
    shots = RaterRatings(np.arange(count), np.ones(count))
    for method in (baselines.ridge("merged"), baselines.kernel_ridge):
        assert not method(catalogue, shots, Hyperprior.flat()).any()


def test_methods_that_cannot_run_are_left_out_with_the_reason(catalogue):
    raters = [RaterRatings(np.arange(40), np.arange(40.0), f"r{number}") for number in range(6)]
    subject = Subject(lambda: catalogue, raters, None, None, lambda: pytest.fail("no network"))
    protocol = EvaluationProtocol(methods=("generic", "ridge", "ridge-lite2", "instant", "instant+others"))
    able, reasons = evaluate.without_impossible(subject, protocol)
    assert able.methods == ("generic", "ridge", "instant")
    assert reasons == {
        "ridge-lite2": "the bank has no group of features named lite2",
        "instant+others": "it learns from at least 20 other raters whose ratings differ",
    }
    with pytest.raises(BadOption, match="No method can run: ridge-lite2: the bank has no group"):
        evaluate.without_impossible(subject, replace(protocol, methods=("ridge-lite2",)))


def test_teachers_move_the_generic_score_and_those_tested_do_not(catalogue):
    rng = np.random.default_rng(2)
    liked = catalogue.features[:, 3]
    raters = []
    for number in range(30):
        photos = rng.permutation(60)[:40]
        raters.append(RaterRatings(photos, liked[photos] + 0.01 * rng.normal(size=40), f"r{number}"))
    subject = Subject(lambda: catalogue, raters, None, None, lambda: pytest.fail("no network"))
    protocol = EvaluationProtocol(hyperprior="half")
    teachers, tested = evaluate.split(raters, None, protocol)
    moved, _ = evaluate.learned_from_others(subject, protocol, teachers)(tested[0])
    before, after = (abs(np.corrcoef(one.features[:, 0], liked)[0, 1]) for one in (catalogue, moved))
    assert after > before + 0.2
    np.testing.assert_array_equal(moved.features[:, 1:], catalogue.features[:, 1:])
    flat, _ = evaluate.learned_from_others(subject, replace(protocol, hyperprior="flat"), teachers)(tested[0])
    assert flat is catalogue
