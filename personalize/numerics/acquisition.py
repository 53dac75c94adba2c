"""Which photo to deal next: the one whose rating would tell most about the order of all others.

For a Gaussian posterior the gain of asking about photo x is known before the answer: rating x lowers the variance of photo j's score by
cov(j, x)^2 / (var(x) + noise). Summed over a sample of the catalogue, with what moves all photos alike left out (it changes no order),
that is the expected gain. Cards are chosen one after the other, each updating the covariance as if its rating were in already, so a
hand of cards does not ask the same thing five times.

The posterior that cards are chosen by is bolder than the one that is fitted: it takes personal features to
matter a good deal. The fitted one has learned that most people differ little from everybody, so it asks about the few photos whose
features are largest; those are not the ones that tell tastes apart. `docs/choosing.md` has the comparison, by `./pav replay`.

References:
    Seo, Wallat, Graepel & Obermayer, IJCNN 2000 (integrated variance reduction); Rasmussen & Williams 2006, equation 2.26.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from personalize.numerics.taste import Covariance

EXPLORE = 0.2  # share of cards dealt at random, so that no photo is out of reach and studies can weight by propensity
# The prior that cards are chosen by: picked on the teaching half of the OASIS raters; anything from 0.4 to 20 did as well.
BOLD_BASE = 0.003  # variance of the slope over the generic score
BOLD_FEATURE = 0.4  # variance of a feature's weight


@dataclass(frozen=True)
class Choice:
    """One card to deal, and why."""

    index: int  # into the candidates
    algorithm: Literal["teach", "explore"]
    gain: float  # mean drop of the score variance over the sample; 0 for explored cards
    propensity: float  # probability of being dealt by exploration alone


@dataclass(frozen=True)
class Bolder:
    """Posterior covariance of the weights under another prior than the fitted one: diag(prior) - told inner^-1 told^T.

    Nothing as large as the weights is solved for: only as many right sides as there are photos to choose from.
    """

    noise: float
    prior: Float[np.ndarray, "features"]
    told: Float[np.ndarray, "features rank"]
    inner: Float[np.ndarray, "rank rank"]

    def between(self, a: Float[np.ndarray, "m features"], b: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "m n"]:
        """Posterior covariance of the scores of photos `a` with those of photos `b`."""
        left = a @ self.told
        right = left if a is b else b @ self.told
        return (a * self.prior) @ b.T - left @ np.linalg.solve(self.inner, right.T)


def next_photos(
    covariance: Covariance,
    candidates: Float[np.ndarray, "candidates features"],
    count: int,
    rng: np.random.Generator,
    explore: float = EXPLORE,
    bold: bool = True,
    catalogue: Float[np.ndarray, "catalogue features"] | None = None,
) -> list[Choice]:
    """Choose `count` cards (fewer when there are fewer candidates) in the order to deal them.

    `candidates` is a random sample of the photos that this person has not seen. `catalogue` stands for all photos in the sum; left
    out, the candidates do. `explore` is the share of cards dealt at random. Without `bold` cards are chosen by the fitted posterior
    as it is.
    """
    total = len(candidates)
    if total == 0:
        return []
    posterior = bolder(covariance) if bold else covariance
    candidates = candidates.astype(np.float64)
    joint = posterior.between(candidates, candidates)
    onto = joint if catalogue is None else posterior.between(catalogue.astype(np.float64), candidates)  # (photos, candidates)
    left = np.ones(total, dtype=bool)
    chosen: list[Choice] = []
    for _ in range(min(count, total)):
        propensity = explore / left.sum()
        variance = np.maximum(joint.diagonal(), 0) + posterior.noise
        if rng.random() < explore:
            index, gain = int(rng.choice(np.flatnonzero(left))), 0.0
            chosen.append(Choice(index, "explore", gain, float(propensity)))
        else:
            gains = np.where(left, onto.var(axis=0) / variance, -np.inf)
            index = int(gains.argmax())
            chosen.append(Choice(index, "teach", float(gains[index]), float(propensity)))
        left[index] = False
        row = joint[index] / variance[index]
        moved = joint - np.outer(joint[:, index], row)
        joint, onto = moved, moved if onto is joint else onto - np.outer(onto[:, index], row)
    return chosen


def bolder(covariance: Covariance, base: float = BOLD_BASE, feature: float = BOLD_FEATURE) -> Bolder:
    """The posterior of the same ratings under another prior, without the ratings.

    Sigma = P - F F^T is also (P^-1 + A)^-1, where A is what the ratings tell: A = P^-1 F G^-1 F^T P^-1 with G = I - F^T P^-1 F. The other
    prior Q then gives (Q^-1 + A)^-1 = Q - H K^-1 H^T with H = Q P^-1 F and K = G + H^T Q^-1 H = I + F^T (Q P^-2 - P^-1) F.
    """
    prior = np.full(len(covariance.prior), feature)
    prior[0] = base
    ratio, factor = prior / covariance.prior, covariance.factor
    weights = (ratio - 1) / covariance.prior
    inner = np.eye(factor.shape[1])
    for sign in (1, -1):  # each as a matrix times its own transpose, which takes half the time of a product of two
        rows = np.sqrt(np.maximum(sign * weights, 0))[:, None] * factor
        rows = rows[rows.any(axis=1)]
        inner += sign * (rows.T @ rows)
    return Bolder(covariance.noise, prior, ratio[:, None] * factor, inner)
