"""Acquisition: which photo to present next, by the expected reduction of the variance of all scores.

For a Gaussian posterior the gain of a rating does not depend on its value: rating photo x lowers the variance of photo j's score by
cov(j, x)^2 / (var(x) + noise). The expected gain is the sum over a sample of the catalogue, without the part that moves all photos alike,
because that part changes no order. Photos are chosen one after the other; each choice updates the covariance as if the photo were rated
already, so the photos of one batch are not redundant.

Acquisition uses a bolder posterior than the fitted one: its prior gives personal features more variance. The fitted prior has learned
that most raters differ little from the average, so its posterior selects the few photos with the largest features, and those do not
separate tastes best. `docs/acquisition.md` compares the two with `./pav replay`.

References:
    Seo, Wallat, Graepel & Obermayer, IJCNN 2000 (integrated variance reduction); Rasmussen & Williams 2006, equation 2.26.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from personalize.numerics.taste import Covariance

EXPLORE = 0.2  # share of photos chosen at random, so that every photo can be presented and studies can weight by propensity
# The prior for acquisition: tuned on the training half of the OASIS raters; feature variances from 0.4 to 20 perform equally well.
BOLD_BASE = 0.003  # variance of the slope over the generic score
BOLD_FEATURE = 0.4  # variance of a feature's weight


@dataclass(frozen=True)
class Choice:
    """One photo to present, and why."""

    index: int  # into the candidates
    algorithm: Literal["teach", "explore"]
    gain: float  # mean drop of the score variance over the sample; 0 for explored photos
    propensity: float  # probability of being chosen by exploration alone


@dataclass(frozen=True)
class Bolder:
    """Posterior covariance of the weights under another prior than the fitted one: diag(prior) - factor inner^-1 factor^T.

    `between` solves systems of size rank, with one right-hand side per photo; none has the size of the weights.
    """

    noise: float
    prior: Float[np.ndarray, "features"]
    factor: Float[np.ndarray, "features rank"]
    inner: Float[np.ndarray, "rank rank"]

    def between(self, a: Float[np.ndarray, "m features"], b: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "m n"]:
        """Posterior covariance of the scores of photos `a` with those of photos `b`."""
        left = a @ self.factor
        right = left if a is b else b @ self.factor
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
    """Choose `count` photos (fewer when there are fewer candidates), in the order to present them.

    `candidates` is a random sample of the photos that the rater has not seen. The gain is summed over `catalogue`, by default over the
    candidates. `explore` is the share of photos chosen at random. Without `bold`, the fitted posterior is used unchanged.
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
    """The posterior of the same ratings under another prior, computed from the fitted covariance alone.

    Sigma = P - F F^T equals (P^-1 + A)^-1, where A is the information in the ratings: A = P^-1 F G^-1 F^T P^-1 with G = I - F^T P^-1 F.
    Another prior Q then gives (Q^-1 + A)^-1 = Q - H K^-1 H^T with H = Q P^-1 F and K = G + H^T Q^-1 H = I + F^T (Q P^-2 - P^-1) F.
    """
    prior = np.full(len(covariance.prior), feature)
    prior[0] = base
    ratio, factor = prior / covariance.prior, covariance.factor
    weights = (ratio - 1) / covariance.prior
    inner = np.eye(factor.shape[1])
    for sign in (1, -1):  # a matrix times its own transpose takes half the time of a general product
        rows = np.sqrt(np.maximum(sign * weights, 0))[:, None] * factor
        rows = rows[rows.any(axis=1)]
        inner += sign * (rows.T @ rows)
    return Bolder(covariance.noise, prior, ratio[:, None] * factor, inner)
