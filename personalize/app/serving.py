"""The bank as workers use it: read once per process, kept."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from PIL import Image

from personalize.files import banks
from personalize.numerics.grid import Hyperprior

if TYPE_CHECKING:
    from personalize.files.open_banks import Bank
    from personalize.scorers.describing import Describer
    from personalize.scorers.personal_networks import Fitting


@cache
def bank_hash() -> str:
    """Short name of the bank that this process serves."""
    return banks.read_card().hash


@cache
def hyperprior() -> Hyperprior:
    """What the bank knows of people before their first rating."""
    return banks.hyperprior(banks.read(prefix="hyperprior/"))


def describe(photos: Sequence[Image.Image]) -> list[tuple[float, Float[np.ndarray, "features"]]]:
    """Generic score (standardised) and the 256 features of each photo."""
    return _describer().describe_all(photos) if photos else []


@cache
def bank() -> "Bank":
    """The bank, opened for work."""
    from personalize.files.open_banks import open_bank

    return open_bank()


@cache
def fitting() -> "Fitting":
    """The network of the bank as people are fitted through it."""
    from personalize.scorers.personal_networks import Fitting

    return Fitting(bank())


@cache
def _describer() -> "Describer":
    # torch takes seconds and hundreds of megabytes to load; workers that only fit people never come here.
    from personalize.scorers.describing import Describer

    return Describer()
