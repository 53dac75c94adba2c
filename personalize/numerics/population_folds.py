"""Population priors per fold of raters, and the check on held-out raters that decides whether they are used. NumPy only.

The prior of a fold is learned from the raters of all other folds, so no rater's own ratings return as the population's, and it is checked
on the raters of the fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int

from personalize.errors import TooFewRatings
from personalize.numerics import population_gain
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.population_gain import Gains, PriorsByPart
from personalize.numerics.population_prior import PopulationPrior
from personalize.numerics.ratings import LEAST_LEFT, RaterRatings, draw_shots
from personalize.progress import ProgressCallback, no_progress

SHOTS = (5, 10, 30)
MOST_TESTED = 60  # raters of a fold that its prior is checked on
LEAST_TESTED = 10  # raters of all folds together, for a number of shots to be checked


class PriorReport(TypedDict):
    """Whether the priors are used, why not, and the gains by number of shots."""

    used: bool
    reason: str
    shots: dict[str, Gains]


@dataclass(frozen=True)
class PriorsByFold:
    """Priors of all folds, in units of standardised ratings; empty where `report["used"]` is false."""

    scores: Float[np.ndarray, "photos columns"]  # per fold a mean and a taste
    weights: Float[np.ndarray, "folds features"]  # the mean of an unrated photo is its projected features . weights
    report: PriorReport


def learn(
    features: Float[np.ndarray, "photos features"],
    raters: Sequence[RaterRatings],
    folds: Int[np.ndarray, "raters"],
    hyperprior: Hyperprior,
    before: Float[np.ndarray, "photos columns"],
    *,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> PriorsByFold:
    """Learn the prior of each fold, numbered from 0, and check it on the raters of the fold.

    `before` are the scores of the previous version: the sign of a taste is arbitrary, so it is chosen to agree with them. Ratings may be on
    any scale.
    """
    count = before.shape[1] // 2
    priors = []
    for fold in range(count):
        progress("learning", fold + 1, count)
        try:
            others = [one for one, own in zip(raters, folds, strict=True) if own != fold]
            priors.append(PriorsByPart.learn(features, others, seed, hyperprior.heads))
        except TooFewRatings as error:
            return _unused(len(features), count, f"{error} These are the raters outside fold {fold + 1} of {count}.", {})
    shots = _checked(features, raters, folds, hyperprior, priors, seed, progress)
    if not shots:
        return _unused(len(features), count, f"Fewer than {LEAST_TESTED} raters can be tested.", shots)
    if not all(population_gain.passes(gains) for gains in shots.values()):
        return _unused(len(features), count, "On held-out raters it does not help.", shots)
    scores = np.concatenate([_signed(one.whole, before[:, 2 * fold : 2 * fold + 2]) for fold, one in enumerate(priors)], axis=1)
    return PriorsByFold(scores, np.stack([one.whole.weights for one in priors]), {"used": True, "reason": "", "shots": shots})


def _checked(
    features: np.ndarray,
    raters: Sequence[RaterRatings],
    folds: np.ndarray,
    hyperprior: Hyperprior,
    priors: Sequence[PriorsByPart],
    seed: int,
    progress: ProgressCallback,
) -> dict[str, Gains]:
    """Gains by number of shots, where enough raters have enough ratings.

    SROCC covers all left-out ratings at once: a rater has too few of them for one SROCC per part of the photos.
    """
    rng = np.random.default_rng(seed)
    tested = [int(rater) for fold in range(len(priors)) for rater in rng.permutation(np.flatnonzero(folds == fold))[:MOST_TESTED]]
    found: dict[str, Gains] = {}
    for count in SHOTS:
        able = [rater for rater in tested if len(raters[rater].ratings) >= count + LEAST_LEFT]
        if len(able) < LEAST_TESTED:
            continue
        rated, unrated = [], []
        for number, rater in enumerate(able, start=1):
            progress(f"checking, {count} shots", number, len(able))
            draw = draw_shots(raters[rater], rater, count, 0, seed)
            predictions = population_gain.predict(features, raters[rater], draw, hyperprior, priors[folds[rater]])
            rated.append(population_gain.pair(raters[rater], predictions.left, predictions.alone, predictions.together))
            unrated.append(population_gain.pair(raters[rater], predictions.left, predictions.alone, predictions.apart))
        found[str(count)] = {"rated": population_gain.gain(rated, seed), "unrated": population_gain.gain(unrated, seed)}
    return found


def _signed(prior: PopulationPrior, before: np.ndarray) -> np.ndarray:
    """Mean and first taste of each photo, (photos, 2)."""
    taste = prior.factors[:, 0] if prior.factors.shape[1] else np.zeros(len(prior.mean))
    return np.stack([prior.mean, -taste if taste @ before[:, 1] < 0 else taste], axis=1)


def _unused(photos: int, folds: int, reason: str, shots: dict[str, Gains]) -> PriorsByFold:
    report: PriorReport = {"used": False, "reason": reason, "shots": shots}
    return PriorsByFold(np.zeros((photos, 2 * folds)), np.zeros((folds, 0)), report)
