"""Comparison of the instant and the exact model."""

import numpy as np
import pytest

from personalize.numerics import model_comparison
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.research.baselines import Catalogue
from personalize.research.methods import Answer, Context, refined

RATINGS = np.tile([1.0, 2.0, 3.0], 12)


def fold_guesses(scores: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """The predictions for each fold by a model whose scores do not depend on its ratings."""
    return [model_comparison.guesses(lambda _seen: scores, len(scores), fold) for fold in model_comparison.folds(len(scores), seed)]


def test_every_rating_is_in_one_fold():
    folds = model_comparison.folds(37, 3)
    assert len(folds) == model_comparison.FOLDS
    assert sorted(np.concatenate(folds)) == list(range(37))
    assert {len(fold) for fold in folds} == {7, 8}


def test_a_model_never_sees_the_ratings_that_it_predicts():
    fold = model_comparison.folds(20, 0)[2]
    seen: list[np.ndarray] = []
    model_comparison.guesses(lambda places: seen.append(places) or np.zeros(20), 20, fold)
    assert sorted([*seen[0], *fold]) == list(range(20))


def test_offset_and_scale_of_the_scores_of_a_fold_do_not_matter():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20)
    moved = [
        model_comparison.guesses(lambda _seen, k=k: 7 * k + (1 + k) * scores, 20, fold)
        for k, fold in enumerate(model_comparison.folds(20, 0))
    ]
    np.testing.assert_allclose(np.concatenate(moved), np.concatenate(fold_guesses(scores)))


def test_a_clearly_better_model_becomes_active():
    rng = np.random.default_rng(0)
    good, poor = RATINGS + 0.3 * rng.normal(size=36), rng.normal(size=36)
    found = model_comparison.compare(fold_guesses(poor), fold_guesses(good), RATINGS, 0)
    assert found.active == "exact"
    assert found.exact > 0.8 > found.instant + found.error
    assert model_comparison.compare(fold_guesses(good), fold_guesses(poor), RATINGS, 0).active == "instant"


def test_the_instant_model_stays_active_when_both_are_about_equal():
    rng = np.random.default_rng(1)
    one = RATINGS + rng.normal(size=36)
    hardly_better = one.copy()
    hardly_better[0] -= 0.05
    for other in (one, hardly_better):
        assert model_comparison.compare(fold_guesses(one), fold_guesses(other), RATINGS, 0).active == "instant"


@pytest.mark.parametrize("ratings", [np.full(36, 2.0), RATINGS])
def test_the_instant_model_stays_active_without_information(ratings):
    found = model_comparison.compare(fold_guesses(np.zeros(36)), fold_guesses(np.zeros(36)), ratings, 0)
    assert (found.active, found.instant, found.exact) == ("instant", 0.0, 0.0)


class Network:
    """A stand-in for the network, whose exact fit predicts the given truth."""

    def __init__(self, truth: np.ndarray) -> None:
        self.truth, self.fits = truth, 0

    def exact(self, shots, places, seed):
        self.fits += 1
        return Answer(self.truth[places], 6 * len(shots.photos), 0.1)


@pytest.mark.parametrize(("sign", "count", "fits", "passes"), [(1, 30, 6, 900), (-1, 30, 5, 720), (1, 15, 0, 0)])
def test_the_method_gives_the_scores_of_the_active_model(sign, count, fits, passes):
    rng = np.random.default_rng(2)
    features = rng.normal(size=(60, 256)) / 16
    truth = rng.normal(size=60)
    catalogue = Catalogue(features, 0, {}, lambda: np.zeros((60, 1)))
    network = Network(sign * truth)
    context = Context(lambda: (catalogue, Hyperprior.flat()), None, lambda: network, 0)
    prediction = refined(context, RaterRatings(np.arange(count), truth[:count]), np.arange(count, 60))
    assert (network.fits, prediction.image_passes) == (fits, passes)
    assert np.array_equal(prediction.scores, truth[count:]) == (fits == 6)
