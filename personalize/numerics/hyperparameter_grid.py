"""Gaussian process of the taste model at all points of its hyperparameter grid; `taste.py` defines the model.

One eigendecomposition covers the whole grid. NumPy only.

References:
    Rasmussen & Williams, Gaussian Processes for Machine Learning, MIT Press 2006, sections 2.7, 5.4; Geisser & Eddy 1979 (weights from
    left-out predictions).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Float

INTERCEPT = 1.0  # prior variance of m, in units of the standardised ratings
LEAST_ERROR = 0.01  # mean squared left-out error below which a point earns no more credit: a few ratings can be met by chance


@dataclass(frozen=True)
class Hyperprior:
    """A grid over (c, v_b with v_h, v_f, v_n) and the prior probability of each point, before a rater's first rating."""

    trust: Float[np.ndarray, "c"]  # c: slope of the ratings over the generic score
    base: Float[np.ndarray, "b"]  # v_b: variance of that slope between raters
    head: Float[np.ndarray, "b"]  # v_h: variance of the coefficient of each task head; one value for each of v_b
    feature: Float[np.ndarray, "f"]  # v_f: variance of the weights of the other features
    noise: Float[np.ndarray, "n"]  # v_n: noise variance of a rater's own ratings; 1 is all noise
    weights: Float[np.ndarray, "b f n c"]  # sum to 1
    heads: int = 0  # features after the generic score that are scores of task heads, and have the variance v_h

    AXES: ClassVar = ("trust", "base", "head", "feature", "noise", "weights")  # names of the arrays, in this order

    @classmethod
    def flat(cls, heads: int = 0) -> "Hyperprior":
        """The grid with equal weights."""
        axes = np.array(TRUST), np.array(BASE), np.array(HEAD), np.array(FEATURE), np.array(NOISE)
        shape = len(BASE), len(FEATURE), len(NOISE), len(TRUST)
        return cls(*axes, np.full(shape, 1 / np.prod(shape)), heads)


TRUST = (0.05, 0.2, 0.5)
BASE = (0.003,)
HEAD = (0.001,)
FEATURE = (0.15, 0.4, 1.1)
NOISE = (0.25, 0.5, 0.8)


class HyperparameterGrid:
    """One rater's rated photos and ratings at every point of the grid.

    K = A + B B^T with A = v_f Phi Phi^T + v_n I and B = (sqrt(v_b) s, 1, sqrt(v_h) H, L), H the scores of the task heads, L the population
    scores: A is diagonal in the eigenbasis U of Phi Phi^T, B has few columns (Woodbury). Arrays over the grid have the axes (b, f, n, c);
    arrays that depend on A only have (f, n).
    """

    def __init__(self, features: np.ndarray, ratings: np.ndarray, hyperprior: Hyperprior, tastes: np.ndarray) -> None:
        self.hyperprior, self.heads = hyperprior, hyperprior.heads
        self.s, self.h, self.phi, self.z = features[:, 0], features[:, 1 : 1 + self.heads], features[:, 1 + self.heads :], ratings
        values, self.u = _eigen(self.phi)
        noise = hyperprior.noise[None, :, None]
        self.d = 1 / (hyperprior.feature[:, None, None] * values + noise)  # (f, n, k): A^-1 within the span of U
        self.beyond = 1 / hyperprior.noise  # (n): A^-1 outside the span of U
        self.log_det_a = -np.log(self.d).sum(axis=2) + (len(ratings) - len(values)) * np.log(hyperprior.noise)
        self.columns = np.concatenate([[self.z, self.s, np.ones_like(self.z)], self.h.T, tastes.T])  # z, s, 1, H, L
        self.inside = self.columns @ self.u  # their coordinates (columns, k)
        outside = self.columns @ self.columns.T - self.inside @ self.inside.T
        pairs = self.inside[:, None, :] * self.inside[None, :, :]
        # gram[f, n, i, j] = v_i^T A^-1 v_j for the vectors z, s, 1, H, L
        self.gram = np.tensordot(self.d, pairs, axes=(2, 2)) + outside[None, None] * self.beyond[None, :, None, None]

    @cached_property
    def _scale(self) -> np.ndarray:
        """(b, columns of B): B = (s, 1, H, L) times these."""
        points, tastes = len(self.hyperprior.base), len(self.columns) - 3 - self.heads
        own = np.stack([np.sqrt(self.hyperprior.base), np.full(points, np.sqrt(INTERCEPT))], axis=1)
        heads = np.repeat(np.sqrt(self.hyperprior.head)[:, None], self.heads, axis=1)
        return np.concatenate([own, heads, np.ones((points, tastes))], axis=1)

    @cached_property
    def _inner(self) -> np.ndarray:
        """(b, f, n, B, B): M = I + B^T A^-1 B."""
        scale = self._scale[:, None, None]
        return scale[..., :, None] * self.gram[None, :, :, 1:, 1:] * scale[..., None, :] + np.eye(self._scale.shape[1])

    @cached_property
    def _against(self) -> np.ndarray:
        """(b, f, n, c, B): B^T A^-1 r for r = z - c s."""
        gram = self.gram[:, :, None, 1:]
        return self._scale[:, None, None, None] * (gram[..., 0] - self.hyperprior.trust[:, None] * gram[..., 1])[None]

    @cached_property
    def _explained(self) -> np.ndarray:
        """(b, f, n, c, B): h = M^-1 B^T A^-1 r, so that K^-1 r = A^-1 (r - B h)."""
        return np.linalg.solve(self._inner[:, :, :, None], self._against[..., None])[..., 0]

    @cached_property
    def log_likelihood(self) -> np.ndarray:
        c, gram = self.hyperprior.trust, self.gram[:, :, :, :, None]
        quadratic = (gram[:, :, 0, 0] - 2 * c * gram[:, :, 0, 1] + c * c * gram[:, :, 1, 1])[None]  # r^T A^-1 r
        quadratic = quadratic - (self._against * self._explained).sum(axis=-1)  # r^T K^-1 r
        log_det = self.log_det_a + np.linalg.slogdet(self._inner)[1]
        return -0.5 * (quadratic + log_det[..., None] + len(self.z) * np.log(2 * np.pi))

    @cached_property
    def log_credit(self) -> np.ndarray:
        """How well each point explains the ratings, before the hyperprior: the mean of log evidence and log leave-one-out score.

        The score is -n/2 log(mean squared left-out error). The evidence alone finds ratings noisier than they are where tastes are not
        linear in the features; the score alone is uncertain with few ratings. See docs/decisions/taste-model.md.
        """
        gap, _ = self._left_out
        score = -0.5 * len(self.z) * np.log((gap**2).mean(axis=-1) + LEAST_ERROR)
        return 0.5 * (self.log_likelihood + score)

    @cached_property
    def _weighted(self) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return self.log_credit + np.log(self.hyperprior.weights)

    @cached_property
    def posterior(self) -> np.ndarray:
        weights = np.exp(self._weighted - self._weighted.max())
        return np.asarray(weights / weights.sum())

    @cached_property
    def _solved(self) -> np.ndarray:
        """(f, n, columns, photos): A^-1 of z, s, 1, H and L."""
        return (self.d[:, :, None] * self.inside) @ self.u.T + (self.columns - self.inside @ self.u.T) * self.beyond[None, :, None, None]

    @cached_property
    def _inverse(self) -> np.ndarray:
        return np.linalg.inv(self._inner)

    @cached_property
    def _half(self) -> np.ndarray:
        """(b, f, n, B, photos): B^T A^-1."""
        return self._scale[:, None, None][..., None] * self._solved[None, :, :, 1:]

    @cached_property
    def _left_out(self) -> tuple[np.ndarray, np.ndarray]:
        """Rating minus its left-out prediction (b, f, n, c, photos), and the diagonal of K^-1 (b, f, n, photos).

        Closed form (Rasmussen & Williams, equation 5.12).
        """
        own = self.d @ (self.u**2).T + (1 - (self.u**2).sum(axis=1)) * self.beyond[None, :, None]
        own = own[None] - ((self._inverse @ self._half) * self._half).sum(axis=3)
        return (self._mixture() @ self._solved[None]) / own[:, :, :, None], own

    def _mixture(self) -> np.ndarray:
        """(b, f, n, c, columns): coefficients of r - B h over z, s, 1, H and L."""
        h = self._explained
        c = np.broadcast_to(self.hyperprior.trust, h.shape[:-1])
        scaled = self._scale[:, None, None, None] * h
        own = np.stack([np.ones_like(c), -c - scaled[..., 0], -scaled[..., 1]], axis=-1)
        return np.concatenate([own, -scaled[..., 2:]], axis=-1)

    def weights(self, posterior: np.ndarray) -> np.ndarray:
        """Posterior mean of (c + w, coefficients of the heads, a), averaged over the grid."""
        mix = self._mixture()
        along = np.einsum("bfnc,f,bfnci->fni", posterior, self.hyperprior.feature, mix)
        inside = np.einsum("fni,fnk,ik->k", along, self.d, self.inside)  # U^T (v_f A^-1 (r - B h))
        solved = np.einsum("bfnc,bfnci,fnij->bj", posterior, mix, self.gram, optimize=True)  # v^T K^-1 r for the vectors z, s, 1, H, L
        trust = (posterior * self.hyperprior.trust).sum() + self.hyperprior.base @ solved[:, 1]
        heads = self.hyperprior.head @ solved[:, 3 : 3 + self.heads]
        return np.concatenate([[trust], heads, self.phi.T @ (self.u @ inside)])

    def population_weights(self, posterior: np.ndarray) -> np.ndarray:
        """1 for the mean, then the posterior mean of b: L^T K^-1 r, averaged over the grid."""
        tastes = np.einsum("bfnc,bfnci,fnij->j", posterior, self._mixture(), self.gram[:, :, :, 3 + self.heads :], optimize=True)
        return np.concatenate([[1.0], tastes])

    def leave_one_out(self) -> np.ndarray:
        """Score of each rated photo by the model of all other ratings, without m; grid points are weighted by the other ratings too.

        The intercept is excluded: without a high rating the remaining ratings have a lower mean, so it would rank a photo low because its
        rating is high.
        """
        gap, own = self._left_out
        against_ones = self._scale[:, None, None] * self.gram[None, :, :, 1:, 2]
        ones = self._solved[None, :, :, 2] - ((against_ones[..., None, :] @ self._inverse) @ self._half)[..., 0, :]  # K^-1 1
        own, ones = own[:, :, :, None], ones[:, :, :, None]
        intercept = INTERCEPT * ((gap * own).sum(axis=-1, keepdims=True) - ones * gap)
        predicted = self.z - gap - intercept
        log_density = 0.5 * np.log(own / (2 * np.pi)) - 0.5 * gap * gap * own
        weighted = self._weighted[..., None] - log_density
        weighted = np.exp(weighted - weighted.max(axis=(0, 1, 2, 3)))
        return (weighted * predicted).sum(axis=(0, 1, 2, 3)) / weighted.sum(axis=(0, 1, 2, 3))


def _eigen(phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (k) and eigenvectors (ratings, k) of Phi Phi^T, from the smaller of the two Gram matrices."""
    ratings, features = phi.shape
    if ratings <= features:
        values, u = np.linalg.eigh(phi @ phi.T)
        return np.maximum(values, 0), u
    values, v = np.linalg.eigh(phi.T @ phi)
    kept = values > values[-1] * 1e-10
    return values[kept], phi @ (v[:, kept] / np.sqrt(values[kept]))
