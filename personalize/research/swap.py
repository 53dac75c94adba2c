"""Swap test: each rater's own model against the models of all other raters. Needs only NumPy and scikit-learn."""

import numpy as np

from personalize.numerics import metrics, taste
from personalize.numerics.ratings import RaterRatings, draw_shots
from personalize.progress import ProgressCallback, no_progress
from personalize.research import evaluate
from personalize.research.evaluate import EvaluationProtocol, Subject, SwapResult


def swap(subject: Subject, protocol: EvaluationProtocol, progress: ProgressCallback = no_progress) -> SwapResult:
    """Fit every rater by the instant fit at the largest number of shots, and rank each rater's left-out ratings by every model.

    Returns the mean gain of raters' own models over others' (SROCC, bootstrap interval over raters), the share of pairs (a rater and
    another rater's model) in which the own model wins, and the share of raters whose own model is better than the average of the others'.

    Raises:
        TooFewRatings, BadBank: see `evaluate.evaluate`.
    """
    shots = max(protocol.shots)
    teachers, tested = evaluate.split(subject.raters, subject.tested, protocol)
    learned_for = evaluate.learned_from_others(subject, protocol, teachers)
    able = evaluate.able(subject, tested, shots)
    scores, left = [], []
    for number, index in enumerate(able, start=1):
        progress("swap test", number, len(able))
        rater = subject.raters[index]
        seen, rest = draw_shots(rater, index, shots, 0, protocol.seed)
        catalogue, hyperprior = learned_for(index)
        fitted = taste.fit(catalogue.features[rater.photos[seen]], rater.ratings[seen], hyperprior)
        scores.append(catalogue.features @ fitted.weights)
        left.append(rater.at(rest))
    agreement = np.array([_agreements(np.array(scores), rest) for rest in left])
    own = agreement.diagonal()[:, None]
    others = ~np.eye(len(able), dtype=bool) & ~np.isnan(agreement)
    gain = np.array([np.mean((own[row] - agreement[row])[others[row]]) if others[row].any() else np.nan for row in range(len(able))])
    wins = np.where(agreement < own, 1.0, np.where(agreement == own, 0.5, 0.0))
    return {
        "shots": shots,
        "raters": len(able),
        "gain": metrics.mean_over_raters(gain, np.random.default_rng(protocol.seed)),
        "pairs_won": round(float(wins[others].mean()), 4),
        "raters_better_with_their_own": round(float(np.mean(gain[~np.isnan(gain)] > 0)), 4),
    }


def _agreements(scores: np.ndarray, left: RaterRatings) -> list[float]:
    """SROCC of every rater's model with one rater's left-out ratings."""
    return [metrics.srocc(row[left.photos], left.ratings) for row in scores]
