"""Correlation metrics of predictions with ratings, and their confidence intervals."""

from dataclasses import dataclass
from math import atanh, sqrt
from typing import TypedDict

import numpy as np
from jaxtyping import Float

SOFTMAX_SHARPNESS = 10.0  # of the published starting point
LEAST_RATINGS = 8  # with fewer, the interval of a rank correlation covers nearly the whole range


@dataclass(frozen=True)
class Accuracy:
    """Rank correlation of predictions with a rater's own ratings and its 95 % interval; each -1 to 1."""

    srocc: float
    low: float
    high: float


def ranks(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Ranks 1..n from the smallest; ties share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


def plcc(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float:
    """Pearson's linear correlation coefficient, -1 to 1; nan when either side is constant or shorter than 2."""
    if len(a) < 2:
        return float("nan")
    a, b = a - np.mean(a), b - np.mean(b)
    scale = sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 0 else float("nan")


def srocc(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float:
    """Spearman's rank order correlation coefficient with mean ranks for ties, -1 to 1; nan when either side is constant."""
    return plcc(ranks(a), ranks(b))


def accuracy(predictions: Float[np.ndarray, "n"], ratings: Float[np.ndarray, "n"]) -> Accuracy | None:
    """SROCC of left-out predictions with the ratings, with a 95 % interval.

    None below 8 ratings, or where all ratings or all predictions are equal: the correlation is undefined.
    """
    value = srocc(predictions, ratings) if len(ratings) >= LEAST_RATINGS else float("nan")
    return None if np.isnan(value) else with_interval(value, len(ratings))


def with_interval(value: float, ratings: int) -> Accuracy:
    """The SROCC of left-out predictions, each fitted to the other ratings, with a 95 % interval of the true SROCC rho.

    All rho with |atanh(value) - atanh(rho)| <= 1.96 sd(rho),  sd(rho)^2 = (1 + rho^2 / 2 + excess(rho)) / (n - 3)

    for n ratings. The first two terms are those of Bonett & Wright for predictions that do not depend on the ratings. Without signal, the
    covariance of ratings i and j counts twice, in the prediction of i from j and of j from i, which doubles the variance. This excess
    vanishes as signal takes the place of noise in the predictions, and with few ratings, where they are mostly the prior mean:

    excess(rho) = n / (n + 5) * 5 / (5 + n rho^2), its two constants by measurement (docs/decisions/how-sure.md).

    References:
        Bonett & Wright, Sample size requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 2000;
        Wilson, Probable inference, JASA 1927 (an interval as all values that a test does not reject).
    """
    tried = np.linspace(-6, 6, 6001)  # atanh(rho)
    square = np.tanh(tried) ** 2
    excess = ratings / (ratings + 5) * 5 / (5 + ratings * square)
    reach = 1.96 * np.sqrt((1 + square / 2 + excess) / (ratings - 3))
    held = np.tanh(tried[np.abs(atanh(min(max(value, -0.999), 0.999)) - tried) <= reach])
    return Accuracy(srocc=value, low=min(value, float(held[0])), high=max(value, float(held[-1])))


def bootstrap_interval(values: Float[np.ndarray, "n"], rng: np.random.Generator, draws: int = 2000) -> tuple[float, float]:
    """95 % percentile interval of the mean of `values` (one number per rater), resampling raters."""
    means = rng.choice(values, size=(draws, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


class MeanOverRaters(TypedDict):
    """A mean over raters with its 95 % interval; nan without raters."""

    mean: float
    low: float
    high: float
    raters: int  # number of raters


def mean_over_raters(values: Float[np.ndarray, "n"], rng: np.random.Generator) -> MeanOverRaters:
    """Mean of one number per rater with its 95 % bootstrap interval; raters with nan are left out."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return {"mean": float("nan"), "low": float("nan"), "high": float("nan"), "raters": 0}
    low, high = bootstrap_interval(kept, rng)
    return {"mean": round(float(kept.mean()), 4), "low": round(low, 4), "high": round(high, 4), "raters": len(kept)}


def softmax_mixture(agreement: Float[np.ndarray, "tasks"]) -> Float[np.ndarray, "tasks"]:
    """softmax(10 x SROCC): shares of the task models that sum to 1; an undefined SROCC counts as 0 (Yun & Choo, ECCV 2024)."""
    weights = np.exp(SOFTMAX_SHARPNESS * np.nan_to_num(agreement))
    return weights / weights.sum()
