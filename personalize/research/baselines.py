"""Baselines of the instant fit; each takes a rater's shots and scores every photo. Needs only NumPy and scikit-learn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from personalize.numerics import metrics, taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.ratings import RaterRatings

STRENGTHS = np.logspace(-3, 3, 25)  # of ridge regression, for features of mean square length 1


@dataclass(frozen=True)
class Catalogue:
    """Features, raw groups and task models' scores of all photos."""

    features: Float[np.ndarray, "photos 256"]
    heads: int  # task heads among the features, after the generic score
    groups: Mapping[str, Float[np.ndarray, "photos numbers"]]  # normalised and centred, mean square length 1
    task_scores: Callable[[], Float[np.ndarray, "photos tasks"]]  # by the task models, whose network is loaded when called

    @cached_property
    def joined(self) -> Float[np.ndarray, "photos numbers"]:
        """All groups side by side with equal shares, mean square length 1."""
        return np.concatenate(list(self.groups.values()), axis=1) / np.sqrt(len(self.groups))


def generic(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """The generic score, the same for every rater."""
    return catalogue.features[:, 0]


def softmax_outputs(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Task models' scores weighted by softmax(10 x SROCC on the shots); an undefined SROCC (all shots have the same rating) counts as 0.

    The published starting point mixes the models' weights with these shares, not their scores (`published_fit.start_scores`).
    """
    task_scores = catalogue.task_scores()
    agreement = np.array([metrics.srocc(scores[shots.photos], shots.ratings) for scores in task_scores.T])
    return task_scores @ metrics.softmax_mixture(agreement)


def ridge(group: str) -> Callable[[Catalogue, RaterRatings, Hyperprior], Float[np.ndarray, "photos"]]:
    """Ridge regression on one group of raw features; exact leave-one-out error on the shots selects its strength."""
    return lambda catalogue, shots, hyperprior: _ridge(catalogue.groups[group] @ catalogue.groups[group][shots.photos].T, shots)


def kernel_ridge(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """Kernel ridge regression on all groups, with a Gaussian kernel as wide as the median distance of the shots."""
    x = catalogue.joined
    square = (x**2).sum(axis=1)
    apart = np.maximum(square[:, None] + square[shots.photos] - 2 * x @ x[shots.photos].T, 0)
    among = apart[shots.photos][~np.eye(len(shots.photos), dtype=bool)]
    return _ridge(np.exp(-apart / (float(np.median(among)) if len(among) else 1.0)), shots)


def instant(catalogue: Catalogue, shots: RaterRatings, hyperprior: Hyperprior) -> Float[np.ndarray, "photos"]:
    """The closed-form fit of `taste.py`."""
    return catalogue.features @ taste.fit(catalogue.features[shots.photos], shots.ratings, hyperprior).weights


def _ridge(kernel: Float[np.ndarray, "photos shots"], shots: RaterRatings) -> Float[np.ndarray, "photos"]:
    """Ridge regression from the inner products of all photos with the shots; exact leave-one-out error selects its strength."""
    from sklearn.linear_model import RidgeCV  # the app is installed without scikit-learn

    if len(shots.ratings) < 2:
        return np.zeros(len(kernel))
    values, u = np.linalg.eigh(kernel[shots.photos])
    kept = values > values[-1] * 1e-10
    to_features = u[:, kept] / np.sqrt(values[kept])  # features of photos that have these inner products with the shots
    fitted = RidgeCV(STRENGTHS, fit_intercept=False).fit(kernel[shots.photos] @ to_features, shots.ratings - shots.ratings.mean())
    return kernel @ (to_features @ np.asarray(fitted.coef_))
