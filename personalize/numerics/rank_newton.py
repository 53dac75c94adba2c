"""Newton's method for the convex problem of an exact fit: rank loss of linear scores plus a quadratic penalty. NumPy only."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

FOLDS = 10
ITERATIONS = 100
BISECTIONS = 24
WEAKEST, STRONGEST = np.log(1e-8), np.log(1e8)  # range of the log of the extra penalty that bounds a step
SHORTEST = 1e-10  # step of the line search; below it, rounding errors dominate


def rank_loss(scores: Float[np.ndarray, "n"], ratings: Float[np.ndarray, "n"]) -> float:
    """Mean of -log sigma(s_i - s_j) over all pairs with rating i above rating j; 0 where all ratings are equal (Bradley & Terry 1952)."""
    above = ratings[:, None] > ratings[None, :]
    gaps = (scores[:, None] - scores[None, :])[above]
    return float(np.logaddexp(0, -gaps).mean()) if gaps.size else 0.0


def derivatives(scores: Float[np.ndarray, "n"], ratings: Float[np.ndarray, "n"]) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n n"]]:
    """Gradient and Hessian of the rank loss in the scores.

    dL/ds_i = (-sum_j sigma(s_j - s_i) over j ranked below i + sum_j sigma(s_i - s_j) over j ranked above i) / pairs.
    """
    above = ratings[:, None] > ratings[None, :]
    pairs = max(int(above.sum()), 1)
    wrong = np.where(above, 1 / (1 + np.exp(np.clip(scores[:, None] - scores[None, :], -500, 500))), 0) / pairs
    curvature = wrong * (1 - wrong * pairs)
    curvature = curvature + curvature.T
    return wrong.sum(axis=0) - wrong.sum(axis=1), np.diag(curvature.sum(axis=1)) - curvature


def minimise(
    scores: Float[np.ndarray, "n"],
    slopes: Float[np.ndarray, "n p"],
    ratings: Float[np.ndarray, "n"],
    here: Float[np.ndarray, "p"],
    centre: Float[np.ndarray, "p"],
    strength: float,
) -> Float[np.ndarray, "p"]:
    """argmin over beta of rank_loss(scores + slopes (beta - here)) + strength / 2 ||beta - centre||^2, by Newton's method in the dual.

    The minimum is centre + slopes^T u with `strength` u = -dL/ds: n unknowns instead of p. The problem is strictly convex, so it is unique.
    """
    kernel = slopes @ slopes.T
    base = scores + slopes @ (centre - here)
    dual = np.zeros(len(scores))

    def value(u: np.ndarray) -> float:
        return rank_loss(base + kernel @ u, ratings) + 0.5 * strength * float(u @ kernel @ u)

    current = value(dual)
    for _ in range(ITERATIONS):
        gradient, hessian = derivatives(base + kernel @ dual, ratings)
        away = gradient + strength * dual
        direction = -np.linalg.solve(hessian @ kernel + strength * np.eye(len(dual)), away)
        step = 1.0
        while step > SHORTEST and not (ahead := value(dual + step * direction)) < current:
            step /= 2
        if step <= SHORTEST:
            break
        dual, gained, current = dual + step * direction, current - ahead, ahead
        if gained < 1e-12 * max(current, 1e-12):
            break
    return centre + slopes.T @ dual


def minimise_within(
    scores: Float[np.ndarray, "n"],
    slopes: Float[np.ndarray, "n p"],
    ratings: Float[np.ndarray, "n"],
    here: Float[np.ndarray, "p"],
    centre: Float[np.ndarray, "p"],
    strength: float,
    reach: float,
) -> Float[np.ndarray, "p"]:
    """The same with ||beta - here|| <= `reach`: bisection finds the extra penalty towards `here` that this takes."""
    there = minimise(scores, slopes, ratings, here, centre, strength)
    if np.linalg.norm(there - here) <= reach:
        return there
    low, high = WEAKEST, STRONGEST
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        pull = strength + np.exp(middle)
        there = minimise(scores, slopes, ratings, here, (strength * centre + (pull - strength) * here) / pull, pull)
        low, high = (middle, high) if np.linalg.norm(there - here) > reach else (low, middle)
    return there


def cross_validated(
    scores: Float[np.ndarray, "n"],
    slopes: Float[np.ndarray, "n p"],
    ratings: Float[np.ndarray, "n"],
    strengths: Sequence[float],
    rng: np.random.Generator,
) -> float:
    """The strength with the lowest cross-validated rank loss, averaged over pairs of a left-out rating and any other rating.

    The scores of both photos of a pair come from the fit without the fold. The strongest wins ties, and where all ratings are equal.
    """
    n = len(ratings)
    folds = np.array_split(rng.permutation(n), min(FOLDS, n))
    origin = np.zeros(slopes.shape[1])
    losses = []
    for strength in strengths:
        total, pairs = 0.0, 0
        for left in folds:
            kept = np.setdiff1d(np.arange(n), left)
            change = minimise(scores[kept], slopes[kept], ratings[kept], origin, origin, strength)
            predicted = scores + slopes @ change
            between = np.isin(np.arange(n), left)
            mixed = (ratings[:, None] > ratings[None, :]) & (between[:, None] | between[None, :])
            total += np.logaddexp(0, (predicted[None, :] - predicted[:, None])[mixed]).sum()
            pairs += int(mixed.sum())
        losses.append(total / max(pairs, 1))
    return max(strength for strength, loss in zip(strengths, losses, strict=True) if loss <= min(losses))
