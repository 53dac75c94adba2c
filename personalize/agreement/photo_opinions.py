"""Each photo's ratings: mean with interval, standard deviation of opinions, distribution."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from personalize.agreement.resampling import student_975
from personalize.agreement.single_ratings import SingleRatings

MOST_LEVELS = 20  # different scores that a distribution has columns for; finer scales are put into as many equal bins


@dataclass(frozen=True)
class PhotoOpinions:
    """For each photo. A rater's repeated ratings count as their mean.

    mean: of the raters, in points of the scale; its 95 % interval mean -+ t sd / sqrt(n), for other raters of the same kind.
    deviation: standard deviation over raters; 0: all agree; half the range of the scale: they could not differ more. Where it is large, the
    mean is nobody's opinion. A part of it is noise and raters' use of the scale.
    """

    raters: Int[np.ndarray, "photos"]
    mean: Float[np.ndarray, "photos"]
    low: Float[np.ndarray, "photos"]  # nan below two raters
    high: Float[np.ndarray, "photos"]
    deviation: Float[np.ndarray, "photos"]
    levels: Float[np.ndarray, "levels"]  # scores, or the middles of bins
    distribution: Int[np.ndarray, "photos levels"]  # single ratings at each


def photo_opinions(ratings: SingleRatings) -> PhotoOpinions:
    """The opinions of each photo's raters."""
    cells, photos = ratings.cells, len(ratings.photos)
    count = cells.photo_sizes
    mean = np.bincount(cells.photo, cells.mean, minlength=photos) / np.maximum(count, 1)
    square = np.bincount(cells.photo, (cells.mean - mean[cells.photo]) ** 2, minlength=photos)
    deviation = np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), np.nan)
    quantile = np.array([student_975(max(int(size) - 1, 1)) for size in range(int(count.max(initial=0)) + 1)])
    reach = quantile[count] * deviation / np.sqrt(np.maximum(count, 1))
    levels, level = _levels(ratings.score)
    distribution = np.bincount(ratings.photo * len(levels) + level, minlength=photos * len(levels)).reshape(photos, len(levels))
    return PhotoOpinions(count, mean, mean - reach, mean + reach, deviation, levels, distribution)


def _levels(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    levels, level = np.unique(score, return_inverse=True)
    if len(levels) <= MOST_LEVELS:
        return levels, level
    edges = np.linspace(score.min(), score.max(), MOST_LEVELS + 1)
    return (edges[:-1] + edges[1:]) / 2, np.clip(np.searchsorted(edges, score, side="right") - 1, 0, MOST_LEVELS - 1)
