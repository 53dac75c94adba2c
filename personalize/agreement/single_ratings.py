"""Single ratings of photos by raters, as arrays, and their mean by rater and photo."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class SingleRatings:
    """One entry for each rating. Raters, photos, blocks and categories are places in the lists of their names.

    A rater who rates a photo several times does so in different blocks.
    """

    rater: Int[np.ndarray, "ratings"]
    photo: Int[np.ndarray, "ratings"]
    score: Float[np.ndarray, "ratings"]
    raters: Sequence[str]
    photos: Sequence[str]
    block: Int[np.ndarray, "ratings"] | None = None  # None: nobody rated a photo twice
    blocks: Sequence[str] = ()
    category: Int[np.ndarray, "ratings"] | None = None
    categories: Sequence[str] = ()
    trial: Float[np.ndarray, "ratings"] | None = None  # order of a rater's ratings in a sitting
    seconds: Float[np.ndarray, "ratings"] | None = None  # response time; nan where it is unknown

    def __len__(self) -> int:
        return len(self.score)

    @cached_property
    def cells(self) -> "Cells":
        """The ratings by rater and photo."""
        width = max(len(self.photos), 1)
        keys, cell = np.unique(self.rater.astype(np.int64) * width + self.photo, return_inverse=True)
        count = np.bincount(cell, minlength=len(keys)).astype(float)
        total = np.bincount(cell, self.score, minlength=len(keys))
        return Cells(keys // width, keys % width, total / count, count, cell, len(self.raters), len(self.photos))

    @cached_property
    def sitting(self) -> Int[np.ndarray, "ratings"]:
        """Number of the sitting in which a rating was made: a rater's block; a category in it, where trials count from 1 in each."""
        key = self.rater.astype(np.int64) if self.block is None else self.rater * len(self.blocks) + self.block
        if self.category is not None and self.trial is not None:
            order = np.lexsort((self.trial, key))
            if ((np.diff(key[order]) == 0) & (np.diff(self.trial[order]) == 0)).any():
                key = key * len(self.categories) + self.category
        return np.unique(key, return_inverse=True)[1]

    @property
    def has_repeats(self) -> bool:
        """Whether a rater rated a photo more than once."""
        return len(self.cells.mean) < len(self)

    def only(self, kept: Bool[np.ndarray, "ratings"]) -> "SingleRatings":
        """Some of the ratings, with the raters, photos and blocks that occur in them."""
        rater, raters = _recoded(self.rater[kept], self.raters)
        photo, photos = _recoded(self.photo[kept], self.photos)
        block, blocks = (None, ()) if self.block is None else _recoded(self.block[kept], self.blocks)
        category, categories = (None, ()) if self.category is None else _recoded(self.category[kept], self.categories)
        return replace(
            self, rater=rater, raters=raters, photo=photo, photos=photos, block=block, blocks=blocks, category=category,
            categories=categories, score=self.score[kept], trial=None if self.trial is None else self.trial[kept],
            seconds=None if self.seconds is None else self.seconds[kept],
        )  # fmt: skip


@dataclass(frozen=True)
class Cells:
    """The mean rating of each photo by each rater who rated it, sorted by rater, then photo."""

    rater: Int[np.ndarray, "cells"]
    photo: Int[np.ndarray, "cells"]
    mean: Float[np.ndarray, "cells"]
    count: Float[np.ndarray, "cells"]  # ratings in it
    of_rating: Int[np.ndarray, "ratings"]  # cell of each rating
    raters: int
    photos: int

    @cached_property
    def rater_sizes(self) -> Int[np.ndarray, "raters"]:
        """Photos that each rater rated."""
        return np.bincount(self.rater, minlength=self.raters)

    @cached_property
    def photo_sizes(self) -> Int[np.ndarray, "photos"]:
        """Raters who rated each photo."""
        return np.bincount(self.photo, minlength=self.photos)


def _recoded(codes: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    used, codes = np.unique(codes, return_inverse=True)
    return codes, [names[place] for place in used]
