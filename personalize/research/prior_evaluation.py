"""Evaluation of a population prior on raters that it was not learned from; behind `./pav evaluate_prior`.

Half of the raters teach, the other half is tested (the split of `evaluate.py`). Measures how well it ranks photos that the teachers rated,
and photos that none of them rated (each part of the photos is in turn withheld from the teachers).
"""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy as np
from jaxtyping import Float

from personalize.errors import at_least
from personalize.numerics import population_gain
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.hyperprior import learn_hyperprior
from personalize.numerics.population_gain import Gains, PriorsByPart
from personalize.numerics.ratings import LEAST_LEFT, RaterRatings, draw_shots
from personalize.progress import ProgressCallback, no_progress
from personalize.research import evaluate
from personalize.research.evaluate import EvaluationProtocol

LEAST_IN_PART = 8  # left-out ratings that a part of the photos needs for a correlation


class PriorEvaluation(TypedDict):
    """All results, as plain data for JSON; gains by number of shots."""

    raters: dict[str, int]
    photos: int
    seed: int
    held_out_teachers: dict[str, Gains]
    used: bool  # whether it passes the threshold for use on held-out teachers
    shots: dict[str, Gains]
    bank: NotRequired[str]
    format: NotRequired[str]


def evaluate_prior(
    features: Float[np.ndarray, "photos features"],
    raters: Sequence[RaterRatings],
    shots: Sequence[int],
    seed: int = 0,
    progress: ProgressCallback = no_progress,
    heads: int = 0,
) -> PriorEvaluation:
    """Mean SROCC of the tested raters with and without the prior, on rated and unrated photos, and whether the prior is good enough to use.

    `heads` is the number of task heads among the features.

    Raises:
        TooFewRatings: too few raters.
        BadOption: a number is below its minimum.
    """
    at_least(1, shots=min(shots))
    teachers, tested = evaluate.split(raters, None, EvaluationProtocol(seed=seed))
    check = _gains(features, raters, teachers[::2], teachers[1::2], shots, seed, progress, heads)
    return {
        "raters": {"teachers": len(teachers), "tested": len(tested)},
        "photos": len(features),
        "seed": seed,
        "held_out_teachers": check,
        "used": all(population_gain.passes(gains) for gains in check.values()),
        "shots": _gains(features, raters, teachers, tested, shots, seed, progress, heads),
    }


def _gains(
    features: np.ndarray,
    raters: Sequence[RaterRatings],
    teachers: Sequence[int],
    tested: Sequence[int],
    shots: Sequence[int],
    seed: int,
    progress: ProgressCallback,
    heads: int,
) -> dict[str, Gains]:
    hyperprior = learn_hyperprior([(features[raters[index].photos], raters[index].ratings) for index in teachers], Hyperprior.flat(heads))
    priors = PriorsByPart.learn(features, [raters[index] for index in teachers], seed, heads)
    found: dict[str, Gains] = {}
    for count in shots:
        rated, unrated = [], []
        able = [index for index in tested if len(raters[index].ratings) >= count + LEAST_LEFT]
        for number, index in enumerate(able, start=1):
            progress(f"{count} shots", number, len(able))
            rater = raters[index]
            predictions = population_gain.predict(features, rater, draw_shots(rater, index, count, 0, seed), hyperprior, priors)
            rated.append(population_gain.pair(rater, predictions.left, predictions.alone, predictions.together))
            parts = [predictions.left[np.isin(rater.photos[predictions.left], part)] for part in priors.parts]
            pairs = [
                population_gain.pair(rater, part, predictions.alone, predictions.apart) for part in parts if len(part) >= LEAST_IN_PART
            ]
            defined = [pair for pair in pairs if np.isfinite(pair).all()]  # not where all of a part's ratings are the same
            unrated.append(np.mean(defined, axis=0) if defined else np.array([np.nan, np.nan]))
        found[str(count)] = {"rated": population_gain.gain(rated, seed), "unrated": population_gain.gain(unrated, seed)}
    return found
