"""Serial dependence: how much the trial before pulls a rating."""

import numpy as np
from jaxtyping import Float

from personalize.agreement.single_ratings import SingleRatings

SHUFFLES = 20  # of the order of each rater's trials, for the slope that chance gives
LEAST_TRIALS = 10  # of a rater


class SerialDependence:
    """Slopes of a rating on the photo before and on the rating before, in one regression, after photo and rater.

    e_t = y_t - mean of the rater in the sitting - mean of the others' deviations on the photo. e_t is regressed on two numbers of the trial
    before: the photo's standing with the other raters ("photo"), and the rater's deviation from it, e_{t-1} ("rating"). Both slopes are
    rating points per point. 0: no dependence; positive: a rating is pulled towards what came before (assimilation); negative:
    contrast. Subtracting a mean of n trials makes slopes too low by about 1/n. So the mean slope after shuffling each
    rater's order is subtracted.

    Works only where the order of photos differs between raters: with one order for all, the photo's mean contains the dependence.

    References:
        Kim, Burr & Alais, Attraction to the recent past in aesthetic judgments, Journal of Vision 2019, 19:19.
    """

    def __init__(self, ratings: SingleRatings, back: int, rng: np.random.Generator) -> None:
        """`back`: how many trials before, from 1.

        Raises:
            ValueError: the order of the trials is unknown.
        """
        if ratings.trial is None:
            raise ValueError("The order of the trials is unknown.")
        self._raters = len(ratings.raters)
        sitting = ratings.sitting
        order = np.lexsort((ratings.trial, sitting))
        sitting, photo = sitting[order], ratings.photo[order]
        self._rater, score = ratings.rater[order], ratings.score[order]
        deviation = score - (np.bincount(sitting, score) / np.bincount(sitting))[sitting]
        standing = _standing_with_others(ratings, self._rater, photo, deviation)
        known = np.isfinite(standing)
        residual = np.where(known, deviation - np.where(known, standing, 0), np.nan)
        self._sums = self._regression_sums(sitting, residual, standing, back)
        self._chance = np.zeros_like(self._sums)
        for _ in range(SHUFFLES):
            shuffled = np.lexsort((rng.random(len(sitting)), sitting))
            self._chance += self._regression_sums(sitting, residual[shuffled], standing[shuffled], back) / SHUFFLES
        self.pairs = int(self._sums[:, 0].sum())
        self.raters = int((self._sums[:, 0] >= LEAST_TRIALS).sum())

    def estimate(self, raters: Float[np.ndarray, "raters"]) -> tuple[float, float]:
        """Slope on the photo before and on the rating before, beyond those in shuffled order; nan where there are too few trials."""
        found, chance = _slopes(raters @ self._sums), _slopes(raters @ self._chance)
        return found[0] - chance[0], found[1] - chance[1]

    def _regression_sums(self, sitting: np.ndarray, residual: np.ndarray, standing: np.ndarray, back: int) -> np.ndarray:
        """By rater: n, and the sums of squares and products of both predictors and the residual."""
        y, before, photo = residual[back:], residual[:-back], standing[:-back]
        used = (sitting[back:] == sitting[:-back]) & np.isfinite(y) & np.isfinite(before)
        rater = self._rater[back:][used]
        y, before, photo = y[used], before[used], photo[used]
        columns = (np.ones(len(y)), photo * photo, photo * before, before * before, photo * y, before * y)
        return np.stack([np.bincount(rater, column, minlength=self._raters).astype(float) for column in columns], axis=1)  # int if empty


def _standing_with_others(ratings: SingleRatings, rater: np.ndarray, photo: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Mean deviation of the other raters on each rating's photo; nan where nobody else rated it."""
    cell = np.unique(rater.astype(np.int64) * len(ratings.photos) + photo, return_inverse=True)[1]
    own_total, own_count = np.bincount(cell, deviation)[cell], np.bincount(cell)[cell]
    count = np.bincount(photo)[photo] - own_count
    left = np.bincount(photo, deviation)[photo] - own_total
    return np.where(count > 0, left / np.maximum(count, 1), np.nan)


def _slopes(sums: np.ndarray) -> tuple[float, float]:
    n, pp, pb, bb, py, by = sums
    determinant = pp * bb - pb * pb
    if n < LEAST_TRIALS or determinant <= 1e-9 * pp * bb:
        return float("nan"), float("nan")
    return float((bb * py - pb * by) / determinant), float((pp * by - pb * py) / determinant)
