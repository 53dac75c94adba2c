"""Test-retest correlation of each rater with their own earlier ratings of the same photos."""

from itertools import combinations

import numpy as np
from jaxtyping import Float

from personalize.agreement import weighted
from personalize.agreement.resampling import fisher_z
from personalize.agreement.single_ratings import SingleRatings

LEAST_TWICE = 8  # photos that a rater must have rated in two blocks


class Retest:
    """Correlation of a rater's ratings in one block with those of the same photos in another, Pearson.

    With more than two blocks, the mean over pairs of blocks by Fisher's z. 1: a rater repeats every rating; 0: ratings are noise. A rating
    that correlates r with its repetition correlates at most sqrt(r) with anything that does not share its noise. Memory of the
    first rating makes it too high, a change of taste too low.

    References:
        Lord & Novick, Statistical theories of mental test scores, 1968, section 3.3.
    """

    def __init__(self, ratings: SingleRatings) -> None:
        self._raters = len(ratings.raters)
        self._pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
        if ratings.block is None:
            return
        for first, second in combinations(range(len(ratings.blocks)), 2):
            one, other = (np.flatnonzero(ratings.block == block) for block in (first, second))
            cells = ratings.cells.of_rating
            _, a, b = np.intersect1d(cells[one], cells[other], assume_unique=True, return_indices=True)
            if len(a):
                a, b = one[a], other[b]
                self._pairs.append((ratings.rater[a], ratings.photo[a], ratings.score[a], ratings.score[b]))

    @property
    def photos_twice(self) -> int:
        """Pairs of ratings of one photo by one rater in two blocks."""
        return sum(len(rater) for rater, _, _, _ in self._pairs)

    def estimate(self, photos: Float[np.ndarray, "photos"]) -> Float[np.ndarray, "raters"]:
        """Each rater's correlation; nan for raters with fewer than 8 photos in two blocks, or whose ratings are all equal."""
        found = []
        for rater, photo, first, second in self._pairs:
            r = weighted.correlations(rater, self._raters, first, second, photos[photo])
            enough = np.bincount(rater, photos[photo] > 0, minlength=self._raters) >= LEAST_TWICE
            found.append(fisher_z(np.where(enough, r, np.nan)))
        if not found:
            return np.full(self._raters, np.nan)
        z = np.array(found)
        known = np.isfinite(z)
        mean = np.where(known, z, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return np.where(known.any(axis=0), np.tanh(mean), np.nan)
