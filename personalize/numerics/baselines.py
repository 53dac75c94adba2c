"""What the instant fit is measured against. Each takes a person's shots and scores every photo."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from personalize.numerics import metrics, taste
from personalize.numerics.grid import Hyperprior

SOFTMAX_SHARPNESS = 10.0  # of the published starting point


@dataclass(frozen=True)
class Catalogue:
    """All photos as every method needs them."""

    features: Float[np.ndarray, "photos 256"]
    task_scores: Float[np.ndarray, "photos tasks"]
    plain: Float[np.ndarray, "photos width"]  # embedding of the pre-trained encoder
    merged: Float[np.ndarray, "photos merged_width"]  # embedding of the merged encoder


@dataclass(frozen=True)
class Shots:
    """The ratings of one person that a method may see."""

    photos: Int[np.ndarray, "shots"]
    ratings: Float[np.ndarray, "shots"]


def generic(catalogue: Catalogue, shots: Shots, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """The score at equal coefficients: the same for everybody."""
    return catalogue.features[:, 0]


def softmax_init(catalogue: Catalogue, shots: Shots, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Outputs of the task models mixed by softmax(10 x SROCC on the shots), the published starting point (Yun & Choo, ECCV 2024).

    Where SROCC is undefined (all shots rated alike) it counts as 0.
    """
    agreement = np.array([metrics.srocc(scores[shots.photos], shots.ratings) for scores in catalogue.task_scores.T])
    return catalogue.task_scores @ softmax_mixture(agreement)


def softmax_mixture(agreement: Float[np.ndarray, "tasks"]) -> Float[np.ndarray, "tasks"]:
    """softmax(10 x SROCC): shares of the task models that sum to 1; an undefined SROCC counts as 0."""
    weights = np.exp(SOFTMAX_SHARPNESS * np.nan_to_num(agreement))
    return weights / weights.sum()


def ridge_plain(catalogue: Catalogue, shots: Shots, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Ridge regression on the pre-trained encoder's embedding."""
    return _ridge(catalogue.plain, shots)


def ridge_merged(catalogue: Catalogue, shots: Shots, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Ridge regression on the merged encoder's embedding."""
    return _ridge(catalogue.merged, shots)


def instant(catalogue: Catalogue, shots: Shots, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """The closed-form fit of `taste.py`."""
    return catalogue.features @ taste.fit(catalogue.features[shots.photos], shots.ratings, hyperprior).weights


def _ridge(embedding: Float[np.ndarray, "photos width"], shots: Shots) -> Float[np.ndarray, "photos"]:
    """Ridge regression on standardised columns, its strength chosen on the shots by exact leave-one-out error."""
    x = (embedding - embedding.mean(axis=0)) / (embedding.std(axis=0) + 1e-8) / np.sqrt(embedding.shape[1])
    seen, y = x[shots.photos], shots.ratings - shots.ratings.mean()
    values, u = np.linalg.eigh(seen @ seen.T)
    projected = u.T @ y
    best = (np.inf, 1.0)
    for strength in np.logspace(-3, 3, 25):
        shrink = 1 / (np.maximum(values, 0) + strength)
        gap = (u @ (shrink * projected)) / ((u * u) @ shrink)
        best = min(best, (float(gap @ gap), float(strength)))
    dual = u @ (projected / (np.maximum(values, 0) + best[1]))
    return x @ (seen.T @ dual)
