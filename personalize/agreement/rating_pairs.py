"""Squared differences of pairs of ratings, by whether they share the rater, the photo and the block.

Half the mean squared difference of the pairs in a class is the sum of the variances that the two ratings do not share, so all moment
estimators here follow from these means, on complete and incomplete data. For ratings y with weights a, and sums over ordered pairs,

    sum_ij a_i a_j (y_i - y_j)^2 / 2 = (sum a)(sum a y^2) - (sum a y)^2,

so the pairs within groups cost one pass over the ratings, and pairs that share nothing follow by inclusion and exclusion.

In a draw of the bootstrap, a pair counts as often as its raters and photos were drawn, each once: two ratings by one rater of two photos
count w_r v_p v_q times, not w_r^2 v_p v_q times. A rater is never paired with its own copy, which would make agreement look better.

References:
    Gao & Owen, Efficient moment calculations for variance components in large unbalanced crossed random effects models, Electronic Journal
    of Statistics 2017; Henderson, Estimation of variance and covariance components, Biometrics 1953.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from personalize.agreement.single_ratings import SingleRatings

NONE = 1e-9  # sums of weights of nothing, up to rounding

Pair = tuple[int, int]
"""Whether the two ratings of a pair have the same rater, and the same photo."""


@dataclass(frozen=True)
class PairSums:
    """Half the squared differences, summed over the pairs of each class, and the number of pairs."""

    squares: dict[Pair, float]
    pairs: dict[Pair, float]
    photo_squares: Float[np.ndarray, "photos"]  # of pairs of different raters, for each photo
    photo_pairs: Float[np.ndarray, "photos"]
    photo_ratings: Float[np.ndarray, "photos"]

    def mean(self, same: Pair) -> float:
        """Half the mean squared difference of a class; nan where it has no pair."""
        return self.squares[same] / self.pairs[same] if self.pairs[same] > NONE else float("nan")

    def minus(self, other: "PairSums") -> "PairSums":
        """The pairs here that are not in `other`."""
        return PairSums(
            {same: self.squares[same] - other.squares[same] for same in self.squares},
            {same: self.pairs[same] - other.pairs[same] for same in self.pairs},
            self.photo_squares - other.photo_squares,
            self.photo_pairs - other.photo_pairs,
            self.photo_ratings - other.photo_ratings,
        )


class RatingPairs:
    """All pairs of ratings that share the block (`within_blocks`), or all pairs."""

    def __init__(self, ratings: SingleRatings, *, within_blocks: bool = False) -> None:
        self._raters, self._photos = len(ratings.raters), len(ratings.photos)
        block = ratings.block if within_blocks and ratings.block is not None else np.zeros(len(ratings), dtype=np.int64)
        self._blocks = int(block.max(initial=0)) + 1
        key = (ratings.rater.astype(np.int64) * self._photos + ratings.photo) * self._blocks + block
        keys, self._item = np.unique(key, return_inverse=True)  # an item is a rater's ratings of a photo, in a block
        self._rater, self._photo, self._block = (
            keys // self._blocks // self._photos,
            keys // self._blocks % self._photos,
            keys % self._blocks,
        )
        self._count = np.bincount(self._item, minlength=len(keys)).astype(float)
        self._single = len(keys) == len(ratings)
        self._order = np.argsort(self._item) if self._single else self._item
        self._centre = float(ratings.score.mean()) if len(ratings) else 0.0
        self._sums = self._item_sums(ratings.score)

    def sums(
        self,
        raters: Float[np.ndarray, "raters"],
        photos: Float[np.ndarray, "photos"],
        values: Float[np.ndarray, "ratings"] | None = None,
    ) -> PairSums:
        """Sums over pairs, where raters and photos count as often as these weights say.

        `values` takes the place of the scores.
        """
        total, squares = self._sums if values is None else self._item_sums(values)
        count, w, v = self._count, raters[self._rater], photos[self._photo]
        own_squares, own_pairs = count * squares - total**2, count**2  # pairs within an item, each rating with itself among them
        by_rater = self._grouped(self._rater, self._raters, v, total, squares)
        by_photo = self._grouped(self._photo, self._photos, w, total, squares)
        by_block = self._grouped(np.zeros_like(self._rater), 1, w * v, total, squares)
        own = np.array([own_squares, own_pairs])
        photo_own = np.array([np.bincount(self._photo, w * w * one, minlength=self._photos) for one in own])
        apart = by_photo - photo_own
        sums = {
            (1, 0): by_rater @ raters - own @ (w * v * v),
            (0, 1): apart @ photos,
            (0, 0): by_block[:, 0] - by_rater @ raters**2 - by_photo @ photos**2 + own @ (w * v) ** 2,
            (1, 1): own @ (w * v) - np.array([0.0, count @ (w * v)]),
        }
        return PairSums(
            {same: float(one[0]) for same, one in sums.items()},
            {same: float(one[1]) for same, one in sums.items()},
            photo_squares=apart[0],
            photo_pairs=apart[1],
            photo_ratings=np.bincount(self._photo, w * count, minlength=self._photos),
        )

    def _item_sums(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        centred = values - self._centre  # differences stay, and large means cost no digits
        if self._single:
            return centred[self._order], centred[self._order] ** 2
        items = len(self._count)
        return np.bincount(self._item, centred, minlength=items), np.bincount(self._item, centred**2, minlength=items)

    def _grouped(
        self, group: Int[np.ndarray, "items"], groups: int, weight: np.ndarray, total: np.ndarray, squares: np.ndarray
    ) -> Float[np.ndarray, "2 groups"]:
        """Squared differences and numbers of pairs within each group and block, added up over the blocks."""
        place, size = (group, groups) if self._blocks == 1 else (group * self._blocks + self._block, groups * self._blocks)
        n, s, q = (np.bincount(place, weight * one, minlength=size) for one in (self._count, total, squares))
        return np.array([n * q - s**2, n**2]).reshape(2, groups, self._blocks).sum(axis=2)
