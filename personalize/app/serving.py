"""The bank as workers use it: read once per process, kept."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from PIL import Image

from personalize.files import banks
from personalize.numerics.hyperparameter_grid import Hyperprior

if TYPE_CHECKING:
    from personalize.files.open_banks import Bank
    from personalize.scorers.feature_extraction import FeatureExtractor
    from personalize.scorers.rater_fitting import RaterFitter


@cache
def bank_hash() -> str:
    """Short name of the bank that this process serves."""
    return banks.read_metadata().hash


@cache
def hyperprior() -> Hyperprior:
    """What the bank knows of people before their first rating."""
    return banks.hyperprior(banks.read(prefix="hyperprior/"))


def describe(photos: Sequence[Image.Image]) -> list[tuple[float, Float[np.ndarray, "features"]]]:
    """Generic score (standardised) and the 256 features of each photo."""
    return [(float(row[0]), row) for row in _extractor().features(photos)] if photos else []


@cache
def bank() -> "Bank":
    """The bank, opened for work."""
    from personalize.files.open_banks import open_bank

    return open_bank()


@cache
def fitting() -> "RaterFitter":
    """The network of the bank as people are fitted through it."""
    from personalize.scorers.rater_fitting import RaterFitter

    return RaterFitter(bank())


@cache
def _extractor() -> "FeatureExtractor":
    # torch takes seconds and hundreds of megabytes to load; workers that only fit people never come here.
    from personalize.scorers.feature_extraction import FeatureExtractor

    return FeatureExtractor(bank())
