"""Population prior: the mean rating and low-rank tastes of each photo, learned from many raters by EM. NumPy only.

A rater's standardised rating of photo i is c s_i + mu_i + L_i . b + (the rater's own weights over the features) + noise, with
b ~ N(0, I). The mean is mu = Phi m + e: what the features predict with m, the prior mean of all raters' weights, plus a residual per photo,
e_i ~ N(0, t^2). L_i is free for each photo. The ratings determine the variances of e and L; an unrated photo has e_i = 0, L_i = 0.

References:
    Dempster, Laird & Rubin 1977 (EM); Tipping & Bishop 1999 (probabilistic principal components); Salakhutdinov & Mnih 2008 (gaps).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from personalize.errors import TooFewRatings
from personalize.numerics.ratings import RaterRatings

LEAST_RATERS = 20  # with fewer, a shared taste cannot be told from chance
ROUNDS = 30
SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)  # of the variance of mu that the features may explain


@dataclass(frozen=True)
class PopulationPrior:
    """Mean rating and tastes of each photo, in units of standardised ratings."""

    mean: Float[np.ndarray, "photos"]
    factors: Float[np.ndarray, "photos rank"]
    weights: Float[np.ndarray, "features"]  # m: the mean of a photo outside the catalogue is its projected features . m
    rater_count: int

    @property
    def scores(self) -> Float[np.ndarray, "photos columns"]:
        """Mean and factors side by side, as `taste.fit` takes them."""
        return np.concatenate([self.mean[:, None], self.factors], axis=1)


def learn(
    features: Float[np.ndarray, "photos features"], raters: Sequence[RaterRatings], rank: int = 1, seed: int = 0, heads: int = 0
) -> PopulationPrior:
    """Learn from raters' ratings of a catalogue (features as stored: the standardised generic score, then the projected features).

    The weights of the `heads` task heads are zero: `task_means` moves those, for all raters. Raters whose ratings are all equal carry no
    information and are left out.

    Raises:
        TooFewRatings: fewer than `LEAST_RATERS` raters remain.
    """
    informative = [one for one in raters if len(one.ratings) and np.std(one.ratings) > 0]
    if len(informative) < LEAST_RATERS:
        raise TooFewRatings(f"{len(informative)} raters are too few: {LEAST_RATERS} are needed.")
    rater = np.concatenate([np.full(len(one.photos), number) for number, one in enumerate(informative)])
    photo = np.concatenate([one.photos for one in informative])
    rating = np.concatenate([(one.ratings - one.ratings.mean()) / one.ratings.std() for one in informative])
    shown = features[photo, 0]
    residual = rating - shown * float(shown @ rating) / float(shown @ shown)
    mean, weights, noise = _means(photo, residual, features[:, 1 + heads :])
    factors = _factors(rater, photo, residual - mean[photo], noise, (len(informative), len(features), rank), np.random.default_rng(seed))
    return PopulationPrior(mean, factors, np.concatenate([np.zeros(heads), weights]), len(informative))


def _means(photo: np.ndarray, residual: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Posterior means of mu for every photo and of m, and the noise. EM finds the variances; evidence splits them between Phi m and e."""
    photos = len(phi)
    counts, sums = np.bincount(photo, minlength=photos), np.bincount(photo, residual, minlength=photos)
    seen = counts > 0
    between, noise = 0.5 * residual.var(), 0.5 * residual.var()
    for _ in range(ROUNDS):
        variance = 1 / (1 / between + counts / noise)
        mean = variance * sums / noise
        between = float((mean**2 + variance)[seen].mean())
        noise = float(((residual - mean[photo]) ** 2 + variance[photo]).mean())
    average, unsure = sums[seen] / counts[seen], noise / counts[seen]
    length = float((phi[seen] ** 2).sum(axis=1).mean()) or 1.0
    candidates = [_regressed(average, unsure, phi, seen, share * between / length, (1 - share) * between) for share in SHARES]
    _, mean, weights = max(candidates, key=lambda one: one[0])
    return mean, weights, noise


def _regressed(
    average: np.ndarray, unsure: np.ndarray, phi: np.ndarray, seen: np.ndarray, wide: float, own: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log evidence and posterior means of mu and m for m ~ N(0, wide I) and e ~ N(0, own I), solved in the dimension of the features."""
    known, apart = phi[seen], own + unsure
    inner = np.eye(phi.shape[1]) + wide * (known.T / apart) @ known
    weights = wide * np.linalg.solve(inner, known.T @ (average / apart))
    left = average - known @ weights
    evidence = -0.5 * (float(average @ (left / apart)) + np.linalg.slogdet(inner)[1] + np.log(apart).sum())
    mean = phi @ weights
    mean[seen] += own / apart * left
    return evidence, mean, weights


def _factors(
    rater: np.ndarray, photo: np.ndarray, residual: np.ndarray, noise: float, shape: tuple[int, int, int], rng: np.random.Generator
) -> np.ndarray:
    """Low-rank part with missing entries: alternating updates of b_u and L_i, each with the uncertainty of the other.

    EM finds the variance of L and the noise.
    """
    raters, photos, rank = shape
    if rank == 0:
        return np.zeros((photos, 0))
    loading = 0.1 * rng.normal(size=(photos, rank))
    spread, width = np.zeros((photos, rank, rank)), np.full(rank, 0.1)
    for _ in range(ROUNDS):
        taste, unsure = _posterior(rater, photo, residual, loading, spread, noise, np.ones(rank), raters)
        loading, spread = _posterior(photo, rater, residual, taste, unsure, noise, 1 / np.maximum(width, 1e-6), photos)
        seen = np.bincount(photo, minlength=photos) > 0
        width = (loading**2 + np.diagonal(spread, axis1=1, axis2=2))[seen].mean(axis=0)
        predicted = (taste[rater] * loading[photo]).sum(axis=1)
        second = taste[:, :, None] * taste[:, None, :] + unsure
        beyond = np.einsum("nij,nij->n", second[rater], loading[photo][:, :, None] * loading[photo][:, None, :] + spread[photo])
        noise = float(np.maximum(residual**2 - 2 * residual * predicted + beyond, 0).mean())
    return loading


def _posterior(
    of: np.ndarray,
    by: np.ndarray,
    residual: np.ndarray,
    other: np.ndarray,
    unsure: np.ndarray,
    noise: float,
    precision: np.ndarray,
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (count, rank) and covariance of one side's vectors, given the other side's means and covariances."""
    rank = other.shape[1]
    second = other[:, :, None] * other[:, None, :] + unsure
    inverse = np.zeros((count, rank, rank))
    np.add.at(inverse, of, second[by] / noise)
    right = np.zeros((count, rank))
    np.add.at(right, of, residual[:, None] * other[by] / noise)
    covariance = np.linalg.inv(inverse + np.diag(precision))
    return np.einsum("nij,nj->ni", covariance, right), covariance
