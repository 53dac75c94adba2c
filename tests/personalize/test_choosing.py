"""Choosing the next card, against posteriors computed anew for every candidate."""

import numpy as np
import pytest

from personalize import choosing, taste
from personalize.taste import Hyperprior


class Never(np.random.Generator):
    """A source of chance that never explores."""

    def __init__(self):
        super().__init__(np.random.PCG64())

    def random(self):
        return 1.0


@pytest.fixture
def posterior():
    rng = np.random.default_rng(0)
    rated = rng.normal(size=(6, 20))
    one = Hyperprior(np.array([0.25]), np.array([0.1]), np.array([0.4]), np.array([0.5]), np.ones((1, 1, 1, 1)))
    return taste.fit(rated, np.array([1.0, 2, 3, 1, 2, 3]), one).covariance


def test_the_cards_lower_the_variance_most_one_after_the_other(posterior):
    candidates = np.random.default_rng(1).normal(size=(15, 20))
    joint = posterior.between(candidates, candidates)
    expected = []
    for _ in range(3):
        left = [index for index in range(15) if index not in expected]

        def after(index, joint=joint):
            return joint - np.outer(joint[:, index], joint[index]) / (joint[index, index] + posterior.noise)

        # what is left of the variance once what moves all photos alike is taken out
        def order_variance(covariance):
            centre = np.eye(15) - 1 / 15
            return np.trace(centre @ covariance @ centre)

        best = min(left, key=lambda index: order_variance(after(index)))
        expected.append(best)
        joint = after(best)
    chosen = choosing.next_cards(posterior, candidates, 3, Never())
    assert [card.index for card in chosen] == expected
    assert all(card.algorithm == "teach" and card.gain > 0 for card in chosen)


def test_no_card_is_chosen_twice_and_some_are_explored(posterior):
    candidates = np.random.default_rng(1).normal(size=(40, 20))
    chosen = choosing.next_cards(posterior, candidates, 40, np.random.default_rng(0))
    assert sorted(card.index for card in chosen) == list(range(40))
    assert {card.algorithm for card in chosen} == {"teach", "explore"}
    assert all(0 < card.propensity <= choosing.EXPLORE for card in chosen)


def test_there_may_be_fewer_candidates_than_wanted_or_none(posterior):
    assert choosing.next_cards(posterior, np.zeros((0, 20)), 5, Never()) == []
    assert len(choosing.next_cards(posterior, np.eye(20)[:2], 5, Never())) == 2
