"""The instant fit, compared with a naive Gaussian process at every grid point and left-out rating."""

from dataclasses import replace
from inspect import unwrap

import numpy as np
import pytest
from scipy import optimize

from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import INTERCEPT, Hyperprior
from personalize.numerics.metrics import srocc
from personalize.numerics.taste import Covariance


def naive(features, ratings, hyperprior):
    """Evidence of each grid point, mean weights and left-out scores, with a separate inverse of every kernel."""
    z = (ratings - ratings.mean()) / ratings.std()
    s, phi, n = features[:, 0], features[:, 1:], len(z)
    evidence, weights, left_out, density = [], [], [], []
    for b in hyperprior.base:
        for f in hyperprior.feature:
            for v in hyperprior.noise:
                for c in hyperprior.trust:
                    kernel = f * phi @ phi.T + b * np.outer(s, s) + INTERCEPT + v * np.eye(n)
                    r = z - c * s
                    alpha = np.linalg.solve(kernel, r)
                    evidence.append(-0.5 * (r @ alpha + np.linalg.slogdet(kernel)[1] + n * np.log(2 * np.pi)))
                    weights.append(np.r_[c + b * s @ alpha, f * phi.T @ alpha])
                    scores, densities = [], []
                    for i in range(n):
                        rest = np.arange(n) != i
                        inner = kernel[np.ix_(rest, rest)]
                        a = np.linalg.solve(inner, r[rest])
                        scores.append(c * s[i] + b * s[i] * (s[rest] @ a) + f * phi[i] @ (phi[rest].T @ a))
                        variance = kernel[i, i] - kernel[i, rest] @ np.linalg.solve(inner, kernel[rest, i])
                        gap = r[i] - kernel[i, rest] @ a
                        densities.append(-0.5 * np.log(2 * np.pi * variance) - 0.5 * gap**2 / variance)
                    left_out.append(scores)
                    density.append(densities)
    evidence = np.array(evidence)
    log_weights = evidence + np.log(hyperprior.weights.ravel())
    posterior = np.exp(log_weights - log_weights.max())
    without = np.exp(log_weights[:, None] - np.array(density) - (log_weights[:, None] - np.array(density)).max(axis=0))
    return (
        evidence,
        posterior / posterior.sum() @ np.array(weights),
        (without / without.sum(axis=0) * np.array(left_out)).sum(axis=0),
    )


@pytest.fixture
def alice():
    rng = np.random.default_rng(1)
    return rng.normal(size=(9, 12)), rng.integers(1, 4, 9).astype(float)


@pytest.mark.parametrize("count", [4, 9, 20])  # fewer and more ratings than the 11 features
def test_the_closed_form_matches_a_naive_gaussian_process(count):
    rng = np.random.default_rng(count)
    features, ratings = rng.normal(size=(count, 12)), np.r_[1.0, 3.0, rng.integers(1, 4, count - 2)]
    hyperprior = replace(Hyperprior.flat(), weights=rng.dirichlet(np.ones(180)).reshape(Hyperprior.flat().weights.shape))
    evidence, weights, left_out = naive(features, ratings, hyperprior)
    fit = taste.fit(features, ratings, hyperprior)
    np.testing.assert_allclose(taste.log_evidence(features, ratings, hyperprior).ravel(), evidence, atol=1e-9)
    np.testing.assert_allclose(fit.weights, weights, atol=1e-6)
    np.testing.assert_allclose(fit.leave_one_out, left_out, atol=1e-6)


def test_at_one_grid_point_the_weights_maximise_the_posterior(alice):
    features, ratings = alice
    z = (ratings - ratings.mean()) / ratings.std()
    one = Hyperprior(np.array([0.25]), np.array([0.1]), np.array([0.4]), np.array([0.5]), np.ones((1, 1, 1, 1)))

    def energy(unknown):  # minus the log posterior of (w, a, m), up to a constant
        w, a, m = unknown[0], unknown[1:-1], unknown[-1]
        gap = z - (0.25 + w) * features[:, 0] - features[:, 1:] @ a - m
        return gap @ gap / 0.5 + w * w / 0.1 + a @ a / 0.4 + m * m / INTERCEPT

    best = optimize.minimize(energy, np.zeros(13), method="BFGS", options={"gtol": 1e-10}).x
    np.testing.assert_allclose(taste.fit(features, ratings, one).weights, np.r_[0.25 + best[0], best[1:-1]], atol=1e-6)


def test_reversed_ratings_reverse_the_ranking_without_trust_in_the_generic_score(alice):
    features, ratings = alice
    hyperprior = replace(Hyperprior.flat(), trust=np.zeros(1), weights=np.full((3, 5, 4, 1), 1 / 60))
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


def test_left_out_scores_of_random_ratings_show_no_taste():
    # For random ratings, leave-one-out is biased downwards: without a high rating, the others point slightly away from it.
    agreements = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        ratings = rng.integers(1, 4, 30).astype(float)
        agreements.append(srocc(taste.fit(rng.normal(size=(30, 256)) / 16, ratings, Hyperprior.flat()).leave_one_out, ratings))
    assert -0.2 < np.mean(agreements) < 2 * np.std(agreements) / np.sqrt(40)


def test_the_posterior_covariance_matches_the_kernel(alice):
    features, ratings = alice
    one = Hyperprior(np.array([0.25]), np.array([0.1]), np.array([0.4]), np.array([0.5]), np.ones((1, 1, 1, 1)))
    prior = np.diag(np.r_[0.1, np.full(11, 0.4)])
    kernel = features @ prior @ features.T + INTERCEPT + 0.5 * np.eye(9)
    expected = prior - prior @ features.T @ np.linalg.inv(kernel) @ features @ prior
    eye = np.eye(12)
    np.testing.assert_allclose(taste.fit(features, ratings, one).covariance.between(eye, eye), expected, atol=1e-9)


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
