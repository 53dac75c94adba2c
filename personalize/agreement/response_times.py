"""Response times by rater and by place in the sitting."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from personalize.agreement.single_ratings import SingleRatings

BINS = 10  # parts of a sitting


@dataclass(frozen=True)
class ResponseTimes:
    """Seconds from a photo to its rating; nan where a rater has no known time.

    Medians, because response times have long tails. `by_place`: median over raters of their median in each tenth of a sitting's
    trials; people mostly become faster. Times above some ten seconds are interruptions more often than thought.
    """

    median: Float[np.ndarray, "raters"]
    fast_tenth: Float[np.ndarray, "raters"]  # a tenth of the rater's ratings took less
    slow_tenth: Float[np.ndarray, "raters"]  # a tenth took more
    by_place: Float[np.ndarray, "bins"]  # all nan without an order of trials


def response_times(ratings: SingleRatings) -> ResponseTimes:
    """Response times of ratings with known seconds."""
    seconds = ratings.seconds if ratings.seconds is not None else np.full(len(ratings), np.nan)
    own = _by_rater(ratings, seconds)
    quantiles = np.array([np.quantile(one, [0.1, 0.5, 0.9]) if len(one) else [np.nan] * 3 for one in own]).reshape(-1, 3)
    return ResponseTimes(quantiles[:, 1], quantiles[:, 0], quantiles[:, 2], _by_place(ratings, seconds))


def _by_rater(ratings: SingleRatings, seconds: np.ndarray) -> list[np.ndarray]:
    known = np.isfinite(seconds)
    order = np.argsort(ratings.rater[known], kind="stable")
    ends = np.cumsum(np.bincount(ratings.rater[known], minlength=len(ratings.raters)))[:-1]
    return np.split(seconds[known][order], ends)


def _by_place(ratings: SingleRatings, seconds: np.ndarray) -> np.ndarray:
    found = np.full(BINS, np.nan)
    if ratings.trial is None:
        return found
    order = np.lexsort((ratings.trial, ratings.sitting))
    order = order[np.argsort(ratings.rater[order], kind="stable")]
    rater, sitting = ratings.rater[order], ratings.sitting[order]
    sizes = np.bincount(sitting)
    starts = np.flatnonzero(np.diff(sitting, prepend=-1))
    place = np.arange(len(sitting)) - np.repeat(starts, np.diff(np.append(starts, len(sitting))))
    bins = place * BINS // sizes[sitting]
    for number in range(BINS):
        here = (bins == number) & np.isfinite(seconds[order])
        medians = [np.median(one) for one in np.split(seconds[order][here], np.flatnonzero(np.diff(rater[here])) + 1) if len(one)]
        found[number] = np.median(medians) if medians else np.nan
    return found
