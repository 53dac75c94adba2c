"""Hyperprior of the taste model, learned from other raters' ratings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import Hyperprior

RatedFeatures = tuple[Float[np.ndarray, "ratings features"], Float[np.ndarray, "ratings"]]  # of one rater


def learn_hyperprior(raters: Sequence[RatedFeatures], heads: int = 0, rounds: int = 200, floor: float = 0.1) -> Hyperprior:
    """Probability of each point of the grid for a new rater, by expectation maximisation.

    Each rater belongs to one unknown point of the grid; the weight of a point is the expected share of raters there. `floor` adds a share
    of pseudo-raters, spread evenly over the grid, so that the fit adapts within a few ratings to raters and photos unlike the training
    data. Raters whose ratings are all equal carry no information and are left out.

    References:
        Dempster, Laird & Rubin 1977.
    """
    flat = Hyperprior.flat()
    evidence = [taste.log_evidence(features, ratings, flat, heads) for features, ratings in raters if np.std(ratings) > 0]
    if not evidence:
        return flat
    likelihood = np.stack([np.exp(one - one.max()) for one in evidence])
    weights = flat.weights
    for _ in range(rounds):
        shares = likelihood * weights
        shares /= shares.sum(axis=(1, 2, 3, 4), keepdims=True)
        weights = (shares.mean(axis=0) + floor * flat.weights) / (1 + floor)
    return replace(flat, weights=weights)
