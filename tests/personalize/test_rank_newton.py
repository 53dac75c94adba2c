"""The convex subproblem of an exact fit, compared with derivations by hand and a general optimiser."""

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize

from personalize.numerics import rank_newton


@pytest.fixture
def problem():
    draw = np.random.default_rng(0)
    scores, slopes = draw.normal(size=9), draw.normal(size=(9, 30))
    return scores, slopes, draw.integers(1, 4, size=9).astype(float), draw.normal(size=30), draw.normal(size=30)


def test_the_rank_loss_of_two_photos_is_that_of_their_pair():
    assert rank_newton.rank_loss(np.array([1.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx(np.log(1 + np.exp(-2)))


def test_the_gradient_is_the_probability_of_the_wrong_order():
    gradient, _ = rank_newton.derivatives(np.array([0.0, 1.0]), np.array([2.0, 1.0]))
    wrong = 1 / (1 + np.exp(-1))  # sigma(s_j - s_i) for the one pair, i rated higher
    np.testing.assert_allclose(gradient, [-wrong, wrong])


def test_gradient_and_hessian_match_numeric_derivatives(problem):
    scores, _, ratings, _, _ = problem
    assert check_grad(lambda s: rank_newton.rank_loss(s, ratings), lambda s: rank_newton.derivatives(s, ratings)[0], scores) < 1e-6
    _, hessian = rank_newton.derivatives(scores, ratings)
    step = 1e-6 * np.eye(len(scores))
    numeric = [(rank_newton.derivatives(scores + e, ratings)[0] - rank_newton.derivatives(scores - e, ratings)[0]) / 2e-6 for e in step]
    np.testing.assert_allclose(hessian, numeric, atol=1e-8)


@pytest.mark.parametrize("strength", [1e-2, 1.0])
def test_the_minimum_matches_a_general_optimiser(problem, strength):
    scores, slopes, ratings, here, centre = problem

    def loss(beta):
        return rank_newton.rank_loss(scores + slopes @ (beta - here), ratings) + strength / 2 * ((beta - centre) ** 2).sum()

    def gradient(beta):
        return slopes.T @ rank_newton.derivatives(scores + slopes @ (beta - here), ratings)[0] + strength * (beta - centre)

    general = minimize(loss, centre, jac=gradient, method="BFGS", options={"gtol": 1e-10, "maxiter": 5000}).x
    np.testing.assert_allclose(rank_newton.minimise(*problem, strength), general, atol=1e-6)


def test_the_step_reaches_but_does_not_exceed_the_trust_region(problem):
    *_, here, _ = problem
    there = rank_newton.minimise_within(*problem, 1e-3, 0.5)
    assert 0.49 < np.linalg.norm(there - here) <= 0.5


def test_equal_ratings_give_the_centre(problem):
    scores, slopes, ratings, here, centre = problem
    np.testing.assert_allclose(rank_newton.minimise(scores, slopes, np.ones_like(ratings), here, centre, 0.1), centre)
    assert rank_newton.rank_loss(scores, np.ones_like(ratings)) == 0


def chosen_strength(slopes, ratings):
    return rank_newton.cross_validated(np.zeros(40), slopes, ratings, (0.01, 1.0, 100.0), np.random.default_rng(0))


def test_cross_validation_chooses_weak_regularisation_for_signal():
    slopes = np.random.default_rng(1).normal(size=(40, 4))
    assert chosen_strength(slopes, slopes @ np.array([1.0, -1, 0.5, 2])) == 0.01


def test_cross_validation_chooses_strong_regularisation_for_noise():
    draw = np.random.default_rng(1)
    assert chosen_strength(draw.normal(size=(40, 60)), draw.normal(size=40)) > 0.01
