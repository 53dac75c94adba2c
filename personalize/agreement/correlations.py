"""Correlations between raters: each rater with the mean of the others, and each pair of raters.

The two answer different questions: a mean of many raters has hardly any noise, so a rater agrees with it better than with another rater.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from personalize.agreement import weighted
from personalize.agreement.rating_pairs import NONE
from personalize.agreement.single_ratings import Cells

LEAST_COMMON = 10  # photos that a correlation rests on at least
MOST_RATERS = 500  # whose pairs are correlated; of more raters, this many are drawn
MOST_NUMBERS = 20_000_000  # of the table of raters by photos, so that it fits the memory


class MeanMinusOne:
    """Correlation of each rater's ratings with the mean of all other raters, over the photos that the rater rated.

    For rater r and photo i: m_ri = mean of y_si over raters s != r; r's value is the correlation of y_ri with m_ri. The mean over raters is
    taken by Fisher's z. 1: everyone orders photos alike; 0: others' ratings say nothing. It is what a generic model, made from the other
    raters, reaches on a rater, and rises with their number towards sqrt(photo / (photo + residual)).
    """

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._own_order = weighted.rank_order(cells.rater, cells.mean)

    def estimate(
        self, raters: Float[np.ndarray, "raters"], photos: Float[np.ndarray, "photos"]
    ) -> tuple[Float[np.ndarray, "raters"], Float[np.ndarray, "raters"]]:
        """Pearson's and Spearman's correlation of each rater; nan for raters with fewer than 10 photos that others rated."""
        cells = self._cells
        own = raters[cells.rater]
        count = np.bincount(cells.photo, own, minlength=cells.photos)
        total = np.bincount(cells.photo, own * cells.mean, minlength=cells.photos)
        left = count[cells.photo] - own  # copies of the rater are left out together with it
        others = (total[cells.photo] - own * cells.mean) / np.maximum(left, NONE)
        weight = photos[cells.photo] * (left > NONE)
        enough = np.bincount(cells.rater, weight > 0, minlength=cells.raters) >= LEAST_COMMON
        ranks = weighted.mid_ranks(self._own_order, weight)
        others_ranks = weighted.mid_ranks(weighted.rank_order(cells.rater, others), weight)
        pearson, spearman = (
            np.where(enough, weighted.correlations(cells.rater, cells.raters, a, b, weight), np.nan)
            for a, b in ((cells.mean, others), (ranks, others_ranks))
        )
        return pearson, spearman

    def means(self, raters: Float[np.ndarray, "raters"], photos: Float[np.ndarray, "photos"]) -> tuple[float, float]:
        """Mean of Pearson's and of Spearman's correlation over raters."""
        pearson, spearman = self.estimate(raters, photos)
        return weighted.fisher_mean(pearson, raters), weighted.fisher_mean(spearman, raters)


@dataclass(frozen=True)
class RaterPairs:
    """The ratings as a table of raters by photos, nan where a rater did not rate a photo; of at most 500 raters, drawn by the seed."""

    table: Float[np.ndarray, "some photos"]
    drawn: np.ndarray  # places of the raters in the table

    @classmethod
    def of(cls, cells: Cells, seed: int) -> "RaterPairs":
        able = np.flatnonzero(cells.rater_sizes >= LEAST_COMMON)
        most = min(MOST_RATERS, max(MOST_NUMBERS // max(cells.photos, 1), 2))
        if len(able) > most:
            able = np.sort(np.random.default_rng(seed).choice(able, most, replace=False))
        row = np.full(cells.raters, -1)
        row[able] = np.arange(len(able))
        table = np.full((len(able), cells.photos), np.nan)
        kept = row[cells.rater] >= 0
        table[row[cells.rater[kept]], cells.photo[kept]] = cells.mean[kept]
        return cls(table, able)

    @cached_property
    def rated(self) -> Float[np.ndarray, "some photos"]:
        return (~np.isnan(self.table)).astype(float)

    @cached_property
    def common(self) -> Float[np.ndarray, "some some"]:
        """Photos that two raters have in common."""
        return self.rated @ self.rated.T

    @cached_property
    def centred(self) -> Float[np.ndarray, "some photos"]:
        """Ratings minus the rater's mean, 0 where there is none."""
        return _centred(self.table)

    @cached_property
    def centred_ranks(self) -> Float[np.ndarray, "some photos"]:
        return _centred(weighted.masked_ranks(self.table))

    @property
    def too_few(self) -> float:
        """Share of the pairs that have fewer than 10 photos in common, and are left out."""
        first, second = np.triu_indices(len(self.table), k=1)
        return float(np.mean(self.common[first, second] < LEAST_COMMON)) if len(first) else float("nan")

    def pearson(self, photos: Float[np.ndarray, "photos"], *, ranks: bool = False) -> Float[np.ndarray, "some some"]:
        """Pearson's correlation of each pair over the photos that both rated; nan below 10 photos or where a rater's are all equal.

        With `ranks`, that of each rater's ranks among all photos of that rater, which is near Spearman's.
        """
        x, rated = self.centred_ranks if ranks else self.centred, self.rated
        weighted_x = x * photos
        n, sums = (rated * photos) @ rated.T, weighted_x @ rated.T  # sums[a, b]: a's ratings of the photos that b rated too
        squares, products = (weighted_x * x) @ rated.T, weighted_x @ x.T
        safe = np.maximum(n, 1.0)
        variance = squares - sums**2 / safe
        spread = variance * variance.T
        known = (self.common >= LEAST_COMMON) & (variance > 1e-9 * safe) & (1e-9 * safe < variance.T)
        return np.where(known, (products - sums * sums.T / safe) / np.sqrt(np.where(known, spread, 1.0)), np.nan)

    def spearman(self) -> Float[np.ndarray, "some some"]:
        """Spearman's correlation of each pair over the photos that both rated, with ranks among those photos; above the diagonal."""
        size = len(self.table)
        found = np.full((size, size), np.nan)
        for first in range(size - 1):
            rated = ~np.isnan(self.table[first])
            others = self.table[first + 1 :, rated]
            own = np.where(np.isnan(others), np.nan, self.table[first, rated])
            a, b = _centred(weighted.masked_ranks(own)), _centred(weighted.masked_ranks(others))
            spread = (a * a).sum(axis=1) * (b * b).sum(axis=1)
            known = (self.common[first, first + 1 :] >= LEAST_COMMON) & (spread > 1e-9)
            found[first, first + 1 :] = np.where(known, (a * b).sum(axis=1) / np.sqrt(np.where(known, spread, 1.0)), np.nan)
        return found

    def mean(self, correlations: Float[np.ndarray, "some some"], raters: Float[np.ndarray, "raters"]) -> float:
        """Mean over pairs of different raters, by Fisher's z. A pair counts as often as both raters were drawn."""
        first, second = np.triu_indices(len(self.table), k=1)
        own = raters[self.drawn]
        return weighted.fisher_mean(correlations[first, second], own[first] * own[second])


def _centred(table: np.ndarray) -> np.ndarray:
    known = ~np.isnan(table)
    filled = np.where(known, table, 0.0)
    mean = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, table - mean[:, None], 0.0)
