"""A rated photo, and the fixed split that databases without an official one get."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Literal

from PIL import Image

from personalize.files import images

Split = Literal["train", "validation", "test"]
Degrade = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class RatedPhoto:
    """One photo with its mean opinion score (MOS), on the database's own scale."""

    path: Path
    score: float
    split: Split
    distribution: tuple[float, ...] | None = None  # probability of each score 1..10, where the database tells more than a mean
    degrade: Degrade | None = None  # for made databases: what is done to the photo before it is shown

    def read(self) -> Image.Image:
        photo = images.read(self.path)
        return self.degrade(photo) if self.degrade else photo


def fixed_split(name: str, with_test: bool = True) -> Split:
    """By a hash of the name: a tenth for validation, a fifth for the test if `with_test`, the rest to train."""
    draw = zlib.crc32(name.encode()) % 100
    if with_test and draw < 20:
        return "test"
    return "validation" if draw >= 90 else "train"


def on_ten_levels(counts: Mapping[float, float], low: float, high: float) -> tuple[float, ...]:
    """Probabilities of the scores 1..10 from counts of ratings on a scale low..high; they sum to 1.

    A rating r becomes v = 1 + 9 (r - low) / (high - low), the map that mean scores go through too. Where v lies between two whole
    scores, it is shared between them by nearness, so that the mean of the distribution is the mapped mean of the ratings:
    steps 1..5 land on 1, 3.25, 5.5, 7.75, 10, and half-steps on 1, 2.125, ... 10.
    """
    total = sum(counts.values())
    levels = [0.0] * 10
    for rating, count in counts.items():
        value = 9 * (rating - low) / (high - low)
        below = min(floor(value), 8)
        levels[below] += (below + 1 - value) * count / total
        levels[below + 1] += (value - below) * count / total
    return tuple(levels)
