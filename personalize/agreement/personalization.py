"""What a model of each rater adds to what others say of the photos, by cross-validation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from personalize.agreement.resampling import RATER_PERCENTILES, BootstrapPlan, draw, interval
from personalize.agreement.single_ratings import Cells
from personalize.agreement.statistic import Basis, Statistic, not_estimable
from personalize.numerics import metrics, taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.progress import ProgressCallback, no_progress, tracked

FOLDS = 5
LEAST_RATED = 40  # photos of a rater that others rated too: 8 in each fold
PREDICTORS = ("instant", "others", "both")


@dataclass(frozen=True)
class Personalization:
    """SROCC of each predictor with each rater's ratings of photos that it has not seen: the mean over five folds.

    instant: the instant fit of the app, from the photos' features and the rater's other ratings alone
    others: the mean of all other raters' ratings
    both: the instant fit, on top of what the others say of the photo

    nan for raters with fewer than 40 photos that others rated too, or equal ratings. The difference both - others is what personalization
    adds where others have rated the photos; instant is what it gives where nobody has.
    """

    srocc: dict[str, Float[np.ndarray, "raters"]]
    rated: Int[np.ndarray, "raters"]  # photos with features that others rated too

    @cached_property
    def gain(self) -> Float[np.ndarray, "raters"]:
        """both - others."""
        return self.srocc["both"] - self.srocc["others"]

    def columns(self) -> dict[str, np.ndarray]:
        """By rater: each correlation with its own 95 % interval (see `metrics.with_interval`)."""
        found: dict[str, np.ndarray] = {}
        for name, values in self.srocc.items():
            ends = [
                metrics.with_interval(float(value), int(size)) if np.isfinite(value) else None
                for value, size in zip(values, self.rated, strict=True)
            ]
            found[f"personal_{name}"] = values
            found[f"personal_{name}_low"] = np.array([one.low if one else np.nan for one in ends])
            found[f"personal_{name}_high"] = np.array([one.high if one else np.nan for one in ends])
        return found

    def statistics(self, photos: int, plan: BootstrapPlan) -> list[Statistic]:
        """Means over raters, with intervals over raters."""
        able = np.isfinite(self.gain)
        basis = Basis(int(able.sum()), photos, int(self.rated[able].sum()))
        values = {f"personal_{name}": one for name, one in self.srocc.items()} | {"personal_gain": self.gain}
        if not able.any():
            reason = f"no rater has different ratings of {LEAST_RATED} photos that others rated too"
            return [not_estimable(key, reason, basis) for key in values]
        return [_mean(key, one[able], basis, plan) for key, one in values.items()]


def personalization(
    cells: Cells,
    features: Float[np.ndarray, "photos features"],
    hyperprior: Hyperprior,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> Personalization:
    """Cross-validate each rater. `features` of photos without a file are nan; such photos are left out."""
    others = Others(cells, features)
    srocc = {name: np.full(cells.raters, np.nan) for name in PREDICTORS}
    rated = np.zeros(cells.raters, dtype=np.int64)
    for rater in tracked("fitting raters", range(cells.raters), progress):
        photos, ratings, mean, offset = others.without(rater)
        rated[rater] = len(photos)
        if len(photos) < LEAST_RATED or np.ptp(ratings) == 0:
            continue
        found: dict[str, list[float]] = {name: [] for name in PREDICTORS}
        order = np.random.default_rng([seed, rater]).permutation(len(photos))
        for fold in np.array_split(order, FOLDS):
            left = np.setdiff1d(order, fold)
            x, test = features[photos[left]], features[photos[fold]]
            alone = taste.fit(x, ratings[left], hyperprior)
            shared = taste.fit(x, ratings[left], hyperprior, offset[left, None])
            scores = {
                "instant": test @ alone.weights,
                "others": mean[fold],
                "both": test @ shared.weights + offset[fold] * shared.population_weights[0],
            }
            for name, values in scores.items():
                found[name].append(metrics.srocc(values, ratings[fold]))
        for name, correlations in found.items():
            known = [one for one in correlations if np.isfinite(one)]
            srocc[name][rater] = np.mean(known) if known else np.nan
    return Personalization(srocc, rated)


class Others:
    """What the raters other than one say of the photos."""

    def __init__(self, cells: Cells, features: Float[np.ndarray, "photos features"]) -> None:
        """A rater's ratings are standardised, and what the generic score explains is taken out, because the instant fit has it already."""
        kept = np.isfinite(features[:, 0])[cells.photo]
        self._rater, self._photo, self._score = cells.rater[kept], cells.photo[kept], cells.mean[kept]
        raters, photos = cells.raters, cells.photos
        count = np.maximum(np.bincount(self._rater, minlength=raters), 1)
        centred = self._score - (np.bincount(self._rater, self._score, minlength=raters) / count)[self._rater]
        spread = np.sqrt(np.bincount(self._rater, centred**2, minlength=raters) / count)[self._rater]
        self._standard = np.where(spread > 0, centred / np.where(spread > 0, spread, 1), 0.0)
        self._generic = features[self._photo, 0]
        self._count = np.bincount(self._photo, minlength=photos)
        self._total = np.bincount(self._photo, self._score, minlength=photos)
        self._sums = [np.bincount(self._photo, one, minlength=photos) for one in (self._standard, self._generic)]
        self._products = np.bincount(self._rater, self._standard * self._generic, minlength=raters)
        self._squares = np.bincount(self._rater, self._generic**2, minlength=raters)

    def without(self, rater: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of a rater's photos that others rated too: photos, the rater's ratings, the others' mean, and what they add to the generic score.

        The last is in standard deviations of a rater's ratings, and shrunken: between / (between + noise / n) times the mean of n raters.
        """
        own = np.flatnonzero(self._rater == rater)
        photo = self._photo[own]
        left = self._count[photo] - 1
        own, photo, left = own[left > 0], photo[left > 0], left[left > 0]
        slope = (self._products.sum() - self._products[rater]) / max(self._squares.sum() - self._squares[rater], 1e-12)
        residual = self._standard - slope * self._generic
        sums = self._sums[0] - slope * self._sums[1]
        other = self._rater != rater
        square = np.bincount(self._photo, other * residual**2, minlength=len(self._count))
        counts, totals = self._count.astype(float), sums.copy()
        counts[self._photo[~other]] -= 1
        totals[self._photo[~other]] -= residual[~other]
        pairs = float((counts**2 - counts).sum())
        between = max(float((totals**2 - square).sum()) / pairs, 1e-6) if pairs > 0 else 1e-6
        noise = max(float(square.sum() / counts.sum()) - between, 1e-6)
        offset = totals[photo] / (counts[photo] + noise / between)
        return photo, self._score[own], (self._total[photo] - self._score[own]) / left, offset


def _mean(key: str, values: np.ndarray, basis: Basis, plan: BootstrapPlan) -> Statistic:
    draws = np.array([draw(len(values), 1, plan.seed, number).raters @ values / len(values) for number in range(1, plan.draws + 1)])
    ends = interval(float(values.mean()), draws, len(values))
    low, high = ends or (None, None)
    how = RATER_PERCENTILES if ends else ""
    return Statistic(key, float(values.mean()), low, high, basis.raters, basis.photos, basis.ratings, interval=how)
