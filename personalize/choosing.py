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

from personalize.taste import Covariance

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


def next_cards(
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
    covariance = bolder(covariance) if bold else covariance
    candidates = candidates.astype(np.float64)
    joint = covariance.between(candidates, candidates)
    onto = joint if catalogue is None else covariance.between(catalogue.astype(np.float64), candidates)  # (photos, candidates)
    left = np.ones(total, dtype=bool)
    chosen: list[Choice] = []
    for _ in range(min(count, total)):
        propensity = explore / left.sum()
        variance = np.maximum(joint.diagonal(), 0) + covariance.noise
        if rng.random() < explore:
            index, gain = int(rng.choice(np.flatnonzero(left))), 0.0
            chosen.append(Choice(index, "explore", gain, float(propensity)))
        else:
            gains = np.where(left, onto.var(axis=0) / variance, -np.inf)
            index = int(gains.argmax())
            chosen.append(Choice(index, "teach", float(gains[index]), float(propensity)))
        left[index] = False
        row = joint[index] / variance[index]
        joint, onto = joint - np.outer(joint[:, index], row), onto - np.outer(onto[:, index], row)
    return chosen


def bolder(covariance: Covariance, base: float = BOLD_BASE, feature: float = BOLD_FEATURE) -> Covariance:
    """The posterior of the same ratings under another prior, without the ratings.

    Sigma = P - F F^T is also (P^-1 + A)^-1, where A is what the ratings tell: A = B B^T with B = P^-1 F L^-T and
    L L^T = I - F^T P^-1 F. The other prior Q then gives (Q^-1 + A)^-1 = Q - Q B (I + B^T Q B)^-1 B^T Q.
    """
    prior = np.full(len(covariance.prior), feature)
    prior[0] = base
    scaled = covariance.factor / covariance.prior[:, None]
    rank = covariance.factor.shape[1]
    half = np.linalg.cholesky(np.eye(rank) - covariance.factor.T @ scaled)
    told = np.linalg.solve(half, scaled.T).T * prior[:, None]  # Q B
    inner = np.linalg.cholesky(np.eye(rank) + told.T @ (told / prior[:, None]))
    return Covariance(covariance.noise, prior, np.linalg.solve(inner, told.T).T)
