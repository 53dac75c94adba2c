"""Restricted maximum likelihood (REML) of a crossed random-effects model, on complete and incomplete data.

y = mean + sum_k Z_k u_k + cells + e, with u_k ~ N(0, theta_k s^2), cells (rater x photo) ~ N(0, theta_c s^2), e ~ N(0, s^2).

Cells are absorbed: within a cell of n ratings, (I + theta_c J)^-1 = I - rho J, rho = theta_c / (1 + n theta_c), so there is no unknown for
each cell, only one for each rater, photo, block and their pairs. With R^-1 = I - rho J, A = Z' R^-1 Z, D = diag(theta_k) and
M = I + D^1/2 A D^1/2 (the form of lme4, defined at theta = 0),

    log|H| = log|R| + log|M|,   a' H^-1 b = a' R^-1 b - (D^1/2 Z' R^-1 a)' M^-1 (D^1/2 Z' R^-1 b),   s^2 = y' P y / (N - 1),

P = H^-1 - H^-1 1 (1' H^-1 1)^-1 1' H^-1. The deviance (N - 1) log s^2 + log|H| + log(1' H^-1 1) is minimised over log theta by BFGS with
its exact gradient, tr(P Z_k Z_k') - |Z_k' P y|^2 / s^2. A theta below TINY whose zero explains the ratings as well is reported as zero.

References:
    Patterson & Thompson, Biometrika 1971; Bates, Mächler, Bolker & Walker, Fitting linear mixed-effects models using lme4, Journal of
    Statistical Software 2015; Searle, Casella & McCulloch, Variance components, 1992, chapter 6.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from personalize.agreement.bounded_minimum import minimise
from personalize.agreement.components import BLOCKED, Components
from personalize.agreement.single_ratings import SingleRatings
from personalize.progress import ProgressCallback, no_progress

MOST_UNKNOWNS = 4000  # effects whose matrix is inverted; twice as many take eight times as long
BOUNDS = (float(np.log(1e-7)), float(np.log(1e5)))  # of log theta
TINY = 1e-3  # theta that may be zero


@dataclass(frozen=True)
class RemlFit:
    """Variance components at the maximum, and how it was reached."""

    components: Components
    deviance: float  # -2 log restricted likelihood, with its constants
    evaluations: int
    converged: bool


class Reml:
    """The restricted likelihood of a set of ratings.

    `parts` are those of `components.design_of`; the residual contains all that they do not name.
    """

    def __init__(self, ratings: SingleRatings, parts: tuple[str, ...]) -> None:
        self._parts = [part for part in parts if part not in ("residual", "rater_photo")]
        self._cells = parts == BLOCKED
        levels = [_levels(ratings, part) for part in self._parts]
        self.sizes = [len(np.unique(one)) for one in levels]
        codes = np.stack([np.unique(one, return_inverse=True)[1] for one in levels])
        self._codes = codes + np.cumsum([0, *self.sizes[:-1]])[:, None]
        self._y = ratings.score - ratings.score.mean()
        self._n = len(self._y)
        self._unknowns = sum(self.sizes)
        self._gram = self._products(np.arange(self._n), np.arange(self._n))
        self._cell = ratings.cells.of_rating
        self._cell_size = ratings.cells.count
        self._by_size = self._cell_products() if self._cells else {}

    def fit(self, start: Components, progress: ProgressCallback = no_progress) -> RemlFit:
        """The components at the largest restricted likelihood, searched from `start`."""
        names = [*self._parts, *(["rater_photo"] if self._cells else [])]
        residual = max(start["residual"], 1e-6 * float(self._y.var()), 1e-300)
        first = np.log(np.clip([start[name] / residual for name in names], 1e-3, 1e3))
        curvature = np.array([*self.sizes, *([len(self._cell_size)] if self._cells else [])], dtype=float)
        calls = 0

        def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal calls
            calls += 1
            progress("fitting variance components", calls, max(calls, 12))
            deviance, gradient, _ = self.deviance(np.exp(x))
            return deviance, gradient * np.exp(x)

        found = minimise(objective, first, BOUNDS, curvature / 2)
        theta = self._without_tiny(np.exp(found.x))
        deviance, _, variance = self.deviance(theta)
        by_name = dict(zip(names, theta * variance, strict=True)) | {"residual": variance}
        components = {part: float(by_name[part]) for part in (*BLOCKED,) if part in by_name}
        return RemlFit(components, deviance, calls, found.converged)

    def _without_tiny(self, theta: np.ndarray) -> np.ndarray:
        """The search is slow near zero on the log scale: set what is small to zero, where that does not make the fit worse."""
        least = self.deviance(theta)[0] if (theta < TINY).any() else 0.0
        for place in np.flatnonzero(theta < TINY):
            tried = theta.copy()
            tried[place] = 0.0
            if (deviance := self.deviance(tried)[0]) <= least + 1e-6:
                theta, least = tried, deviance
        return theta

    def deviance(self, theta: Float[np.ndarray, "parts"]) -> tuple[float, Float[np.ndarray, "parts"], float]:
        """-2 log restricted likelihood at these ratios to the residual variance, its gradient, and the residual variance there.

        The ratio of rater x photo comes last, where the model has it. The gradient is defined for ratios above zero.
        """
        cell_theta = float(theta[-1]) if self._cells else 0.0
        ratios = theta[: len(self.sizes)]
        root = np.repeat(np.sqrt(ratios), self.sizes)
        shrunk = cell_theta / (1 + self._cell_size * cell_theta)
        gram = self._gram if not self._cells else self._gram - sum(
            cell_theta / (1 + size * cell_theta) * products for size, products in self._by_size.items()
        )  # fmt: skip
        system = root[:, None] * gram * root
        system[np.diag_indices_from(system)] += 1
        inverse = np.linalg.inv(system)
        half_log = np.log(np.diagonal(np.linalg.cholesky(system))).sum()

        def weighted(v: np.ndarray) -> np.ndarray:
            """R^-1 v."""
            return v - (shrunk * np.bincount(self._cell, v, minlength=len(shrunk)))[self._cell] if self._cells else v

        ones = np.ones(self._n)
        r_y, r_1 = weighted(self._y), weighted(ones)
        z_y, z_1 = root * self._transposed(r_y), root * self._transposed(r_1)
        m_y, m_1 = inverse @ z_y, inverse @ z_1
        one_one, one_y = float(ones @ r_1 - z_1 @ m_1), float(ones @ r_y - z_1 @ m_y)
        slope = one_y / one_one
        rest = float(self._y @ r_y - z_y @ m_y) - slope * one_y
        degrees = self._n - 1
        variance = rest / degrees
        log_h = float(np.log1p(self._cell_size * cell_theta).sum()) + 2 * half_log
        deviance = degrees * (np.log(2 * np.pi * variance) + 1) + log_h + np.log(one_one)
        safe = np.maximum(root, 1e-150)
        from_y, from_1 = m_y / safe, m_1 / safe  # Z' H^-1 y and Z' H^-1 1
        explained = (from_y - slope * from_1) ** 2 / variance
        traces = (1 - np.diagonal(inverse)) / safe**2 - from_1**2 / one_one
        parts = [float(one.sum()) for one in np.split(traces - explained, np.cumsum(self.sizes)[:-1])]
        if self._cells:
            parts.append(self._cell_gradient(cell_theta, root, inverse, m_y - slope * m_1, m_1, slope, one_one, variance))
        return float(deviance), np.array(parts), variance

    def _cell_gradient(
        self,
        theta: float,
        root: np.ndarray,
        inverse: np.ndarray,
        m_p: np.ndarray,
        m_1: np.ndarray,
        slope: float,
        one_one: float,
        variance: float,
    ) -> float:
        """Derivative with respect to the ratio of rater x photo; sums over cells c of 1_c' H^-1 1_c and (1_c' P y)^2."""
        size = self._cell_size
        spread = (root[:, None] * inverse) * root
        trace = float((size / (1 + theta * size)).sum())
        trace -= sum(float((spread * products).sum()) / (1 + n * theta) ** 2 for n, products in self._by_size.items())

        def by_cell(v: np.ndarray, effects: np.ndarray) -> np.ndarray:
            left = v - (root * effects)[self._codes].sum(axis=0)
            return np.bincount(self._cell, left, minlength=len(size)) / (1 + theta * size)

        explained = by_cell(self._y - slope, m_p)
        ones = by_cell(np.ones(self._n), m_1)
        return trace - float(ones @ ones) / one_one - float(explained @ explained) / variance

    def _transposed(self, v: np.ndarray) -> np.ndarray:
        """Z' v."""
        return np.sum([np.bincount(code, v, minlength=self._unknowns) for code in self._codes], axis=0)

    def _products(self, first: Int[np.ndarray, "pairs"], second: Int[np.ndarray, "pairs"]) -> Float[np.ndarray, "q q"]:
        """Sum over pairs of ratings of the products of their rows of Z."""
        total = np.zeros(self._unknowns**2)
        for one in self._codes:
            for other in self._codes:
                places, counts = np.unique(one[first] * self._unknowns + other[second], return_counts=True)
                total[places] += counts
        return total.reshape(self._unknowns, self._unknowns)

    def _cell_products(self) -> dict[float, Float[np.ndarray, "q q"]]:
        """For each size of a cell, sum over the cells of z_c z_c', z_c being the sum of their rows of Z."""
        order = np.argsort(self._cell, kind="stable")
        found = {}
        for size in np.unique(self._cell_size):
            members = order[self._cell_size[self._cell[order]] == size].reshape(-1, int(size))
            n = int(size)
            first, second = np.repeat(members, n, axis=1).ravel(), np.tile(members, (1, n)).ravel()
            found[float(size)] = self._products(first, second)
        return found


def _levels(ratings: SingleRatings, part: str) -> Int[np.ndarray, "ratings"]:
    """Number of the level of a part that each rating has."""
    block = ratings.block if ratings.block is not None else np.zeros(len(ratings), dtype=np.int64)
    return {
        "photo": ratings.photo,
        "rater": ratings.rater,
        "block": block,
        "block_rater": ratings.rater * len(ratings.blocks) + block,
        "block_photo": ratings.photo * len(ratings.blocks) + block,
    }[part]


def unknowns(ratings: SingleRatings, parts: tuple[str, ...]) -> int:
    """Number of effects in the model, of which `MOST_UNKNOWNS` is the limit."""
    return sum(len(np.unique(_levels(ratings, part))) for part in parts if part not in ("residual", "rater_photo"))
