"""Hyperpriors learned from planted raters: how much raters, catalogues and the hyperprior before them count."""

import numpy as np
import pytest

from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.hyperprior import FLOOR, WORTH, CatalogueRaters, learn_hyperprior, learn_shipped

HEADS = 2


def raters(count, seed=0, noise=0.2, ratings=40):
    """Raters as the model has them, with small coefficients on the task heads, and `noise` times as much noise."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        features = rng.normal(size=(ratings, 20))
        features[:, 3:] /= 17**0.5
        truth = features @ (rng.normal(size=20) * np.r_[0.25, np.full(HEADS, 0.03), np.ones(17)])
        found.append((features, truth / truth.std() + noise * rng.normal(size=ratings)))
    return found


@pytest.fixture
def start():
    flat = Hyperprior.flat(HEADS)
    uneven = np.random.default_rng(5).dirichlet(np.ones(flat.weights.size)).reshape(flat.weights.shape)
    return Hyperprior(flat.trust, flat.base, flat.head, flat.feature, flat.noise, uneven, HEADS)


def away(one, other):
    """Total variation distance of two hyperpriors, 0 to 1."""
    return 0.5 * float(np.abs(one.weights - other.weights).sum())


def test_a_few_raters_change_little_because_the_start_counts_as_several(start):
    for count in (1, 3):
        assert 0 < away(learn_hyperprior(raters(count), start), start) <= count / (count + WORTH)


def test_the_weights_are_a_fixed_point_of_expectation_maximisation(start):
    people = raters(6)
    found = learn_hyperprior(people, start).weights
    shares = []
    for features, ratings in people:
        share = np.exp(taste.log_credit(features, ratings, start)) * found
        shares.append(share / share.sum())
    np.testing.assert_allclose(found, (sum(shares) + WORTH * start.weights) / (6 + WORTH), atol=1e-4)
    assert found.sum() == pytest.approx(1)


def test_many_raters_with_clear_tastes_make_little_noise_probable():
    flat = Hyperprior.flat(HEADS)

    def mean_noise(hyperprior):
        return float(hyperprior.weights.sum(axis=(0, 1, 3)) @ hyperprior.noise)

    clear, unclear = (learn_hyperprior(raters(40, noise=noise), flat) for noise in (0.1, 5.0))
    assert mean_noise(clear) < mean_noise(flat) < mean_noise(unclear)


def test_random_ratings_make_the_highest_noise_most_probable():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 256)) / 16
    features[:, 0] = rng.normal(size=60)
    learned = learn_hyperprior([(features, rng.integers(1, 4, 60).astype(float)) for _ in range(40)], Hyperprior.flat())
    by_noise = learned.weights.sum(axis=(0, 1, 3))
    assert by_noise.argmax() == len(by_noise) - 1
    assert learned.weights.min() > 0


def test_raters_whose_ratings_are_all_equal_change_nothing(start):
    (features, _), *_ = raters(1)
    assert learn_hyperprior([], start) is start
    assert learn_hyperprior([(features, np.full(40, 3.0))], start) is start


def test_the_number_of_heads_is_kept(start):
    assert learn_hyperprior(raters(2), start).heads == HEADS


class TestShipped:
    def test_each_catalogue_counts_the_same_however_many_raters_it_has(self):
        many, few = CatalogueRaters(raters(60, seed=1, noise=0.1), HEADS), CatalogueRaters(raters(3, seed=2, noise=5.0), HEADS)
        shipped, flat = learn_shipped([many, few]), Hyperprior.flat()
        own = [learn_hyperprior(one.raters, Hyperprior.flat(HEADS)) for one in (many, few)]
        expected = (own[0].weights + own[1].weights + FLOOR * flat.weights) / (2 + FLOOR)
        np.testing.assert_allclose(shipped.weights, expected)
        assert shipped.weights.sum() == pytest.approx(1)

    def test_equal_weights_count_more_than_all_catalogues(self):
        flat = Hyperprior.flat()
        shipped = learn_shipped([CatalogueRaters(raters(60, seed=seed, noise=0.1), HEADS) for seed in range(2)])
        assert 0 < away(shipped, flat) <= 2 / (2 + FLOOR)

    def test_without_catalogues_it_is_flat(self):
        np.testing.assert_allclose(learn_shipped([]).weights, Hyperprior.flat().weights)

    def test_it_fits_any_number_of_heads(self):
        (features, ratings), *_ = raters(1)
        shipped = learn_shipped([CatalogueRaters(raters(3), HEADS)])
        assert shipped.heads == 0
        assert taste.fit(features, ratings, shipped).weights.shape == (20,)
