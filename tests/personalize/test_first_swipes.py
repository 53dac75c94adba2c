"""The first swipes on the samples: two people with different tastes soon see different rankings."""

import numpy as np
from threadpoolctl import threadpool_limits

from personalize.numerics import acquisition, taste
from personalize.worker import loaded_bank
from personalize.worker.instant_fit import ANCHORS
from ratings.photos.drawn.catalogue import pictures
from tests.personalize import drawn_pictures

SEEDS, SWIPES, TOP = 20, 25, 10
MOST_SHARED, LEAST_GOOD = 3, 18
DRAWN_AGAIN = 8


def test_the_stored_features_are_those_of_the_pictures() -> None:
    now, then = pictures(), drawn_pictures.stored()
    assert then.names == [picture.name for picture in now]
    some = range(0, len(now), len(now) // DRAWN_AGAIN)
    fresh = drawn_pictures.described([now[n] for n in some])

    assert np.allclose(fresh.looks, then.looks[some], atol=0.002)
    assert np.allclose(fresh.features, then.features[some], atol=0.01)


def top_photos(liking: np.ndarray, features: np.ndarray, seed: int) -> set[int]:
    """The first photos of a rater's ranking after some swipes on photos that PAV chose."""
    rng = np.random.default_rng(seed)
    felt = liking + 0.5 * rng.normal(size=len(liking))  # nobody is certain
    steps = np.digitize(felt, np.quantile(felt, [0.5, 0.8])) + 1.0
    average = np.zeros((len(ANCHORS), features.shape[1]))
    hyperprior = loaded_bank.hyperprior(len(loaded_bank.heads().names) - 1)
    rated: list[int] = []
    while True:
        values = np.r_[ANCHORS, steps[rated]]
        fitted = taste.fit(np.concatenate([average, features[rated]]), values, hyperprior)
        if len(rated) == SWIPES:
            return set(np.argsort(-(features @ fitted.weights))[:TOP].tolist())
        waiting = np.setdiff1d(rng.permutation(len(features))[:128], rated)
        rated.append(int(waiting[acquisition.next_photos(fitted.covariance, features[waiting], 1, rng)[0].index]))


def test_two_tastes_share_at_most_three_of_their_first_ten_after_25_swipes() -> None:
    drawn = drawn_pictures.stored()
    warm_and_calm = drawn.look("warmth") - drawn.look("detail")
    dense_and_strong = drawn.look("detail") + drawn.look("contrast")
    with threadpool_limits(1):
        shared = [
            len(top_photos(warm_and_calm, drawn.features, 100 * seed) & top_photos(dense_and_strong, drawn.features, 100 * seed + 1))
            for seed in range(SEEDS)
        ]
    assert sum(count <= MOST_SHARED for count in shared) >= LEAST_GOOD, shared
