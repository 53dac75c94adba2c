"""What task vectors say of a rater: the share of the change in the ranking that each one explains, with its interval. NumPy only.

An exact fit moves a rater's coefficients from the start, which all raters share, and with them the scores of photos. Near the fit, that
change is d = J delta, with J the tangents of the rated photos and delta the moved coefficients, one for each block and task. A task vector
as a whole would change the scores by g_t, the sum of its tangents over the blocks. Regression of d on all g_t gives a coefficient beta_t
for each task vector: what a rater has more, or less, of it. Its share is the part of the variance of d that no other task vector explains.
All three are without their part along the scores at the start: a rater whose ratings are mostly noise pulls all scores together, which
changes no ranking.

The rank loss is a mean over pairs, worth as many observations as there are ratings, and the penalty is a Gaussian prior around the start.
So the posterior of delta is nearly Gaussian (Laplace), with covariance (J^T H J + strength I)^-1 / n and H the Hessian of the loss in the
scores. The directions g_t do not depend on the ratings, so a rater without a taste seldom seems to have one. A task vector is named only
where its beta_t differs from zero, with an error of 5 % for all task vectors together (Bonferroni).

References:
    Rasmussen & Williams, Gaussian Processes for Machine Learning, MIT Press 2006, section 3.4 (Laplace); Cohen & Cohen, Applied Multiple
    Regression, 1975 (squared semipartial correlation).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from personalize.numerics.rank_newton import derivatives

ERROR = 0.05  # probability that any task vector is named for a rater without a taste
DRAWS = 2000  # of the posterior, for the interval of a share
LEAST_OWN = 1e-6  # part of the squared length of g_t that start and other task vectors leave; with less, they cannot be told apart


@dataclass(frozen=True)
class TaskShare:
    """What one task vector says of a rater."""

    coefficient: float  # more of the task vector than the start has; negative: less. 1 is the whole task vector
    sd: float  # posterior standard deviation
    share: float  # of the change in the ranking, 0 to 1: median over the posterior
    low: float  # 95 % interval of the share
    high: float


def task_shares(
    tasks: Sequence[str],
    start: Float[np.ndarray, "n"],
    scores: Float[np.ndarray, "n"],
    slopes: Float[np.ndarray, "n blocks tasks"],
    ratings: Float[np.ndarray, "n"],
    moved: Float[np.ndarray, "blocks tasks"],
    strength: float,
    seed: int = 0,
) -> dict[str, TaskShare]:
    """By name, the task vectors of which the posterior supports that the rater has more or less of them than the start.

    `start` are the scores of the rated photos at the start, `scores` and `slopes` those at the rater's coefficients, `moved` these
    coefficients minus the start. `strength` is the penalty of the fit. Empty where nothing can be said.
    """
    free = _without_mean_and(start)
    flat = slopes.reshape(len(scores), -1)
    change, whole = free @ flat @ moved.ravel(), free @ slopes.sum(axis=1)
    spread = free @ _covariance(flat, derivatives(scores, ratings)[1], strength) @ free
    if len(scores) <= len(tasks) + 2 or not change.any():
        return {}
    regression = np.linalg.pinv(whole)  # beta = regression @ d
    means = regression @ change
    deviations = np.sqrt(np.maximum(np.einsum("tn,nm,tm->t", regression, spread, regression), 0))
    least = NormalDist().inv_cdf(1 - ERROR / 2 / len(tasks))
    own = 1 / np.maximum((regression**2).sum(axis=1), np.finfo(float).tiny)  # squared length of g_t beyond all others
    drawn = change + np.random.default_rng(seed).normal(size=(DRAWS, len(scores))) @ _root(spread).T
    lengths = (drawn**2).sum(axis=1)
    shares = (drawn @ regression.T) ** 2 * own / np.maximum(lengths, np.finfo(float).tiny)[:, None]
    found = {}
    for place, task in enumerate(tasks):
        is_own = LEAST_OWN < own[place] / (slopes.sum(axis=1)[:, place] ** 2).sum() <= 1
        if is_own and abs(means[place]) > least * deviations[place]:
            low, middle, high = np.quantile(shares[:, place], (0.025, 0.5, 0.975))
            found[task] = TaskShare(*(round(float(one), 4) for one in (means[place], deviations[place], middle, low, high)))
    return found


def _without_mean_and(start: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n n"]:
    """Projection that takes away the mean and the part along `start`: neither changes a ranking."""
    fixed, _ = np.linalg.qr(np.stack([np.ones_like(start), start], axis=1))
    return np.eye(len(start)) - fixed @ fixed.T


def _covariance(slopes: Float[np.ndarray, "n p"], hessian: Float[np.ndarray, "n n"], strength: float) -> Float[np.ndarray, "n n"]:
    """J (J^T H J + strength I)^-1 J^T / n, by n unknowns instead of p: K (strength I + H K)^-1 / n with K = J J^T."""
    kernel, n = slopes @ slopes.T, len(slopes)
    inside = np.linalg.solve((strength * np.eye(n) + hessian @ kernel).T, kernel.T).T / n
    return (inside + inside.T) / 2


def _root(covariance: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))
