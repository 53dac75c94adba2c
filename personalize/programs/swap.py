"""The swap test: one's own model against somebody else's, for every pair of people. NumPy alone."""

from collections.abc import Callable
from typing import Any

import numpy as np

from personalize.numerics import metrics, taste
from personalize.programs import evaluate
from personalize.programs.evaluate import Protocol, Subject

Report = Callable[[str, int, int], None]


def swap(subject: Subject, protocol: Protocol, report: Report = lambda *_: None) -> dict[str, Any]:
    """Fit everybody by the instant fit at the largest number of shots; rank each one's left-out ratings by everybody's model.

    The answer has the mean gain of one's own model over others' (SROCC, bootstrap interval over people), the share of pairs (a person and
    somebody else's model) that one's own wins, and the share of people whose own model is better than the average of all others'.

    Raises:
        BadDatabase: see `evaluate.evaluate`.
    """
    shots = max(protocol.shots)
    teachers, tested = evaluate.split(subject.people, subject.tested, protocol)
    hyperprior = evaluate.hyperpriors(subject, protocol, teachers)
    features = subject.catalogue.features
    able = evaluate.able(subject, tested, shots)
    weights, left = [], []
    for number, who in enumerate(able, start=1):
        report("swap test", number, len(able))
        person = subject.people[who]
        seen, rest = evaluate.drawn(person, who, shots, 0, protocol.seed)
        weights.append(taste.fit(features[person.photos[seen]], person.ratings[seen], hyperprior(who)).weights)
        left.append(rest)
    scores = features @ np.array(weights).T  # (photos, people)
    agreement = np.array([_agreements(scores, subject, who, rest) for who, rest in zip(able, left, strict=True)])
    own = agreement.diagonal()[:, None]
    others = ~np.eye(len(able), dtype=bool) & ~np.isnan(agreement)
    gain = np.array([np.mean((own[row] - agreement[row])[others[row]]) if others[row].any() else np.nan for row in range(len(able))])
    wins = np.where(agreement < own, 1.0, np.where(agreement == own, 0.5, 0.0))
    return {
        "shots": shots,
        "people": len(able),
        "gain": evaluate.summary(gain, np.random.default_rng(protocol.seed)),
        "pairs_won": round(float(wins[others].mean()), 4),
        "people_better_with_their_own": round(float(np.mean(gain[~np.isnan(gain)] > 0)), 4),
    }


def _agreements(scores: np.ndarray, subject: Subject, who: int, rest: np.ndarray) -> list[float]:
    """SROCC of everybody's model with one person's left-out ratings."""
    person = subject.people[who]
    return [metrics.srocc(column[person.photos[rest]], person.ratings[rest]) for column in scores.T]
