"""The bank, loaded once per worker process."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from PIL import Image

from personalize.files import banks, stored_projections
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.raw_features import RawLayout

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


@cache
def extractors() -> str:
    """Hash of the bank's extractors, the key of the raw vectors that they compute."""
    return banks.read_metadata().extractors


@cache
def raw_layout() -> RawLayout:
    """The layout of the raw vectors that the bank's extractors compute."""
    return stored_projections.layout_of_bank(banks.read(prefix="projection/"))


@cache
def heads() -> Float[np.ndarray, "heads raw"]:
    """The directions in raw vectors that a projection begins with: the generic score, then the task heads."""
    return np.eye(raw_layout().width)[-1:]


def extract_raw_features(photos: Sequence[Image.Image]) -> Float[np.ndarray, "photos raw"]:
    """The raw vector of each photo."""
    return _extractor().raw(photos)


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
