"""The bank, loaded once per worker process."""

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
    from personalize.scorers.rater_fitting import RaterFitter
    from personalize.scorers.tangent_extraction import TangentExtractor


@cache
def bank_hash() -> str:
    """Hash of the bank that this process uses."""
    return banks.read_metadata().hash


@cache
def hyperprior() -> Hyperprior:
    """The bank's hyperprior, learned from other raters."""
    return banks.hyperprior(banks.read(prefix="hyperprior/"))


def extract_features(photos: Sequence[Image.Image]) -> list[tuple[float, Float[np.ndarray, "features"]]]:
    """Generic score (standardised) and the 256 features of each photo."""
    return [(float(row[0]), row) for row in _extractor().features(photos)] if photos else []


@cache
def bank() -> "Bank":
    """The bank, with its task vectors."""
    from personalize.files.open_banks import open_bank

    return open_bank()


@cache
def fitting() -> "RaterFitter":
    """The bank's network, for exact fits."""
    from personalize.scorers.rater_fitting import RaterFitter

    return RaterFitter(bank())


@cache
def _extractor() -> "TangentExtractor":
    # Importing torch takes seconds and hundreds of megabytes, so only the workers that need it do; those of the queue `refit` do not.
    from personalize.scorers.tangent_extraction import TangentExtractor

    return TangentExtractor(bank())
