"""Krippendorff's alpha for interval and ordinal scores, complete or incomplete."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from personalize.agreement.rating_pairs import RatingPairs
from personalize.agreement.single_ratings import SingleRatings

Metric = Literal["interval", "ordinal"]


class KrippendorffAlpha:
    """alpha = 1 - D_o / D_e, for any weights of raters and photos.

    D_o is the mean disagreement of two raters about a photo: over photos u with at least two raters, weighted by their numbers of ratings
    n_u, the mean of d(c, k)^2 over pairs of ratings by different raters. D_e is that of any two ratings of these photos. The interval
    metric is d = c - k; the ordinal one is the difference of their mid-ranks among all these ratings, which equals Krippendorff's sum of
    the frequencies between c and k. So alpha needs no coincidence matrix and one pass over the ratings.

    1: all agree; 0: as if each rating were drawn from all ratings; negative: raters disagree more than chance. Krippendorff asks for .80,
    and for .667 at least where tentative conclusions suffice: bounds for coders of facts. Taste is not a fact: single ratings may have
    a low alpha while their mean is reliable.

    A rater's repeated ratings of a photo are never paired with each other.

    References:
        Krippendorff, Computing Krippendorff's alpha-reliability, 2011; Content analysis, 4th edition, 2019, chapter 12.
    """

    def __init__(self, ratings: SingleRatings, metric: Metric) -> None:
        self._ratings, self._metric = ratings, metric
        self._pairs = RatingPairs(ratings)
        self._levels, self._level = np.unique(ratings.score, return_inverse=True)

    def estimate(self, raters: Float[np.ndarray, "raters"], photos: Float[np.ndarray, "photos"]) -> float:
        """alpha; nan where no photo has two raters, or all their ratings are equal."""
        pairable = self._pairable(raters) * photos
        if not pairable.any():
            return float("nan")
        values = self._mid_ranks(raters, pairable) if self._metric == "ordinal" else None
        sums = self._pairs.sums(raters, pairable, values)
        used = pairable > 0
        weight = pairable[used] * sums.photo_ratings[used]
        observed = weight @ (sums.photo_squares[used] / sums.photo_pairs[used]) / weight.sum()
        expected = sum(sums.squares.values()) / sum(sums.pairs.values())
        return float(1 - observed / expected) if expected > 0 else float("nan")

    def _pairable(self, raters: np.ndarray) -> np.ndarray:
        """1 for photos with ratings by two raters, copies counted as one; else 0."""
        cells = self._ratings.cells
        return (np.bincount(cells.photo, raters[cells.rater] > 0, minlength=cells.photos) >= 2).astype(float)

    def _mid_ranks(self, raters: np.ndarray, photos: np.ndarray) -> np.ndarray:
        weights = raters[self._ratings.rater] * photos[self._ratings.photo]
        frequency = np.bincount(self._level, weights, minlength=len(self._levels))
        return (np.cumsum(frequency) - frequency / 2)[self._level]
