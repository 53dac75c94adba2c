"""Split-half reliability of photos' mean ratings, over raters and over ratings: two statistics, two names."""

import numpy as np
from jaxtyping import Bool, Float

from personalize.agreement.rating_pairs import NONE
from personalize.agreement.single_ratings import SingleRatings
from personalize.agreement.weighted import correlation

SPLITS = 100  # random splits behind an estimate
SPLITS_IN_DRAW = 10  # and in each draw of the bootstrap: the first of them
MOST_NUMBERS = 200_000_000  # of all splits together, one byte each; of more ratings, there are fewer splits


def spearman_brown(r: float) -> float:
    """Reliability of the mean of all raters from the correlation r of two halves: 2 r / (1 + r), and -1 where that is below -1."""
    return max(2 * r / (1 + r), -1.0) if r > -1 else -1.0 if r == r else r


class SplitHalves:
    """Mean correlation of the photos' mean ratings in one half with those in the other, over photos that both have, over random splits."""

    def __init__(self, ratings: SingleRatings, halves: Bool[np.ndarray, "splits ratings"]) -> None:
        """`halves` says for each split which ratings are in the first half."""
        self._ratings, self._halves = ratings, halves

    def estimate(self, raters: Float[np.ndarray, "raters"], photos: Float[np.ndarray, "photos"], splits: int = SPLITS) -> float:
        """The mean over the first `splits` splits; nan where no split has a correlation."""
        ratings, weight = self._ratings, raters[self._ratings.rater]
        weighted = weight * ratings.score
        count, total = (np.bincount(ratings.photo, one, minlength=len(photos)) for one in (weight, weighted))
        found = []
        for half in self._halves[:splits]:
            first, sum_first = (np.bincount(ratings.photo, one * half, minlength=len(photos)) for one in (weight, weighted))
            both = (first > NONE) & (count - first > NONE)
            means = sum_first[both] / first[both], (total - sum_first)[both] / (count - first)[both]
            found.append(correlation(*means, photos[both]) if both.any() else float("nan"))
        known = [value for value in found if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")


class RaterHalves(SplitHalves):
    """Split-half reliability over raters: random halves of the raters, Spearman-Brown corrected.

    It estimates how well the mean ratings would correlate with those of as many new raters. 1: perfectly; 0: not at all. Common standard:
    .9 and more for norms of stimuli. It grows with the number of raters, so compare sets by single-rater statistics.

    References:
        Spearman 1910, Brown 1910; Parsons, Kruijt & Fox, Advances in Methods and Practices in Psychological Science 2019 (many splits).
    """

    def __init__(self, ratings: SingleRatings, rng: np.random.Generator) -> None:
        raters = len(ratings.raters)
        order = np.array([rng.permutation(raters) for _ in range(_splits(ratings))])
        super().__init__(ratings, (order < raters // 2)[:, ratings.rater])

    def estimate(self, raters: Float[np.ndarray, "raters"], photos: Float[np.ndarray, "photos"], splits: int = SPLITS) -> float:
        """2 r / (1 + r), r the mean correlation over the splits. A rater's weight is in one half."""
        return spearman_brown(super().estimate(raters, photos, splits))


class RatingHalves(SplitHalves):
    """Split-half correlation over ratings: random halves of each photo's ratings, uncorrected.

    A rater may be in both halves, and half of the ratings stand for all, so this is neither the reliability of all ratings nor that over
    raters. 1: perfect; 0: none.

    References:
        Brielmann & Pelli, Frontiers in Psychology 2019.
    """

    def __init__(self, ratings: SingleRatings, rng: np.random.Generator) -> None:
        sizes = np.bincount(ratings.photo, minlength=len(ratings.photos))
        start = np.cumsum(sizes) - sizes
        halves = np.empty((_splits(ratings), len(ratings)), dtype=bool)
        for half in halves:
            order = np.argsort(ratings.photo + rng.random(len(ratings)))
            photo = ratings.photo[order]
            half[order] = (np.arange(len(photo)) - start[photo] + rng.integers(2, size=len(sizes))[photo]) % 2
        super().__init__(ratings, halves)


def _splits(ratings: SingleRatings) -> int:
    return max(min(SPLITS, MOST_NUMBERS // max(len(ratings), 1)), SPLITS_IN_DRAW)
