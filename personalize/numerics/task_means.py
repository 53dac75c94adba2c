"""Mean coefficients of a catalogue's raters on the task heads: the generic score that suits these photos. NumPy only.

The mean over raters of a photo's standardised rating is modelled as the heads' scores times coefficients, plus a part common to the raters
that no head explains, plus a part of its own for each photo, plus each rater's own taste and noise, which shrink with the number of raters.
The coefficients are generalised least squares with a Gaussian prior around the shipped generic score. Knowing the common part keeps them
from moving where the raters agree on what no head knows.

References:
    Rasmussen & Williams 2006, section 2.7 (linear mean with a Gaussian prior); docs/decisions/generic-score.md.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from personalize.numerics.ratings import RaterRatings

PRIOR = 0.01  # variance of a coefficient around the shipped generic score
START = 0.35  # coefficient of the shipped generic score
TASTE, COMMON = 0.7, 0.35  # variance of tastes over the axes, and the share of it that raters of one catalogue have in common
PHOTO = 0.15  # variance of what raters have in common about a photo beyond its features
NOISE = 0.6  # variance of a rater's noise
LEAST_RATERS = 3
MOST_PHOTOS = 2000  # rated by the most raters; more would only cost time


def task_means(features: Float[np.ndarray, "photos features"], heads: int, raters: Sequence[RaterRatings]) -> Float[np.ndarray, "heads"]:
    """Coefficients of the task heads, in units of standardised ratings; the first head alone below `LEAST_RATERS` raters.

    Raters whose ratings are all equal carry no information and are left out.
    """
    shipped = np.zeros(heads)
    shipped[:1] = START
    informative = [one for one in raters if len(one.ratings) and np.std(one.ratings) > 0]
    if len(informative) < LEAST_RATERS or not heads:
        return shipped
    sums, counts = np.zeros(len(features)), np.zeros(len(features))
    for one in informative:
        sums[one.photos] += (one.ratings - one.ratings.mean()) / one.ratings.std()
        counts[one.photos] += 1
    rated = np.sort(np.argsort(-counts, kind="stable")[: min(int((counts > 0).sum()), MOST_PHOTOS)])
    mean, count = sums[rated] / counts[rated], counts[rated]
    tasks, axes = features[rated, 1 : 1 + heads].astype(np.float64), features[rated, 1 + heads :].astype(np.float64)
    shared = COMMON + (1 - COMMON) / len(informative)
    covariance = TASTE * shared * axes @ axes.T + np.diag(PHOTO + NOISE / count) + 1.0  # 1: the raters' mean rating
    weighted = np.linalg.solve(covariance, tasks)
    inner = tasks.T @ weighted + np.eye(heads) / PRIOR
    return np.asarray(shipped + np.linalg.solve(inner, weighted.T @ (mean - tasks @ shipped)))


def moved(features: Float[np.ndarray, "photos features"], coefficients: Float[np.ndarray, "heads"]) -> Float[np.ndarray, "photos features"]:
    """Features whose place 0 is the generic score with these coefficients, mean 0 and SD 1 over the photos."""
    if not len(coefficients):
        return features
    score = features[:, 1 : 1 + len(coefficients)] @ coefficients
    return np.concatenate([((score - score.mean()) / (score.std() or 1))[:, None], features[:, 1:]], axis=1)
