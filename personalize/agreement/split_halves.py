"""Split-half reliability of photos' mean ratings, over raters and over ratings: two statistics, two names."""

import numpy as np
from jaxtyping import Float

from personalize.agreement.resampling import Draw
from personalize.agreement.single_ratings import SingleRatings
from personalize.agreement.weighted import correlation

SPLITS = 100  # random splits behind an estimate
SPLITS_IN_DRAW = 3  # and in each draw of the bootstrap


def spearman_brown(r: float) -> float:
    """Reliability of the mean of all raters from the correlation r of two halves: 2 r / (1 + r)."""
    return 2 * r / (1 + r) if r > -1 else float("nan")


def over_raters(ratings: SingleRatings, draw: Draw, splits: int = SPLITS) -> float:
    """Spearman-Brown of r, the mean correlation over random halves of the raters.

    In each split, photos' mean ratings by one half of the raters are correlated with those by the other half, over photos that both rated.
    It estimates how well the mean ratings would correlate with those of as many new raters. 1: perfectly; 0: not at all. Common standard:
    .9 and more for norms of stimuli. It grows with the number of raters, so compare sets by single-rater statistics.

    All copies of a rater are in the same half.

    References:
        Spearman 1910, Brown 1910; Parsons, Kruijt & Fox, Advances in Methods and Practices in Psychological Science 2019 (many splits).
    """
    cells = ratings.cells
    weight = draw.raters[cells.rater]
    present = np.flatnonzero(draw.raters > 0)
    count, total = _sums(cells.photo, cells.photos, weight, cells.mean)
    found = []
    for _ in range(splits):
        half = np.zeros(cells.raters)
        half[draw.rng.permutation(present)[: len(present) // 2]] = 1
        found.append(_halves(*_sums(cells.photo, cells.photos, weight * half[cells.rater], cells.mean), count, total, draw.photos))
    return spearman_brown(_mean(found))


def over_ratings(ratings: SingleRatings, draw: Draw, splits: int = SPLITS) -> float:
    """Mean correlation over random halves of each photo's ratings, uncorrected.

    The ratings of each photo are dealt at random into two halves, whose means are correlated over photos. A rater may be in both halves,
    and half of the ratings stand for all, so this is neither the reliability of all ratings nor that over raters. 1: perfect; 0: none.

    References:
        Brielmann & Pelli, Frontiers in Psychology 2019.
    """
    drawn = np.flatnonzero(draw.raters[ratings.rater] > 0)
    photo, score, weight = ratings.photo[drawn], ratings.score[drawn], draw.raters[ratings.rater[drawn]]
    photos = len(ratings.photos)
    sizes = np.bincount(photo, minlength=photos)
    start = np.cumsum(sizes) - sizes
    count, total = _sums(photo, photos, weight, score)
    found = []
    for _ in range(splits):
        order = np.argsort(photo + draw.rng.random(len(photo)))
        parity = np.arange(len(photo)) - start[photo[order]] + draw.rng.integers(2, size=photos)[photo[order]]
        half = np.empty(len(photo))
        half[order] = parity % 2
        found.append(_halves(*_sums(photo, photos, weight * half, score), count, total, draw.photos))
    return _mean(found)


def _sums(photo: np.ndarray, photos: int, weight: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.bincount(photo, weight, minlength=photos), np.bincount(photo, weight * score, minlength=photos)


def _halves(
    half_count: Float[np.ndarray, "photos"],
    half_total: Float[np.ndarray, "photos"],
    count: Float[np.ndarray, "photos"],
    total: Float[np.ndarray, "photos"],
    photos: Float[np.ndarray, "photos"],
) -> float:
    rest = count - half_count
    both = (half_count > 0.5) & (rest > 0.5)
    if not both.any():
        return float("nan")
    return correlation(half_total[both] / half_count[both], (total - half_total)[both] / rest[both], photos[both])


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
