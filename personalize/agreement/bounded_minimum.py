"""Minimum of a smooth function of a few numbers between bounds: BFGS with projected steps.

References:
    Nocedal & Wright, Numerical optimization, 2006, sections 3.1, 6.1, 16.7.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

ROUNDS, HALVINGS = 100, 30
LONGEST_STEP = 2.0
SLOPE, CHANGE = 1e-4, 1e-9  # gradient, and relative change of the value, that end the search


@dataclass(frozen=True)
class Minimum:
    x: Float[np.ndarray, "n"]
    value: float
    converged: bool


Objective = Callable[[Float[np.ndarray, "n"]], tuple[float, Float[np.ndarray, "n"]]]  # value and gradient


def minimise(
    objective: Objective, start: Float[np.ndarray, "n"], bounds: tuple[float, float], curvature: Float[np.ndarray, "n"]
) -> Minimum:
    """Search from `start`; `curvature` is a first guess of the second derivatives."""
    x = np.clip(start, *bounds)
    value, gradient = objective(x)
    inverse = np.diag(1 / curvature)
    for _ in range(ROUNDS):
        free = ~(((x <= bounds[0]) & (gradient > 0)) | ((x >= bounds[1]) & (gradient < 0)))
        if not free.any() or np.abs(gradient[free]).max() < SLOPE:
            return Minimum(x, value, True)
        step = np.zeros_like(x)
        step[free] = -inverse[np.ix_(free, free)] @ gradient[free]
        if step @ gradient >= 0:  # curvature information from another set of bounds
            inverse = np.diag(1 / curvature)
            step = np.where(free, -gradient / curvature, 0.0)
        step *= min(1.0, LONGEST_STEP / np.abs(step).max())
        for halving in range(HALVINGS):
            tried = np.clip(x + step * 0.5**halving, *bounds)
            new_value, new_gradient = objective(tried)
            if new_value <= value + 1e-4 * float(gradient @ (tried - x)):
                break
        else:
            return Minimum(x, value, bool(np.abs(gradient[free]).max() < 100 * SLOPE))
        moved, change = tried - x, new_gradient - gradient
        stopped = abs(value - new_value) <= CHANGE * (1 + abs(value)) and np.abs(new_gradient[free]).max() < 100 * SLOPE
        x, value, gradient = tried, new_value, new_gradient
        if stopped:
            return Minimum(x, value, True)
        curved = float(moved @ change)
        if curved > 1e-10:
            left = np.eye(len(x)) - np.outer(moved, change) / curved
            inverse = left @ inverse @ left.T + np.outer(moved, moved) / curved
    return Minimum(x, value, False)
