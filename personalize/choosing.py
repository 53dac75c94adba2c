"""Which photo to deal next: the one whose rating would tell most about the order of all others.

For a Gaussian posterior the gain of asking about photo x is known before the answer: rating x lowers the variance of photo j's score by
cov(j, x)^2 / (var(x) + noise). Summed over a sample of the catalogue, with what moves all photos alike left out (it changes no order),
that is the expected gain. Cards are chosen one after the other, each updating the covariance as if its rating were in already, so a
hand of cards does not ask the same thing five times.

References:
    Seo, Wallat, Graepel & Obermayer, IJCNN 2000 (integrated variance reduction); Rasmussen & Williams 2006, equation 2.26.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from personalize.taste import Covariance

EXPLORE = 0.2  # share of cards dealt at random, so that no photo is out of reach and studies can weight by propensity


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
    catalogue: Float[np.ndarray, "catalogue features"] | None = None,
) -> list[Choice]:
    """Choose `count` cards (fewer when there are fewer candidates) in the order to deal them.

    `candidates` is a random sample of the photos that this person has not seen. `catalogue` stands for all photos in the sum; left
    out, the candidates do. `explore` is the share of cards dealt at random.
    """
    total = len(candidates)
    if total == 0:
        return []
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
