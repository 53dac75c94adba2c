"""What the people of an installation teach each other: one lesson per fold of the people, and whether the lessons help.

Each fold is told what the people of all other folds said, so no answer comes back to whoever gave it; and the people of a fold are the ones
on whom its lesson is checked. NumPy alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from personalize.files.people import Person
from personalize.numerics.grid import Hyperprior
from personalize.numerics.population import Population
from personalize.programs import evaluate, population_report
from personalize.programs.population_report import Lessons

SHOTS = (5, 10, 30)
MOST_TESTED = 60  # people of a fold that its lesson is checked on
LEAST_TESTED = 10  # of all folds together, for a number of shots to count


@dataclass(frozen=True)
class Taught:
    """Lessons of all folds, in units of standardised ratings; not to be used where `report["used"]` is false, and then empty."""

    shared: Float[np.ndarray, "photos columns"]  # per fold a mean and a taste
    weights: Float[np.ndarray, "folds features"]  # the mean of a photo that nobody rated is its projected features . these
    report: dict[str, Any]


def teach(
    features: Float[np.ndarray, "photos features"],
    people: Sequence[Person],
    folds: Int[np.ndarray, "people"],
    hyperprior: Hyperprior,
    told: Float[np.ndarray, "photos columns"],
    *,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Taught:
    """Learn the lesson of each fold, numbered from 0, and check it on the people of the fold.

    `told` is what the version before says: a taste has no sign of its own, so it is given the sign that fits. Ratings may be on any scale.
    """
    count = told.shape[1] // 2
    lessons = []
    for fold in range(count):
        progress("learning", fold + 1, count)
        teachers = [who for who in range(len(people)) if folds[who] != fold]
        try:
            lessons.append(Lessons.of(features, people, teachers, seed))
        except ValueError as error:
            return _nothing(len(features), count, f"{error} They are the people outside of fold {fold + 1} of {count}.")
    shots = _checked(features, people, folds, hyperprior, lessons, seed, progress)
    used = bool(shots) and all(population_report.passes(row) for row in shots.values())
    reason = "" if used else "On held-out people it does not help." if shots else f"Fewer than {LEAST_TESTED} people can be tested."
    if not used:
        return _nothing(len(features), count, reason, shots)
    shared = np.concatenate([_signed(one.everything, told[:, 2 * fold : 2 * fold + 2]) for fold, one in enumerate(lessons)], axis=1)
    return Taught(shared, np.stack([one.everything.weights for one in lessons]), {"used": True, "reason": reason, "shots": shots})


def _checked(
    features: np.ndarray,
    people: Sequence[Person],
    folds: np.ndarray,
    hyperprior: Hyperprior,
    lessons: Sequence[Lessons],
    seed: int,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Gains by number of shots, where enough people have the ratings for it.

    SROCC is taken of all left-out ratings at once: a person here has too few for one per part of the photos.
    """
    rng = np.random.default_rng(seed)
    tested = [who for fold in range(len(lessons)) for who in rng.permutation(np.flatnonzero(folds == fold))[:MOST_TESTED]]
    found = {}
    for count in SHOTS:
        able = [int(who) for who in tested if len(people[who].ratings) >= count + evaluate.LEAST_LEFT]
        if len(able) < LEAST_TESTED:
            continue
        rated, unrated = [], []
        for number, who in enumerate(able, start=1):
            progress(f"checking, {count} shots", number, len(able))
            draw = evaluate.drawn(people[who], who, count, 0, seed)
            told = population_report.guess(features, people[who], draw, hyperprior, lessons[folds[who]])
            rated.append(population_report.pair(people[who], told.left, told.alone, told.together))
            unrated.append(population_report.pair(people[who], told.left, told.alone, told.apart))
        found[str(count)] = {"rated": population_report.gains(rated, seed), "unrated": population_report.gains(unrated, seed)}
    return found


def _signed(lesson: Population, told: np.ndarray) -> np.ndarray:
    """Mean and first taste of each photo, (photos, 2)."""
    taste = lesson.factors[:, 0] if lesson.factors.shape[1] else np.zeros(len(lesson.mean))
    return np.stack([lesson.mean, -taste if taste @ told[:, 1] < 0 else taste], axis=1)


def _nothing(photos: int, folds: int, reason: str, shots: dict[str, Any] | None = None) -> Taught:
    report = {"used": False, "reason": reason, "shots": shots or {}}
    return Taught(np.zeros((photos, 2 * folds)), np.zeros((folds, 0)), report)
