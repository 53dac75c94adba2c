"""Acquisition, compared with posteriors computed from scratch for every candidate."""

import numpy as np
import pytest

from personalize.numerics import acquisition, taste
from personalize.numerics.hyperparameter_grid import Hyperprior


class NoExploration(np.random.Generator):
    """A random generator with which acquisition never explores."""

    def __init__(self):
        super().__init__(np.random.PCG64())

    def random(self):
        return 1.0


def refitted(rated, base=0.1, feature=0.02, noise=0.5):
    """Posterior covariance after these ratings, for a grid of one point."""
    one = Hyperprior(np.array([0.25]), np.array([base]), np.zeros(1), np.array([feature]), np.array([noise]), np.ones((1, 1, 1, 1)))
    return taste.fit(rated, np.arange(len(rated), dtype=float), one).covariance


@pytest.fixture
def rated():
    return np.random.default_rng(0).normal(size=(6, 20))


@pytest.fixture
def posterior(rated):
    return refitted(rated)


def test_each_chosen_photo_lowers_the_variance_most_after_the_ones_before(posterior):
    candidates = np.random.default_rng(1).normal(size=(15, 20))
    joint = posterior.between(candidates, candidates)
    expected = []
    for _ in range(3):
        left = [index for index in range(15) if index not in expected]

        def after(index, joint=joint):
            return joint - np.outer(joint[:, index], joint[index]) / (joint[index, index] + posterior.noise)

        # the variance without the part that shifts the scores of all photos equally
        def order_variance(covariance):
            centre = np.eye(15) - 1 / 15
            return np.trace(centre @ covariance @ centre)

        best = min(left, key=lambda index: order_variance(after(index)))
        expected.append(best)
        joint = after(best)
    chosen = acquisition.next_photos(posterior, candidates, 3, NoExploration(), bold=False)
    assert [card.index for card in chosen] == expected
    assert all(card.algorithm == "teach" and card.gain > 0 for card in chosen)


def test_no_photo_is_chosen_twice_and_some_are_exploration(posterior):
    candidates = np.random.default_rng(1).normal(size=(40, 20))
    chosen = acquisition.next_photos(posterior, candidates, 40, np.random.default_rng(0))
    assert sorted(card.index for card in chosen) == list(range(40))
    assert {card.algorithm for card in chosen} == {"teach", "explore"}
    assert all(0 < card.propensity <= acquisition.EXPLORE for card in chosen)


def test_fewer_candidates_than_wanted_are_all_chosen(posterior):
    assert acquisition.next_photos(posterior, np.zeros((0, 20)), 5, NoExploration()) == []
    assert len(acquisition.next_photos(posterior, np.eye(20)[:2], 5, NoExploration())) == 2


@pytest.mark.parametrize(("base", "feature"), [(0.7, 1.5), (0.001, 1.5), (0.7, 0.001), (0.1, 0.02), (0.001, 0.001)])
@pytest.mark.parametrize("ratings", [0, 1, 6, 40])
def test_a_bolder_posterior_equals_a_fit_with_the_bolder_prior(ratings, base, feature):
    rng = np.random.default_rng(2)
    rated, photos, others = rng.normal(size=(ratings, 20)), rng.normal(size=(10, 20)), rng.normal(size=(7, 20))
    bold, refit = acquisition.bolder(refitted(rated), base=base, feature=feature), refitted(rated, base=base, feature=feature)
    np.testing.assert_allclose(bold.between(photos, photos), refit.between(photos, photos), atol=1e-8)
    np.testing.assert_allclose(bold.between(photos, others), refit.between(photos, others), atol=1e-8)


@pytest.mark.parametrize("ratings", [3, 60])
def test_the_chosen_photos_are_those_of_a_fit_with_the_bolder_prior(ratings):
    rng = np.random.default_rng(4)
    rated, candidates, catalogue = (rng.normal(size=(count, 20)) for count in (ratings, 30, 50))
    refit = refitted(rated, base=acquisition.BOLD_BASE, feature=acquisition.BOLD_FEATURE)
    for photos in (None, catalogue):
        plain = acquisition.next_photos(refit, candidates, 10, NoExploration(), bold=False, catalogue=photos)
        chosen = acquisition.next_photos(refitted(rated), candidates, 10, NoExploration(), catalogue=photos)
        assert [card.index for card in chosen] == [card.index for card in plain]
        np.testing.assert_allclose([card.gain for card in chosen], [card.gain for card in plain])


def test_the_first_photo_makes_the_order_of_the_catalogue_most_certain(rated):
    rng = np.random.default_rng(3)
    candidates, catalogue = rng.normal(size=(12, 20)), rng.normal(size=(50, 20))
    tilt = np.eye(20)  # with a known intercept, as the rule assumes: prior and noise alone
    information = np.linalg.inv(acquisition.bolder(refitted(rated)).between(tilt, tilt))

    def order_covariance(card):
        covariance = np.linalg.inv(information + np.outer(card, card) / 0.5)
        return (catalogue - catalogue.mean(axis=0)) @ covariance @ (catalogue - catalogue.mean(axis=0)).T

    best = min(range(12), key=lambda index: np.trace(order_covariance(candidates[index])))
    chosen = acquisition.next_photos(refitted(rated), candidates, 1, NoExploration(), catalogue=catalogue)
    assert chosen[0].index == best


def test_the_same_seed_chooses_the_same_photos(posterior):
    candidates = np.random.default_rng(1).normal(size=(40, 20))
    choices = [acquisition.next_photos(posterior, candidates, 10, np.random.default_rng(7)) for _ in range(2)]
    assert choices[0] == choices[1]


def test_without_exploration_every_photo_is_for_teaching_and_has_no_propensity(posterior):
    candidates = np.random.default_rng(1).normal(size=(40, 20))
    chosen = acquisition.next_photos(posterior, candidates, 40, np.random.default_rng(0), explore=0.0)
    assert {(card.algorithm, card.propensity) for card in chosen} == {("teach", 0.0)}
