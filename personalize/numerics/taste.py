"""Taste model: the instant fit of a rater's ratings to one vector of weights, in closed form.

A photo is represented by 256 features: x = (s, h, phi), with s the generic score, h the scores of the task heads, each standardised over
the catalogue, and phi its place on the catalogue's principal axes. A rater's score of it is f(x) = (c + w) s + h . beta + phi . a, with
w ~ N(0, v_b), beta ~ N(0, v_h I), a ~ N(0, v_f I), and a rating, standardised, is f(x) + m + noise with m ~ N(0, 1) and noise ~ N(0, v_n).
So f is a Gaussian process with a linear kernel, and the fit is exact linear algebra. beta are the rater's coefficients on the task heads,
which are task vectors in their linear form; phi . a is what no task explains.

How much to trust the generic score (c, v_b), the task heads (v_h), the features (v_f) and the ratings (v_n) differs widely between raters.
The hyperparameters are therefore averaged over a grid, each point weighted by how well it explains the ratings (evidence and leave-one-out
error) times a hyperprior learned from other raters. One eigendecomposition covers the whole grid. NumPy only; computes in `float64`,
returns `float32`.

References:
    Yun & Choo, ECCV 2024 (task vectors and coefficients); Rasmussen & Williams, Gaussian Processes for Machine Learning,
    MIT Press 2006, sections 2.7 (linear mean), 5.4 (evidence, leave-one-out).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from personalize.numerics.hyperparameter_grid import INTERCEPT, HyperparameterGrid, Hyperprior


@dataclass(frozen=True)
class Covariance:
    """Posterior covariance of the 256 weights: diag(prior) - factor factor^T, at the most probable point of the grid."""

    noise: float
    prior: Float[np.ndarray, "features"]
    factor: Float[np.ndarray, "features rank"]

    def between(self, a: Float[np.ndarray, "m features"], b: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "m n"]:
        """Posterior covariance of the scores of photos `a` with those of photos `b`."""
        return (a * self.prior) @ b.T - (a @ self.factor) @ (b @ self.factor).T

    def deviations(self) -> Float[np.ndarray, "features"]:
        """Posterior standard deviation of each weight."""
        return np.sqrt(np.maximum(self.prior - (self.factor**2).sum(axis=1), 0))

    def to_bytes(self) -> bytes:
        """Half precision, in this order: noise, prior, rows of the transposed factor."""
        rows = np.concatenate([[self.noise], self.prior, self.factor.T.ravel()])
        return rows.astype("<f2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, features: int = 256) -> "Covariance":
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: the length does not fit `features`.
        """
        numbers = np.frombuffer(data, dtype="<f2").astype(np.float64)
        factor = numbers[1 + features :].reshape(-1, features).T
        return cls(float(numbers[0]), numbers[1 : 1 + features], factor)


@dataclass(frozen=True)
class Taste:
    """The instant fit of one rater."""

    weights: Float[np.ndarray, "features"]  # a photo's personal score is its features . weights
    posterior: Float[np.ndarray, "b f n c"]  # probability of each point of the grid given the ratings; sums to 1
    covariance: Covariance
    population_weights: Float[np.ndarray, "columns"]  # of a photo's population scores; empty without any


NO_POPULATION_SCORES = np.zeros((0, 0))


def fit(
    features: Float[np.ndarray, "ratings features"],
    ratings: Float[np.ndarray, "ratings"],
    hyperprior: Hyperprior,
    population_scores: Float[np.ndarray, "rows columns"] = NO_POPULATION_SCORES,
) -> Taste:
    """Fit one rater.

    `population_scores` are the rated photos' scores in the population prior (`PopulationPrior.scores`): the first column is added to the
    score with weight 1, the weights of the other columns are a priori N(0, 1).

    Ratings may be on any scale: only their order and relative distances matter. Without ratings, or where all are equal, the result is the
    generic order (weight on s alone).

    Raises:
        ValueError: `features` and `ratings` differ in length, or a number is not finite.
    """
    if len(features) != len(ratings):
        raise ValueError(f"{len(features)} photos but {len(ratings)} ratings.")
    if not (np.isfinite(features).all() and np.isfinite(ratings).all()):
        raise ValueError("Features and ratings must be finite numbers.")
    features = features.astype(np.float64)
    spread = np.std(ratings) if len(ratings) else 0.0
    population_scores = population_scores if population_scores.shape[1] else np.zeros((len(ratings), 0))
    if spread == 0:
        return _prior_taste(features, hyperprior, population_scores.shape[1])
    standard = (ratings - np.mean(ratings)) / spread
    offset = population_scores[:, 0] if population_scores.shape[1] else np.zeros(len(ratings))
    grid = HyperparameterGrid(features, standard - offset, hyperprior, population_scores[:, 1:])
    posterior = grid.posterior
    return Taste(
        weights=grid.weights(posterior).astype(np.float32),
        posterior=posterior,
        covariance=_covariance(features, hyperprior, posterior),
        population_weights=grid.population_weights(posterior)[: population_scores.shape[1]].astype(np.float32),
    )


def log_credit(
    features: Float[np.ndarray, "ratings features"],
    ratings: Float[np.ndarray, "ratings"],
    hyperprior: Hyperprior,
) -> Float[np.ndarray, "b f n c"]:
    """How well every point of the grid explains the ratings, in log, before the hyperprior; see `HyperparameterGrid.log_credit`."""
    standard = (ratings - np.mean(ratings)) / np.std(ratings)
    return HyperparameterGrid(features.astype(np.float64), standard, hyperprior, np.zeros((len(ratings), 0))).log_credit


def _prior_taste(features: np.ndarray, hyperprior: Hyperprior, columns: int) -> Taste:
    weights = np.zeros(features.shape[1], dtype=np.float32)
    weights[0] = 1.0
    covariance = _covariance(features, hyperprior, hyperprior.weights)
    only_mean = np.eye(1, columns, dtype=np.float32)[0]
    return Taste(weights, hyperprior.weights, covariance, only_mean)


def _covariance(features: np.ndarray, hyperprior: Hyperprior, posterior: np.ndarray) -> Covariance:
    """P - P X^T K^-1 X P with K = X P X^T + m + noise, at the most probable point; the factor is the Cholesky half of the second term."""
    b, f, n, _ = np.unravel_index(posterior.sum(axis=3).argmax(), (*posterior.shape[:3], 1))
    prior = np.full(features.shape[1], hyperprior.feature[f])
    prior[0], prior[1 : 1 + hyperprior.heads], noise = hyperprior.base[b], hyperprior.head[b], float(hyperprior.noise[n])
    spread = features * prior
    kernel = spread @ features.T + INTERCEPT + noise * np.eye(len(features))
    half = np.linalg.solve(np.linalg.cholesky(kernel), spread).T if len(features) else np.zeros((features.shape[1], 0))
    if half.shape[1] > half.shape[0]:  # more ratings than features: the same product with fewer columns
        half = np.asarray(np.linalg.qr(half.T, mode="r")).T
    return Covariance(noise, prior, half)
