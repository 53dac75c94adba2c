"""The bank as workers use it: read once per process, kept."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from PIL import Image

from personalize import banks
from personalize.taste import Hyperprior

if TYPE_CHECKING:
    from personalize.describing import Describer


@cache
def bank_hash() -> str:
    """Short name of the bank that this process serves."""
    return banks.read_card().hash


@cache
def hyperprior() -> Hyperprior:
    """What the bank knows of people before their first rating."""
    return banks.hyperprior(banks.read(prefix="hyperprior/"))


def describe(photo: Image.Image) -> tuple[float, Float[np.ndarray, "features"]]:
    """Generic score (standardised) and the 256 features of one photo."""
    return _describer().describe(photo)


@cache
def _describer() -> "Describer":
    # torch takes seconds and hundreds of megabytes to load; workers that only fit people never come here.
    from personalize.describing import Describer

    return Describer()
