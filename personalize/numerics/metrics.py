"""Correlation metrics of predictions with ratings, and their confidence intervals."""

from dataclasses import dataclass
from math import atanh, sqrt, tanh
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

    The interval is Fisher's z with the variance (1 + r^2 / 2) / (n - 3) of Bonett & Wright (Psychometrika 2000) for rank
    correlations. None below 8 ratings, or where all ratings or all predictions are equal: the correlation is undefined.
    """
    n = len(ratings)
    value = srocc(predictions, ratings) if n >= LEAST_RATINGS else float("nan")
    if np.isnan(value):
        return None
    z = atanh(min(max(value, -0.999), 0.999))
    reach = 1.96 * sqrt((1 + value * value / 2) / (n - 3))
    return Accuracy(srocc=value, low=tanh(z - reach), high=tanh(z + reach))


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
    people: int  # number of raters


def mean_over_raters(values: Float[np.ndarray, "n"], rng: np.random.Generator) -> MeanOverRaters:
    """Mean of one number per rater with its 95 % bootstrap interval; raters with nan are left out."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return {"mean": float("nan"), "low": float("nan"), "high": float("nan"), "people": 0}
    low, high = bootstrap_interval(kept, rng)
    return {"mean": round(float(kept.mean()), 4), "low": round(low, 4), "high": round(high, 4), "people": len(kept)}


def softmax_mixture(agreement: Float[np.ndarray, "tasks"]) -> Float[np.ndarray, "tasks"]:
    """softmax(10 x SROCC): shares of the task models that sum to 1; an undefined SROCC counts as 0 (Yun & Choo, ECCV 2024)."""
    weights = np.exp(SOFTMAX_SHARPNESS * np.nan_to_num(agreement))
    return weights / weights.sum()
