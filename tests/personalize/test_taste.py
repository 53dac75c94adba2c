"""The instant fit, compared with a naive Gaussian process at every grid point and left-out rating."""

from dataclasses import replace
from inspect import unwrap

import numpy as np
import pytest
from scipy import optimize

from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import INTERCEPT, LEAST_ERROR, HyperparameterGrid, Hyperprior
from personalize.numerics.metrics import srocc
from personalize.numerics.taste import Covariance

HEADS = 2


def naive(features, ratings, hyperprior, population_scores=None):
    """Evidence and credit of each grid point, mean weights and left-out scores, with a separate inverse of every kernel and every refit."""
    z = (ratings - ratings.mean()) / ratings.std()
    s, h, phi, n = features[:, 0], features[:, 1 : 1 + hyperprior.heads], features[:, 1 + hyperprior.heads :], len(z)
    known = np.zeros((n, 1)) if population_scores is None else population_scores
    offset, factors = known[:, 0], known[:, 1:]
    evidence, credit, weights, own_weights, left_out, density = [], [], [], [], [], []
    for b, head in zip(hyperprior.base, hyperprior.head, strict=True):
        for f in hyperprior.feature:
            for v in hyperprior.noise:
                for c in hyperprior.trust:
                    own = b * np.outer(s, s) + head * h @ h.T + f * phi @ phi.T + factors @ factors.T  # without m and noise
                    kernel = own + INTERCEPT + v * np.eye(n)
                    r = z - offset - c * s
                    alpha = np.linalg.solve(kernel, r)
                    evidence.append(-0.5 * (r @ alpha + np.linalg.slogdet(kernel)[1] + n * np.log(2 * np.pi)))
                    weights.append(np.r_[c + b * s @ alpha, head * h.T @ alpha, f * phi.T @ alpha])
                    own_weights.append(np.r_[1, factors.T @ alpha])
                    scores, gaps, densities = [], [], []
                    for i in range(n):
                        rest = np.arange(n) != i
                        a = np.linalg.solve(kernel[np.ix_(rest, rest)], r[rest])
                        scores.append(c * s[i] + own[i, rest] @ a)
                        variance = kernel[i, i] - kernel[i, rest] @ np.linalg.solve(kernel[np.ix_(rest, rest)], kernel[rest, i])
                        gaps.append(r[i] - kernel[i, rest] @ a)
                        densities.append(-0.5 * np.log(2 * np.pi * variance) - 0.5 * gaps[-1] ** 2 / variance)
                    credit.append(0.5 * (evidence[-1] - 0.5 * n * np.log(np.mean(np.square(gaps)) + LEAST_ERROR)))
                    left_out.append(scores)
                    density.append(densities)
    log_weights = np.array(credit) + np.log(hyperprior.weights.ravel())
    posterior = np.exp(log_weights - log_weights.max())
    posterior /= posterior.sum()
    without = log_weights[:, None] - np.array(density)
    without = np.exp(without - without.max(axis=0))
    return {
        "evidence": np.array(evidence),
        "credit": np.array(credit),
        "weights": posterior @ np.array(weights),
        "population_weights": posterior @ np.array(own_weights),
        "left_out": (without / without.sum(axis=0) * np.array(left_out)).sum(axis=0),
    }


def grid_of(features, ratings, hyperprior, population_scores):
    """The grid as `taste.fit` makes it."""
    standard = (ratings - ratings.mean()) / ratings.std()
    return HyperparameterGrid(features, standard - population_scores[:, 0], hyperprior, population_scores[:, 1:])


def uneven(heads, seed=0):
    """The grid with random weights."""
    flat = Hyperprior.flat(heads)
    return replace(flat, weights=np.random.default_rng(seed).dirichlet(np.ones(flat.weights.size)).reshape(flat.weights.shape))


def one_point(heads=HEADS):
    """A grid of one point."""
    trust, base, head, feature, noise = (np.array([value]) for value in (0.25, 0.1, 0.05, 0.4, 0.5))
    return Hyperprior(trust, base, head, feature, noise, np.ones((1, 1, 1, 1)), heads)


@pytest.fixture
def alice():
    rng = np.random.default_rng(1)
    return rng.normal(size=(9, 12)), rng.integers(1, 4, 9).astype(float)


@pytest.mark.parametrize("heads", [0, 2, 5])
@pytest.mark.parametrize("count", [4, 9, 20])  # fewer and more ratings than the features that no head explains
def test_the_closed_form_matches_a_naive_gaussian_process(count, heads):
    rng = np.random.default_rng(count)
    features, ratings = rng.normal(size=(count, 12)), np.r_[1.0, 3.0, rng.integers(1, 4, count - 2)]
    hyperprior = uneven(heads)
    expected, fit = naive(features, ratings, hyperprior), taste.fit(features, ratings, hyperprior)
    grid = grid_of(features, ratings, hyperprior, np.zeros((count, 1)))
    np.testing.assert_allclose(grid.log_likelihood.ravel(), expected["evidence"], atol=1e-9)
    np.testing.assert_allclose(taste.log_credit(features, ratings, hyperprior).ravel(), expected["credit"], atol=1e-9)
    np.testing.assert_allclose(fit.weights, expected["weights"], atol=1e-6)
    np.testing.assert_allclose(grid.leave_one_out(), expected["left_out"], atol=1e-6)


def test_the_closed_form_with_heads_and_population_scores_matches_a_naive_gaussian_process(alice):
    features, ratings = alice
    known = np.random.default_rng(3).normal(size=(9, 3))
    expected, fit = naive(features, ratings, uneven(HEADS), known), taste.fit(features, ratings, uneven(HEADS), known)
    np.testing.assert_allclose(fit.weights, expected["weights"], atol=1e-6)
    np.testing.assert_allclose(fit.population_weights, expected["population_weights"], atol=1e-6)
    np.testing.assert_allclose(grid_of(features, ratings, uneven(HEADS), known).leave_one_out(), expected["left_out"], atol=1e-6)


def test_at_one_grid_point_the_weights_maximise_the_posterior(alice):
    features, ratings = alice
    z = (ratings - ratings.mean()) / ratings.std()

    def energy(unknown):  # minus the log posterior of (w, beta, a, m), up to a constant
        w, beta, a, m = unknown[0], unknown[1:3], unknown[3:-1], unknown[-1]
        gap = z - (0.25 + w) * features[:, 0] - features[:, 1:3] @ beta - features[:, 3:] @ a - m
        return gap @ gap / 0.5 + w * w / 0.1 + beta @ beta / 0.05 + a @ a / 0.4 + m * m / INTERCEPT

    best = optimize.minimize(energy, np.zeros(13), method="BFGS", options={"gtol": 1e-10}).x
    np.testing.assert_allclose(taste.fit(features, ratings, one_point()).weights, np.r_[0.25 + best[0], best[1:-1]], atol=1e-6)


def test_a_coefficient_on_a_task_head_is_found():
    rng = np.random.default_rng(4)
    features = np.concatenate([rng.normal(size=(200, 4)), rng.normal(size=(200, 252)) / 16], axis=1)
    ratings = 1.0 + np.digitize(features[:, 2] + 0.3 * rng.normal(size=200), [-0.5, 0.5])
    coefficients = taste.fit(features, ratings, Hyperprior.flat(heads=3)).weights[1:4]
    assert coefficients[1] > 0.2
    assert np.abs(coefficients[[0, 2]]).max() < 0.1


def test_coefficients_of_heads_and_their_uncertainty_match_the_dense_posterior(alice):
    features, ratings = alice
    z = (ratings - ratings.mean()) / ratings.std()
    s, h, phi = features[:, 0], features[:, 1:3], features[:, 3:]
    kernel = 0.1 * np.outer(s, s) + 0.05 * h @ h.T + 0.4 * phi @ phi.T + INTERCEPT + 0.5 * np.eye(9)
    fit = taste.fit(features, ratings, one_point())
    np.testing.assert_allclose(fit.weights[1:3], 0.05 * h.T @ np.linalg.solve(kernel, z - 0.25 * s), atol=1e-6)
    expected = 0.05 * np.eye(2) - 0.05**2 * h.T @ np.linalg.solve(kernel, h)
    heads = np.eye(12)[1:3]
    np.testing.assert_allclose(fit.covariance.between(heads, heads), expected, atol=1e-9)
    np.testing.assert_allclose(fit.covariance.deviations()[1:3] ** 2, np.diag(expected), atol=1e-9)


def test_reversed_ratings_reverse_the_ranking_without_trust_in_the_generic_score(alice):
    features, ratings = alice
    flat = Hyperprior.flat(HEADS)
    hyperprior = replace(flat, trust=np.zeros(1), weights=flat.weights.sum(axis=3, keepdims=True))
    forward, backward = (taste.fit(features, values, hyperprior).weights for values in (ratings, 4 - ratings))
    np.testing.assert_allclose(forward, -backward, atol=1e-6)


def test_the_scale_of_the_ratings_does_not_matter(alice):
    features, ratings = alice
    hyperprior = Hyperprior.flat()
    np.testing.assert_allclose(
        taste.fit(features, ratings, hyperprior).weights, taste.fit(features, 10 * ratings - 3, hyperprior).weights, atol=1e-6
    )


@pytest.mark.parametrize("ratings", [[], [2.0], [3.0, 3.0, 3.0]])
def test_missing_or_equal_ratings_give_the_generic_order(ratings):
    features = np.random.default_rng(0).normal(size=(len(ratings), 256))
    fit = taste.fit(features, np.array(ratings), Hyperprior.flat())
    np.testing.assert_array_equal(fit.weights, np.eye(256, dtype=np.float32)[0])


def test_a_synthetic_taste_is_recovered():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(600, 256)) / 16
    features[:, 0] = rng.normal(size=600)
    planted = features @ np.r_[0.3, rng.normal(size=255)]
    seen = slice(0, 300)
    fit = taste.fit(features[seen], np.digitize(planted[seen], [-0.5, 0.7]) + 1.0, Hyperprior.flat())
    assert srocc(features[300:] @ fit.weights, planted[300:]) > 0.7


def test_the_posterior_covariance_matches_the_kernel(alice):
    features, ratings = alice
    prior = np.diag(np.r_[0.1, 0.05, 0.05, np.full(9, 0.4)])
    kernel = features @ prior @ features.T + INTERCEPT + 0.5 * np.eye(9)
    expected = prior - prior @ features.T @ np.linalg.inv(kernel) @ features @ prior
    eye = np.eye(12)
    np.testing.assert_allclose(taste.fit(features, ratings, one_point()).covariance.between(eye, eye), expected, atol=1e-9)


@pytest.mark.parametrize("count", [0, 30, 400])
def test_a_stored_covariance_is_read_back_and_has_a_bounded_size(count):
    rng = np.random.default_rng(3)
    features = rng.normal(size=(count, 256)) / 16
    ratings = rng.integers(1, 4, count).astype(float)
    kept = taste.fit(features, ratings, Hyperprior.flat()).covariance
    read = Covariance.from_bytes(kept.to_bytes())
    eye = np.eye(256)
    np.testing.assert_allclose(read.between(eye, eye), kept.between(eye, eye), atol=2e-3)
    assert len(kept.to_bytes()) <= 2 * (257 + 256 * 256)


def test_features_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        taste.fit(np.full((2, 256), np.nan), np.array([1.0, 2.0]), Hyperprior.flat())


def test_unequal_numbers_of_photos_and_ratings_are_refused():
    with pytest.raises(ValueError, match="3 photos but 2 ratings"):
        unwrap(taste.fit)(np.zeros((3, 256)), np.array([1.0, 2.0]), Hyperprior.flat())  # unwrapped: the shape check would come first
