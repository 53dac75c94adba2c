"""Types of datasets and rated photos; the fixed split of datasets without an official one."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Literal

from PIL import Image

from personalize.files import pixels

Split = Literal["train", "validation", "test"]
Degrade = Callable[[Image.Image], Image.Image]
RatingsByRater = dict[str, dict[Path, float]]  # the last rating of a photo counts


@dataclass(frozen=True)
class RatedPhoto:
    """One photo with its mean opinion score (MOS), on the dataset's own scale."""

    path: Path
    score: float
    split: Split
    distribution: tuple[float, ...] | None = None  # probability of each score 1..10, where the dataset has more than a mean
    degrade: Degrade | None = None  # for synthetic datasets: applied to the photo by `read`

    def read(self) -> Image.Image:
        photo = pixels.read(self.path)
        return self.degrade(photo) if self.degrade else photo


@dataclass(frozen=True)
class Dataset:
    """A dataset for a task, for tests of raters, or for both; a row of the registry."""

    name: str
    folder: str  # below the root that holds all datasets
    column: str  # of the mean score
    low: float  # end of the scale that maps to score 1
    high: float  # end of the scale that maps to score 10
    spread: float  # assumed standard deviation of raters around the mean, on 1..10; used only where no distribution is known
    about: str
    source: str
    photos: Callable[[Path, "Dataset"], list[RatedPhoto]]  # reads photos and mean scores
    degraded: bool = False  # synthetic: scores follow from degrading the photos in steps
    preference: bool = False  # the scores say how much people like a photo; such datasets share the generic score
    layout: str = ""  # expected files of the folder; shown in errors
    split: str = "a fixed hash of the name: 70 % train, 10 % validation, 20 % test"
    licence: str = "not checked"  # as the authors state it; sources in docs/datasets.md
    ratings: Callable[[Path, "Dataset"], RatingsByRater] | None = None  # reads single ratings
    testers: Callable[[Path, "Dataset", RatingsByRater], frozenset[str]] | None = None  # selects test raters; None: the caller splits
    published_testers: Callable[[Path, "Dataset", RatingsByRater], frozenset[str]] | None = None  # where the published protocol has others


def fixed_split(name: str, with_test: bool = True) -> Split:
    """Split by a hash of the name: 10 % validation, 20 % test if `with_test`, the rest train."""
    draw = zlib.crc32(name.encode()) % 100
    if with_test and draw < 20:
        return "test"
    return "validation" if draw >= 90 else "train"


def on_ten_levels(counts: Mapping[float, float], low: float, high: float) -> tuple[float, ...]:
    """Probabilities of the scores 1..10 from counts of ratings on a scale low..high; they sum to 1.

    A rating r maps to v = 1 + 9 (r - low) / (high - low), as mean scores do. A v between two whole scores is split between them by linear
    interpolation, so that the mean of the distribution is the mapped mean of the ratings: steps 1..5 map to 1, 3.25, 5.5, 7.75, 10, and
    half-steps to 1, 2.125, ... 10.
    """
    total = sum(counts.values())
    levels = [0.0] * 10
    for rating, count in counts.items():
        value = 9 * (rating - low) / (high - low)
        below = min(floor(value), 8)
        levels[below] += (below + 1 - value) * count / total
        levels[below + 1] += (value - below) * count / total
    return tuple(levels)
