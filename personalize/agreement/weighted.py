"""Correlations and ranks with weights, for all raters at once."""

import numpy as np
from jaxtyping import Float, Int

from personalize.agreement.resampling import fisher_z


def correlation(x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"], weight: Float[np.ndarray, "n"]) -> float:
    """Pearson's correlation with weights; nan where a side is constant."""
    return float(correlations(np.zeros(len(x), dtype=np.int64), 1, x, y, weight)[0])


def correlations(
    group: Int[np.ndarray, "n"], groups: int, x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"], weight: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "groups"]:
    """Pearson's correlation with weights within each group; nan where a side is constant."""
    total = np.bincount(group, weight, minlength=groups)
    safe = np.where(total > 0, total, 1.0)
    x = x - (np.bincount(group, weight * x, minlength=groups) / safe)[group]
    y = y - (np.bincount(group, weight * y, minlength=groups) / safe)[group]
    xx, yy, xy = (np.bincount(group, weight * a * b, minlength=groups) for a, b in ((x, x), (y, y), (x, y)))
    least = 1e-12 * safe
    known = (xx > least) & (yy > least)
    return np.where(known, xy / np.sqrt(np.where(known, xx * yy, 1.0)), np.nan)


def rank_order(group: Int[np.ndarray, "n"], values: Float[np.ndarray, "n"]) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """The order of the values within groups, and for each place of that order the number of its run of equal values."""
    order = np.lexsort((values, group))
    new = np.ones(len(values), dtype=bool)
    new[1:] = (np.diff(values[order]) != 0) | (np.diff(group[order]) != 0)
    return order, np.cumsum(new) - 1


def mid_ranks(ordered: tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]], weight: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Mid-ranks within groups, up to a constant for each group, where a value counts `weight` times."""
    order, run = ordered
    in_run = np.bincount(run, weight[order])
    ranks = np.empty(len(weight))
    ranks[order] = (np.cumsum(in_run) - in_run / 2)[run]
    return ranks


def masked_ranks(values: Float[np.ndarray, "rows n"]) -> Float[np.ndarray, "rows n"]:
    """Mid-ranks along each row among its numbers; where a value is nan, so is its rank."""
    order = np.argsort(values, axis=1, kind="stable")  # nan last
    ordered = np.take_along_axis(values, order, axis=1)
    place = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    differs = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(values), 1), dtype=bool)
    first = np.maximum.accumulate(np.where(np.hstack([edge, differs]), place, 0), axis=1)
    last = np.where(np.hstack([differs, edge]), place, values.shape[1])
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return np.where(np.isnan(values), np.nan, ranks)


def fisher_mean(r: Float[np.ndarray, "n"], weight: Float[np.ndarray, "n"]) -> float:
    """Mean correlation by Fisher's z, tanh(mean atanh r); correlations that are nan are left out."""
    known = np.isfinite(r) & (weight > 0)
    if not known.any():
        return float("nan")
    return float(np.tanh(weight[known] @ fisher_z(r[known]) / weight[known].sum()))


def median(values: Float[np.ndarray, "n"], weight: Float[np.ndarray, "n"]) -> float:
    """Weighted median: the mid-point where half of the weight is below; nan without values."""
    if not len(values):
        return float("nan")
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    low, high = (values[order][np.searchsorted(share, half)] for half in (0.5 - 1e-9, 0.5 + 1e-9))
    return float((low + high) / 2)
