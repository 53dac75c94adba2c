"""Accuracy of the instant fit, from predictions of pairs of ratings that the fit has not seen. NumPy only.

Spearman's rank correlation of scores s with n ratings of mid-ranks R is a sum over pairs of photos, where no two scores are equal:

    r = sum_{i<j} sign(s_i - s_j) (R_i - R_j) / (2 n sd(s) sd(R)),  sd(s) = sqrt((n^2 - 1) / 12).

Here each sign comes from a fit without both ratings of its pair (leave-pair-out). Swapping two ratings that mean nothing then changes the
sign of their term and nothing else, so r is 0 on average. Leaving out one rating at a time has no such symmetry: without a high rating,
the others point slightly away from it.

The swap needs weights of the hyperparameters that have not seen the pair, over points chosen without the ratings. All points of the grid
(`hyperparameter_grid.py`) at each pair would take too long. So there is one Gaussian process for each feature variance v_f; over the other
axes, the prior is replaced by the Gaussian process with the same mean and covariance. docs/decisions/how-sure.md has measurements.

References:
    Airola, Pahikkala, Waegeman, De Baets & Salakoski, A comparison of AUC estimators in small-sample studies, MLSB 2009 (leave-pair-out);
    Rasmussen & Williams, Gaussian Processes for Machine Learning, MIT Press 2006, sections 2.2, 5.4.2 (left-out predictions).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from personalize.numerics import metrics
from personalize.numerics.hyperparameter_grid import INTERCEPT, Hyperprior
from personalize.numerics.metrics import Accuracy
from personalize.numerics.taste import NO_POPULATION_SCORES

LEAST_SHARE = 1e-3  # of the most probable feature variance; less probable ones change no sign, and each costs the inverse of a matrix
TIE = 1e-9  # scores of two photos that differ by less, in standard deviations of the ratings, are equal up to rounding


def accuracy(
    features: Float[np.ndarray, "ratings features"],
    ratings: Float[np.ndarray, "ratings"],
    hyperprior: Hyperprior,
    population_scores: Float[np.ndarray, "rows columns"] = NO_POPULATION_SCORES,
    anchors: int = 0,
    posterior: Float[np.ndarray, "f"] | None = None,
) -> Accuracy | None:
    """SROCC of a rater's fit with the rater's ratings of photos that the fit has not seen, and its 95 % interval.

    0: no better than chance; 1: the order of the ratings, which ratings with ties do not reach (.94 for three equally frequent values).
    The arguments are those of `taste.fit`. The first `anchors` ratings belong to every fit and to no pair. `posterior` is the probability
    of each feature variance given all ratings, where it is known: improbable variances then cost nothing.

    None below 8 ratings, or where all ratings or all predictions are equal: the correlation is undefined.
    """
    own = ratings[anchors:]
    if len(own) < metrics.LEAST_RATINGS or np.ptp(own) == 0:
        return None
    first, second = np.triu_indices(len(own), k=1)
    differ = own[first] != own[second]  # pairs of equal ratings add nothing to the sum
    first, second = first[differ], second[differ]
    probable = hyperprior.weights.sum(axis=(0, 2, 3)) if posterior is None else posterior
    kept = probable >= LEAST_SHARE * probable.max()
    gaps = left_out_differences(features, ratings, _only(hyperprior, kept), population_scores, first + anchors, second + anchors)
    signs = np.sign(gaps) * (np.abs(gaps) > TIE)
    if not signs.any():
        return None
    return metrics.with_interval(pair_correlation(signs, own, first, second), len(own))


def pair_correlation(
    signs: Float[np.ndarray, "pairs"],
    ratings: Float[np.ndarray, "ratings"],
    first: Int[np.ndarray, "pairs"],
    second: Int[np.ndarray, "pairs"],
) -> float:
    """Spearman's rank correlation from the sign of the difference of two scores, for each pair of photos with different ratings."""
    n, ranks = len(ratings), metrics.ranks(ratings)
    scale = 2 * n * np.sqrt((n * n - 1) / 12) * np.std(ranks)
    return float(signs @ (ranks[first] - ranks[second]) / scale)


def left_out_differences(
    features: Float[np.ndarray, "ratings features"],
    ratings: Float[np.ndarray, "ratings"],
    hyperprior: Hyperprior,
    population_scores: Float[np.ndarray, "rows columns"],
    first: Int[np.ndarray, "pairs"],
    second: Int[np.ndarray, "pairs"],
) -> Float[np.ndarray, "pairs"]:
    """Score of photo `first` minus score of photo `second`, by the fit to all ratings but these two, in standard deviations of the ratings.

    With K the covariance of the ratings, P = K^-1, r the ratings minus their prior mean, alpha = P r and S the pair, the left-out residuals
    are e = P_SS^-1 alpha_S, and the log density of the pair given the rest is (log det P_SS - alpha_S . e) / 2, up to a constant. Each
    process has the weight of its prior times its evidence, divided by that density. The rater's mean rating cancels in the difference.
    """
    features = features.astype(np.float64)
    scores = population_scores if population_scores.size else np.zeros((len(ratings), 1))
    z = (ratings - np.mean(ratings)) / np.std(ratings)
    gaps, weighted = [], []
    for prior_mean, covariance, prior in _processes(features, scores[:, 1:], hyperprior):
        residuals = z - scores[:, 0] - prior_mean
        inverse = np.linalg.inv(covariance)
        alpha = inverse @ residuals
        own = np.diagonal(inverse)
        a, b, c = own[first], own[second], inverse[first, second]  # P_SS = [[a, c], [c, b]]
        left, right = alpha[first], alpha[second]
        determinant = a * b - c * c
        gaps.append((left * (b + c) - right * (a + c)) / determinant)  # e_first - e_second
        square = (left * left * b - 2 * left * right * c + right * right * a) / determinant  # alpha_S . e
        evidence = -0.5 * (residuals @ alpha + np.linalg.slogdet(covariance)[1])
        weighted.append(np.log(prior) + evidence + 0.5 * (square - np.log(determinant)))
    weights = np.exp(np.array(weighted) - np.max(weighted, axis=0))
    return z[first] - z[second] - (weights * gaps).sum(axis=0) / weights.sum(axis=0)


def _only(hyperprior: Hyperprior, kept: np.ndarray) -> Hyperprior:
    """The hyperprior at some of its feature variances. Its weights keep their sizes: only their ratios matter."""
    return replace(hyperprior, feature=hyperprior.feature[kept], weights=hyperprior.weights[:, kept])


def _processes(features: np.ndarray, tastes: np.ndarray, hyperprior: Hyperprior) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Prior mean (ratings) and covariance (ratings, ratings) of the ratings, and prior probability, at each feature variance."""
    s, heads, phi = features[:, 0], features[:, 1 : 1 + hyperprior.heads], features[:, 1 + hyperprior.heads :]
    gram, generic, tasks, shared = phi @ phi.T, np.outer(s, s), heads @ heads.T, INTERCEPT + tastes @ tastes.T
    for variance, weights in zip(hyperprior.feature, hyperprior.weights.swapaxes(0, 1), strict=True):
        prior = weights.sum()
        given = weights / prior  # over (b, n, c)
        trust, square = (given.sum(axis=(0, 1)) @ hyperprior.trust**power for power in (1, 2))
        between = given.sum(axis=(1, 2))
        slope = between @ hyperprior.base + square - trust * trust  # variance of c + w, the slope over the generic score
        covariance = variance * gram + slope * generic + (between @ hyperprior.head) * tasks + shared
        covariance[np.diag_indices_from(covariance)] += given.sum(axis=(0, 2)) @ hyperprior.noise
        yield trust * s, covariance, prior
