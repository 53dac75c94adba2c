"""Patterns that careless rating leaves, for each rater: information, never a verdict."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from personalize.agreement.single_ratings import SingleRatings

TOO_FAST = 0.3  # seconds: few people see a photo and answer in less
SHUFFLES = 50


@dataclass(frozen=True)
class CarelessPatterns:
    """For each rater; nan where the data do not tell.

    A rater with honest taste may show any of these: a long run where photos are alike, a small deviation for a rater whom nothing moves,
    a negative correlation for a rater who likes what others do not. None decides about pay or exclusion.

    References:
        Meade & Craig, Identifying careless responses in survey data, Psychological Methods 2012; Johnson, Journal of Research in
        Personality 2005 (long strings).
    """

    longest_run: Float[np.ndarray, "raters"]  # equal ratings in a row, within a sitting
    run_by_chance: Float[np.ndarray, "raters"]  # that 1 in 20 random orders of the same ratings exceeds
    deviation: Float[np.ndarray, "raters"]  # standard deviation of the rater's ratings
    too_fast: Float[np.ndarray, "raters"]  # share of the ratings that took less than .3 seconds
    with_others: Float[np.ndarray, "raters"]  # correlation with the mean of the others


def careless_patterns(ratings: SingleRatings, with_others: Float[np.ndarray, "raters"], rng: np.random.Generator) -> CarelessPatterns:
    """The patterns of each rater; `with_others` from `correlations.MeanMinusOne`."""
    raters = len(ratings.raters)
    nan = np.full(raters, np.nan)
    count = np.maximum(np.bincount(ratings.rater, minlength=raters), 1)
    mean = np.bincount(ratings.rater, ratings.score, minlength=raters) / count
    square = np.bincount(ratings.rater, (ratings.score - mean[ratings.rater]) ** 2, minlength=raters)
    deviation = np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), np.nan)
    runs = chance = fast = nan
    if ratings.trial is not None:
        order = np.lexsort((ratings.trial, ratings.sitting, ratings.rater))
        rater, score, sitting = ratings.rater[order], ratings.score[order], ratings.sitting[order]
        runs = longest_runs(rater, sitting, score, raters)
        shuffled = [
            longest_runs(rater, sitting, score[np.lexsort((rng.random(len(rater)), sitting, rater))], raters) for _ in range(SHUFFLES)
        ]
        chance = np.quantile(shuffled, 0.95, axis=0)
    if ratings.seconds is not None:
        known = np.isfinite(ratings.seconds)
        timed = np.bincount(ratings.rater[known], minlength=raters)
        quick = np.bincount(ratings.rater[known], ratings.seconds[known] < TOO_FAST, minlength=raters)
        fast = np.where(timed > 0, quick / np.maximum(timed, 1), np.nan)
    return CarelessPatterns(runs, chance, deviation, fast, with_others)


def longest_runs(
    rater: Int[np.ndarray, "n"], sitting: Int[np.ndarray, "n"], score: Float[np.ndarray, "n"], raters: int
) -> Float[np.ndarray, "raters"]:
    """Longest run of equal scores of each rater within a sitting, whose ratings stand together and in order."""
    new = np.ones(len(score), dtype=bool)
    new[1:] = (np.diff(score) != 0) | (np.diff(sitting) != 0)
    starts = np.flatnonzero(new)
    found = np.zeros(raters)
    np.maximum.at(found, rater[starts], np.diff(np.append(starts, len(score))))
    return found
