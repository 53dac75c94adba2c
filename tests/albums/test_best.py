"""The best of an album: stacks of photos that are nearly alike, and variety."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from ratings.albums.best import BURST_BONUS, LENIENT, SCALE, STRICT, stacks

UNKNOWN = np.full(100, np.nan)


def at(*degrees: float) -> np.ndarray:
    """Photos at these angles on a circle with the radius 1."""
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_photos_that_are_nearly_alike_fold_under_the_best_of_them():
    scores = np.array([1.0, 3.0, 2.0, 0.0])
    found = stacks(scores, at(0, 4, 90, 8), UNKNOWN[:4], count=10, fold=0.5, variety=0)
    assert found == [[1, 0, 3], [2]]


def test_without_folding_only_the_same_picture_again_folds():
    scores = np.array([3.0, 2.0, 1.0])
    assert stacks(scores, at(0, 0, 8), UNKNOWN[:3], count=10, fold=0, variety=0) == [[0, 1], [2]]


def test_within_a_burst_a_lower_likeness_is_enough():
    limit = STRICT - 0.5 * (STRICT - LENIENT)
    distance = np.sqrt(-SCALE * np.log(limit - BURST_BONUS / 2))
    scores, features = np.array([3.0, 2.0]), np.array([[0.0], [distance]])
    assert stacks(scores, features, np.array([0.0, 3.0]), count=9, fold=0.5, variety=0) == [[0, 1]]
    assert stacks(scores, features, np.array([0.0, 60.0]), count=9, fold=0.5, variety=0) == [[0], [1]]
    assert stacks(scores, features, UNKNOWN[:2], count=9, fold=0.5, variety=0) == [[0], [1]]


def test_variety_prefers_a_photo_unlike_the_best_one():
    scores, features = np.array([3.0, 2.9, 2.0]), at(0, 10, 90)
    assert [stack[0] for stack in stacks(scores, features, UNKNOWN[:3], count=2, fold=0, variety=0)] == [0, 1]
    assert [stack[0] for stack in stacks(scores, features, UNKNOWN[:3], count=2, fold=0, variety=1)] == [0, 2]


@given(
    angles=st.lists(st.floats(0, 360), max_size=30),
    fold=st.floats(0, 1),
    count=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_without_variety_stacks_are_what_going_down_the_order_finds(angles, fold, count, seed):
    scores = np.random.default_rng(seed).normal(size=len(angles))
    features, limit = at(*angles) if angles else np.zeros((0, 2)), STRICT - fold * (STRICT - LENIENT)
    left, expected = sorted(range(len(angles)), key=lambda place: -scores[place]), []
    while left and len(expected) < count:
        best = left[0]
        stack = [place for place in left if place == best or _likeness(features[place], features[best]) >= limit]
        expected.append(stack)
        left = [place for place in left if place not in stack]
    assert stacks(scores, features, UNKNOWN[: len(angles)], count=count, fold=fold, variety=0) == expected


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.exp(-((one - other) ** 2).sum() / SCALE))
