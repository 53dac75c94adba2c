"""Learning the hyperprior of the taste model from other people's ratings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import Hyperprior

RatedFeatures = tuple[Float[np.ndarray, "ratings features"], Float[np.ndarray, "ratings"]]  # of one rater


def learn_hyperprior(raters: Sequence[RatedFeatures], rounds: int = 200, floor: float = 0.1) -> Hyperprior:
    """How plausible each point of the grid is for a new person, by expectation maximisation.

    Each person belongs to one unknown point of the grid; the weight of a point is the expected share of people there. `floor` is
    the share of further people, spread evenly over the grid, so that people and photos unlike those learned from find their place within a
    few ratings. People whose ratings are all equal tell nothing and are left out.

    References:
        Dempster, Laird & Rubin 1977.
    """
    flat = Hyperprior.flat()
    evidence = [taste.log_evidence(features, ratings, flat) for features, ratings in raters if np.std(ratings) > 0]
    if not evidence:
        return flat
    likelihood = np.stack([np.exp(one - one.max()) for one in evidence])
    weights = flat.weights
    for _ in range(rounds):
        shares = likelihood * weights
        shares /= shares.sum(axis=(1, 2, 3, 4), keepdims=True)
        weights = (shares.mean(axis=0) + floor * flat.weights) / (1 + floor)
    return replace(flat, weights=weights)
