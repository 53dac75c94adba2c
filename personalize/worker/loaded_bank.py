"""The bank, read once per worker process."""

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
    """Hash of the bank that this process uses."""
    return banks.read_card().hash


@cache
def hyperprior() -> Hyperprior:
    """The bank's hyperprior, learned from other raters."""
    return banks.hyperprior(banks.read(prefix="hyperprior/"))


def extract_features(photos: Sequence[Image.Image]) -> list[tuple[float, Float[np.ndarray, "features"]]]:
    """Generic score (standardised) and the 256 features of each photo."""
    return _describer().describe_all(photos) if photos else []


@cache
def bank() -> "Bank":
    """The bank, with its task vectors."""
    from personalize.files.open_banks import open_bank

    return open_bank()


@cache
def fitting() -> "Fitting":
    """The bank's network, for exact fits."""
    from personalize.scorers.personal_networks import Fitting

    return Fitting(bank())


@cache
def _describer() -> "Describer":
    # torch takes seconds and hundreds of megabytes to load; workers of the queue `refit` never call this.
    from personalize.scorers.describing import Describer

    return Describer()
