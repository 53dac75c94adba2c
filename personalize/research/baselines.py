"""Baselines of the instant fit; each takes a rater's shots and scores every photo. Needs only NumPy and scikit-learn."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import RidgeCV

from personalize.numerics import metrics, taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.ratings import RaterRatings

STRENGTHS = np.logspace(-3, 3, 25)  # of ridge regression


@dataclass(frozen=True)
class Catalogue:
    """Features, scores and embeddings of all photos."""

    features: Float[np.ndarray, "photos 256"]
    task_scores: Float[np.ndarray, "photos tasks"]
    plain: Float[np.ndarray, "photos width"]  # embedding of the pre-trained encoder
    merged: Float[np.ndarray, "photos merged_width"]  # embedding of the merged encoder


def generic(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """The generic score, the same for every rater."""
    return catalogue.features[:, 0]


def softmax_init(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Task models' scores weighted by softmax(10 x SROCC on the shots), the published starting point (Yun & Choo, ECCV 2024).

    An undefined SROCC (all shots have the same rating) counts as 0.
    """
    agreement = np.array([metrics.srocc(scores[shots.photos], shots.ratings) for scores in catalogue.task_scores.T])
    return catalogue.task_scores @ metrics.softmax_mixture(agreement)


def ridge_plain(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Ridge regression on the pre-trained encoder's embedding."""
    return _ridge(catalogue.plain, shots)


def ridge_merged(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Ridge regression on the merged encoder's embedding."""
    return _ridge(catalogue.merged, shots)


def instant(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """The closed-form fit of `taste.py`."""
    return catalogue.features @ taste.fit(catalogue.features[shots.photos], shots.ratings, hyperprior).weights


def _ridge(embedding: Float[np.ndarray, "photos width"], shots: RaterRatings) -> Float[np.ndarray, "photos"]:
    """Ridge regression on standardised columns; exact leave-one-out error on the shots selects its strength."""
    x = (embedding - embedding.mean(axis=0)) / (embedding.std(axis=0) + 1e-8) / np.sqrt(embedding.shape[1])
    if len(shots.ratings) < 2:
        return np.zeros(len(x))
    fitted = RidgeCV(STRENGTHS, fit_intercept=False).fit(x[shots.photos], shots.ratings - shots.ratings.mean())
    return x @ np.asarray(fitted.coef_)
