"""Hyperprior of the taste model, learned from other raters' ratings: one for an installation, or one to ship with a bank."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import Hyperprior

RatedFeatures = tuple[Float[np.ndarray, "ratings features"], Float[np.ndarray, "ratings"]]  # of one rater
WORTH = 10.0  # raters: what the hyperprior before the ratings counts
FLOOR = 10.0  # of a shipped hyperprior: how much equal weights count, where one learned from each catalogue counts 1
ROUNDS = 200


@dataclass(frozen=True)
class CatalogueRaters:
    """Raters of one catalogue of photos, with its features."""

    raters: Sequence[RatedFeatures]
    heads: int  # task heads among the features


def learn_hyperprior(raters: Sequence[RatedFeatures], start: Hyperprior) -> Hyperprior:
    """Probability of each point of the grid for another rater of the same catalogue, by expectation maximisation.

    Each rater belongs to one unknown point of the grid; the weight of a point is the expected share of raters there. `start` counts
    as `WORTH` raters, so that a few raters change little. Raters whose ratings are all equal carry no information and are left out.

    References:
        Dempster, Laird & Rubin 1977.
    """
    credit = [taste.log_credit(features, ratings, start) for features, ratings in raters if np.std(ratings) > 0]
    if not credit:
        return start
    likelihood = np.stack([np.exp(one - one.max()) for one in credit])
    weights = start.weights
    for _ in range(ROUNDS):
        shares = likelihood * weights
        shares /= shares.sum(axis=(1, 2, 3, 4), keepdims=True)
        weights = (shares.sum(axis=0) + WORTH * start.weights) / (len(credit) + WORTH)
    return replace(start, weights=weights)


def learn_shipped(catalogues: Sequence[CatalogueRaters]) -> Hyperprior:
    """A hyperprior for catalogues not seen yet: each of these counts the same, however many raters it has, and equal weights count most.

    What suits one kind of photos misleads on another, so that only what several catalogues agree on stands out.
    """
    flat = Hyperprior.flat()
    learned = [learn_hyperprior(one.raters, Hyperprior.flat(one.heads)).weights for one in catalogues]
    return replace(flat, weights=(sum(learned, FLOOR * flat.weights)) / (len(learned) + FLOOR))
