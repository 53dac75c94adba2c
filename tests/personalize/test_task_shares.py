"""What task vectors say of a rater: a planted one is found, of a rater without a taste nothing is said."""

import numpy as np
import pytest

from personalize.networks.coefficient_fits import STRENGTHS
from personalize.numerics.rank_newton import cross_validated, derivatives, minimise
from personalize.numerics.task_shares import _covariance, task_shares

TASKS = ("ava", "aes", "tad", "para")
BLOCKS, PHOTOS = 12, 40


class Network:
    """Photos whose scores are linear in the coefficients: an exact fit is one Newton problem, as in the network near the start.

    The blocks of a task vector change a score in much the same way, and task vectors have a part in common, as those of a bank do.
    """

    def __init__(self, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        common, own = rng.normal(size=(PHOTOS, 1, 1)), rng.normal(size=(PHOTOS, 1, len(TASKS)))
        self.slopes = (0.5 * common + own + rng.normal(size=(PHOTOS, BLOCKS, len(TASKS)))) / BLOCKS**0.5
        self.start = 0.3 * self.slopes[:, :, 0].sum(axis=1)  # scores at the start: as a bank that one task leads

    def found(self, ratings: np.ndarray) -> dict:
        flat, origin = self.slopes.reshape(PHOTOS, -1), np.zeros(BLOCKS * len(TASKS))
        strengths = [strength / PHOTOS for strength in STRENGTHS]
        strength = cross_validated(self.start, flat, ratings, strengths, np.random.default_rng(0))
        moved = minimise(self.start, flat, ratings, origin, origin, strength)
        return task_shares(TASKS, self.start, self.start + flat @ moved, self.slopes, ratings, moved.reshape(BLOCKS, -1), strength)


def in_three_steps(liking: np.ndarray) -> np.ndarray:
    return np.digitize(liking, np.quantile(liking, [1 / 3, 2 / 3])) + 1.0


def test_the_covariance_is_that_of_the_posterior_of_all_coefficients():
    network = Network(0)
    flat = network.slopes.reshape(PHOTOS, -1)
    hessian = derivatives(network.start, in_three_steps(network.start))[1]
    posterior = np.linalg.inv(flat.T @ hessian @ flat + 0.3 * np.eye(flat.shape[1])) / PHOTOS
    np.testing.assert_allclose(_covariance(flat, hessian, 0.3), flat @ posterior @ flat.T, atol=1e-10)


def test_of_raters_without_a_taste_nothing_is_said():
    said = [bool(network.found(in_three_steps(network.rng.normal(size=PHOTOS)))) for network in map(Network, range(40))]
    assert sum(said) <= 2  # an error of 5 % is allowed


def test_of_raters_who_rate_as_the_start_does_nothing_is_said():
    said = [
        bool(network.found(in_three_steps(network.start + 0.1 * network.rng.normal(size=PHOTOS)))) for network in map(Network, range(20))
    ]
    assert sum(said) <= 1


@pytest.mark.parametrize("amount", [1.0, -1.0])
def test_a_planted_task_vector_is_found_with_its_sign_and_most_of_the_change(amount):
    right = 0
    for network in map(Network, range(10)):
        liking = network.start + amount * network.slopes[:, :, 1].sum(axis=1)
        found = network.found(in_three_steps(liking + 0.3 * liking.std() * network.rng.normal(size=PHOTOS)))
        if set(found) == {"aes"} and found["aes"].coefficient * amount > 0:
            right += 1
            assert 0 <= found["aes"].low <= found["aes"].share <= found["aes"].high <= 1
            assert found["aes"].share > 0.3
    assert right >= 9


def test_equal_ratings_and_too_few_photos_say_nothing():
    network = Network(1)
    assert network.found(np.full(PHOTOS, 2.0)) == {}
    few = task_shares(TASKS, np.arange(3.0), np.arange(3.0), network.slopes[:3], np.arange(3.0), np.ones((BLOCKS, len(TASKS))), 1.0)
    assert few == {}
