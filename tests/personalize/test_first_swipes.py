"""The first swipes on the samples: two people with different tastes soon see different rankings."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from personalize.numerics import acquisition, taste
from personalize.scorers.feature_extraction import FeatureExtractor
from personalize.worker import loaded_bank
from personalize.worker.instant_fit import ANCHORS
from ratings.photos.drawn.catalogue import Picture, pictures

SEEDS, SWIPES, TOP = 20, 25, 10
MOST_SHARED, LEAST_GOOD = 3, 18


def small(picture: Picture) -> Image.Image:
    """Half the size: features hardly change, and drawing takes a quarter of the time."""
    brief = picture.brief()
    return picture.family.draw(replace(brief, width=brief.width // 2, height=brief.height // 2))


@pytest.fixture(scope="module")
def drawn() -> list[Image.Image]:
    return [small(picture) for picture in pictures()]


@pytest.fixture(scope="module")
def features(drawn: list[Image.Image]) -> np.ndarray:
    """With the projection that came with the bank: the one that ranks in the first minutes."""
    raw = FeatureExtractor().raw(drawn).astype(np.float16).astype(np.float32)
    return loaded_bank.taste().projection.apply(raw)


def looks(drawn: list[Image.Image]) -> dict[str, np.ndarray]:
    """Warmth, contrast and detail of each picture, standardised over all of them."""
    pixels = [np.asarray(image.resize((256, 256)), float) / 255 for image in drawn]
    grey = [image.mean(axis=-1) for image in pixels]
    found = {
        "warmth": [(image[..., 0] - image[..., 2]).mean() for image in pixels],
        "contrast": [image.std() for image in grey],
        "detail": [np.hypot(*np.gradient(image)).mean() for image in grey],
    }
    return {name: (np.array(values) - np.mean(values)) / np.std(values) for name, values in found.items()}


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


def test_two_tastes_share_at_most_three_of_their_first_ten_after_25_swipes(drawn: list[Image.Image], features: np.ndarray) -> None:
    look = looks(drawn)
    tastes: list[Callable[[], np.ndarray]] = [lambda: look["warmth"] - look["detail"], lambda: look["detail"] + look["contrast"]]
    with threadpool_limits(1):
        shared = [
            len(set.intersection(*(top_photos(liking(), features, 100 * seed + n) for n, liking in enumerate(tastes))))
            for seed in range(SEEDS)
        ]
    assert sum(count <= MOST_SHARED for count in shared) >= LEAST_GOOD, shared
