"""Instant fits as linear models of a photo's raw vector: the projection is folded into the weights. Needs no torch.

A fit scores a photo by ((raw - centre) @ matrix) @ w. With weights = matrix @ w and constant = -centre . weights, this is
raw . weights + constant.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from personalize.errors import BadModel
from personalize.exports.fits import InstantFit
from personalize.numerics.raw_features import RawLayout


@dataclass(frozen=True)
class LinearModel:
    """A rater's score of a photo is raw . weights + constant, in standard deviations of the rater's ratings."""

    weights: Float32[np.ndarray, "raw"]
    constant: float

    def score(self, raw: Float[np.ndarray, "photos raw"]) -> Float[np.ndarray, "photos"]:
        """Scores of photos, in `float64`."""
        return raw.astype(np.float64) @ self.weights + self.constant


def fold(fit: InstantFit) -> LinearModel:
    """The linear model of a fit.

    Raises:
        BadModel: the fit has another number of weights than its projection has features, or a number is not finite.
    """
    features = fit.projection.matrix.shape[1]
    if fit.weights.shape != (features,):
        raise BadModel(f"The fit has {fit.weights.size} weights, its projection {features} features: fit the rater's ratings again.")
    weights = (fit.projection.matrix.astype(np.float64) @ fit.weights).astype(np.float32)
    model = LinearModel(weights, -float(fit.projection.centre.astype(np.float64) @ weights))
    _check_finite(model)
    return model


def check(model: LinearModel, layout: RawLayout) -> None:
    """Raises:
    BadModel: the weights are not those of a raw vector of this layout, or a number is not finite.
    """
    if model.weights.shape != (layout.width,):
        raise BadModel(f"The model has {model.weights.size} weights, but raw vectors of this bank have {layout.width} numbers.")
    _check_finite(model)


def _check_finite(model: LinearModel) -> None:
    if not np.isfinite([*model.weights, model.constant]).all():
        raise BadModel("The model has weights that are not finite numbers: fit the rater's ratings again, and export that fit.")
