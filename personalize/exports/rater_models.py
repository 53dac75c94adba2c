"""Instant fits as models of a photo's raw vector: the projection is folded into the weights. Needs no torch.

A fit scores a photo by features @ w, with features = (raw - centre) @ matrix + (p - mean p) @ product matrix, and p the products of two of
the leading axes (`numerics/axis_products.py`). With weights = matrix @ w and product weights = product matrix @ w, this is

    raw . weights + p . product weights + constant,    p = products(raw @ axes - shift).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from personalize.errors import BadModel
from personalize.exports.fits import InstantFit
from personalize.numerics.axis_products import pairs, products
from personalize.numerics.raw_features import RawLayout


@dataclass(frozen=True)
class ProductWeights:
    """The part of a model that is no weighted sum of the raw vector."""

    axes: Float32[np.ndarray, "raw axes"]
    shift: Float32[np.ndarray, "axes"]  # the place of the mean photo before it is taken away
    weights: Float32[np.ndarray, "products"]

    def score(self, raw: Float[np.ndarray, "photos raw"]) -> Float[np.ndarray, "photos"]:
        return np.asarray(products(raw @ self.axes.astype(np.float64) - self.shift) @ self.weights)


@dataclass(frozen=True)
class RaterModel:
    """A rater's score of a photo, in standard deviations of the rater's ratings."""

    weights: Float32[np.ndarray, "raw"]
    constant: float
    products: ProductWeights | None = None

    def score(self, raw: Float[np.ndarray, "photos raw"]) -> Float[np.ndarray, "photos"]:
        """Scores of photos, in `float64`."""
        raw = raw.astype(np.float64)
        linear = raw @ self.weights + self.constant
        return linear + self.products.score(raw) if self.products else linear


def fold(fit: InstantFit) -> RaterModel:
    """The model of a fit.

    Raises:
        BadModel: the fit has another number of weights than its projection has features, or a number is not finite.
    """
    own = fit.projection
    features = own.matrix.shape[1]
    if fit.weights.shape != (features,):
        raise BadModel(f"The fit has {fit.weights.size} weights, its projection {features} features: fit the rater's ratings again.")
    centre = own.centre.astype(np.float64)
    weights = (own.matrix.astype(np.float64) @ fit.weights).astype(np.float32)
    constant, of_products = -float(centre @ weights), None
    if own.products:
        product_weights = (own.products.matrix.astype(np.float64) @ fit.weights).astype(np.float32)
        constant -= float(own.products.centre.astype(np.float64) @ product_weights)
        axes = own.products.axes.astype(np.float32)
        of_products = ProductWeights(axes, (centre @ axes).astype(np.float32), product_weights)
    model = RaterModel(weights, constant, of_products)
    _check_finite(model)
    return model


def check(model: RaterModel, layout: RawLayout) -> None:
    """Raises:
    BadModel: the weights are not those of a raw vector of this layout, they do not fit each other, or a number is not finite.
    """
    if model.weights.shape != (layout.width,):
        raise BadModel(f"The model has {model.weights.size} weights, but raw vectors of this bank have {layout.width} numbers.")
    if model.products:
        axes, count = model.products.axes, model.products.shift.size
        if axes.shape != (layout.width, count) or model.products.weights.shape != (len(pairs(count)[0]),):
            raise BadModel(f"The model's axes and product weights do not fit raw vectors of {layout.width} numbers: export it again.")
    _check_finite(model)


def _check_finite(model: RaterModel) -> None:
    numbers = [model.weights, np.array([model.constant])]
    if model.products:
        numbers += [model.products.axes.ravel(), model.products.shift, model.products.weights]
    if not all(np.isfinite(one).all() for one in numbers):
        raise BadModel("The model has weights that are not finite numbers: fit the rater's ratings again, and export that fit.")
