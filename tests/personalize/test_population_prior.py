"""The population prior on synthetic raters, and fits with its columns compared with a dense Gaussian process."""

import numpy as np
import pytest

from personalize.numerics import metrics, population_gain, population_prior, taste
from personalize.numerics.hyperparameter_grid import INTERCEPT, Hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.research.prior_evaluation import evaluate_prior

PHOTOS = 120


@pytest.fixture
def planted():
    """100 raters who share a mean and one factor of taste; nobody rates the last 20 photos."""
    rng = np.random.default_rng(0)
    scores, mean, factor = rng.normal(size=PHOTOS), 0.7 * rng.normal(size=PHOTOS), rng.normal(size=PHOTOS)
    raters = []
    for _ in range(100):
        photos = rng.choice(100, size=60, replace=False)
        own = 0.5 * scores + mean + 0.8 * rng.normal() * factor
        raters.append(RaterRatings(photos, own[photos] + 0.5 * rng.normal(size=60)))
    features = np.concatenate([scores[:, None], rng.normal(size=(PHOTOS, 255)) / 16], axis=1)
    return features, mean, factor, raters


def test_a_shared_mean_and_factor_are_found(planted):
    features, mean, factor, raters = planted
    found = population_prior.learn(features, raters, rank=1)
    assert abs(metrics.plcc(found.mean[:100], mean[:100])) > 0.9
    assert abs(metrics.plcc(found.factors[:100, 0], factor[:100])) > 0.9
    assert found.rater_count == 100


def test_unrated_photos_have_no_factors(planted):
    features, _, _, raters = planted
    assert not population_prior.learn(features, raters, rank=2).factors[100:].any()


def test_the_mean_of_unrated_photos_follows_their_features(planted):
    features, _, _, raters = planted
    from_features = 16 * features[:, 1:] @ np.r_[np.ones(3), np.zeros(252)]
    raters = [RaterRatings(one.photos, one.ratings + from_features[one.photos]) for one in raters]
    found = population_prior.learn(features, raters)
    assert metrics.plcc(found.mean[100:], from_features[100:]) > 0.2


def test_the_regression_matches_a_dense_gaussian_process():
    rng = np.random.default_rng(5)
    phi, seen = rng.normal(size=(9, 4)), np.arange(9) < 7
    average, unsure = rng.normal(size=7), rng.uniform(0.1, 0.5, 7)
    evidence, mean, weights = population_prior._regressed(average, unsure, phi, seen, 0.3, 0.2)
    prior = 0.3 * phi @ phi.T + 0.2 * np.eye(9)
    kernel = prior[:7, :7] + np.diag(unsure)
    np.testing.assert_allclose(mean, prior[:, :7] @ np.linalg.solve(kernel, average))
    np.testing.assert_allclose(phi[7:] @ weights, mean[7:])
    assert evidence == pytest.approx(-0.5 * (average @ np.linalg.solve(kernel, average) + np.linalg.slogdet(kernel)[1]))


def test_too_few_raters_with_differing_ratings_are_refused(planted):
    features, _, _, raters = planted
    alike = [RaterRatings(one.photos, np.full(60, 3.0)) for one in raters]
    with pytest.raises(ValueError, match="0 raters are too few: 20 are needed"):
        population_prior.learn(features, alike)
    with pytest.raises(ValueError, match="19 raters are too few"):
        population_prior.learn(features, raters[:19])


def at_one_point(trust, base, feature, noise):
    """A grid of one point, for features without task heads."""
    axes = {"trust": trust, "base": base, "head": 1.0, "feature": feature, "noise": noise}
    return Hyperprior(**{name: np.array([value]) for name, value in axes.items()}, weights=np.ones((1, 1, 1, 1)))


def dense_fit(features, ratings, shared, point):
    """The reference: the same Gaussian process at one grid point, from its covariance matrix."""
    trust, base, feature, noise = point
    z = (ratings - ratings.mean()) / ratings.std() - shared[:, 0]
    spread = np.full(features.shape[1], feature)
    spread[0] = base
    kernel = (features * spread) @ features.T + shared[:, 1:] @ shared[:, 1:].T + INTERCEPT + noise * np.eye(len(z))
    solved = np.linalg.solve(kernel, z - trust * features[:, 0])
    weights = spread * (features.T @ solved)
    weights[0] += trust
    return weights, np.concatenate([[1.0], shared[:, 1:].T @ solved])


def test_a_fit_with_population_columns_matches_a_dense_gaussian_process():
    rng = np.random.default_rng(1)
    features, shared = rng.normal(size=(12, 20)), rng.normal(size=(12, 3))
    ratings = rng.integers(1, 8, 12).astype(float)
    point = 0.25, 0.03, 0.1, 0.7
    fitted = taste.fit(features, ratings, at_one_point(*point), shared)
    weights, own = dense_fit(features, ratings, shared, point)
    np.testing.assert_allclose(fitted.weights, weights, atol=1e-5)
    np.testing.assert_allclose(fitted.population_weights, own, atol=1e-5)


def test_zero_population_columns_do_not_change_the_fit():
    rng = np.random.default_rng(2)
    features, ratings = rng.normal(size=(15, 40)), rng.integers(1, 4, 15).astype(float)
    without_columns = taste.fit(features, ratings, Hyperprior.flat())
    with_zeros = taste.fit(features, ratings, Hyperprior.flat(), np.zeros((15, 2)))
    np.testing.assert_allclose(without_columns.weights, with_zeros.weights, atol=1e-6)


def test_the_report_shows_a_gain_on_rated_photos_and_no_loss_on_others(planted):
    features, _, _, rated = planted
    raters = [RaterRatings(one.photos, one.ratings, f"p{number}") for number, one in enumerate(rated)]
    result = evaluate_prior(features, raters, (10,))
    check = result["held_out_teachers"]["10"]
    assert result["used"] == (check["rated"]["gain"]["mean"] > 0 and check["unrated"]["gain"]["mean"] >= -0.005)
    assert result["shots"]["10"]["rated"]["gain"]["low"] > 0.05
    assert result["shots"]["10"]["unrated"]["gain"]["mean"] > -0.05
    assert "| rated by others | 10 |" in population_gain.as_table(result["shots"])
