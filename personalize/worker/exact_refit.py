"""Steps of an exact refit; each is a short task, so that feature extraction can run in between.

Steps 1 to FOLDS: both models predict the ratings of one fold; after the last fold, the comparison decides which model is active. If it is
the exact one, one step fits it to all ratings, and each further step scores some of the rater's top photos.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import cast
from uuid import UUID

import numpy as np

from personalize.files import images
from personalize.numerics import metrics, model_comparison
from personalize.worker import instant_fit, loaded_bank
from ratings.photos import files
from ratings.photos.models import Photo
from ratings.photos.selectors import photos_by_id
from ratings.ranking import exact_refits
from ratings.ranking.exact_refits import Work
from ratings.ranking.histories import History, rating_history
from ratings.ranking.json_columns import HeldOut, StoredAccuracy, StoredComparison, StoredTaskShare

SCORED_AT_ONCE = 100
DECODED = 512  # photos that a worker keeps decoded, 0.15 MB each


def advance(rater: UUID) -> bool:
    """Run the next step of a rater's exact refit; True if there is another one.

    A failing step ends the exact refit, so that those of other raters can run.
    """
    work = exact_refits.under_way(rater)
    if work is None:
        return False
    try:
        return _step(work)
    except Exception:
        exact_refits.abandon(work)
        raise


def _step(work: Work) -> bool:
    history = rating_history(work.rater, stale_only=False)
    if history is None:
        return False
    photos = _readable(history.photo_ids[-model_comparison.MOST :].tolist())
    ratings = Ratings(history, photos, work.ratings_seq)
    # If a photo was deleted or lost since the first step, the stored predictions belong to other folds.
    same_folds = all(done["photos"] == ratings.ids(fold) for done, fold in zip(work.held_out, ratings.folds, strict=False))
    if len(ratings) < model_comparison.LEAST or not same_folds:
        exact_refits.abandon(work)
        return False
    if work.step < model_comparison.FOLDS:
        return _fold(work, ratings)
    if not work.coefficients:
        coefficients = ratings.exact(np.arange(len(ratings)))
        return exact_refits.store_step(
            work, coefficients=coefficients.astype("<f4").tobytes(), task_shares=ratings.task_shares(coefficients)
        )
    return _score(work, ratings)


class Ratings:
    """A rater's newest ratings whose photos can be read, for both models."""

    def __init__(self, history: History, photos: Sequence[Photo], seed: int) -> None:
        place = {int(photo): number for number, photo in enumerate(history.photo_ids)}
        self.history, self.photos = history, photos
        self.which = np.array([place[photo.id] for photo in photos], dtype=np.int64)
        self.values = history.values[self.which]
        self.folds = model_comparison.folds(len(photos), seed)

    def __len__(self) -> int:
        return len(self.photos)

    def ids(self, places: np.ndarray) -> list[int]:
        return [self.photos[place].id for place in places]

    def instant(self, seen: np.ndarray) -> np.ndarray:
        """Scores of all photos by the instant fit to those at the places `seen`."""
        fit = instant_fit.fit(self.history, self.which[seen])
        scores = self.history.features[self.which] @ fit.weights
        return scores + self.history.population_scores[self.which] @ fit.population_weights if len(fit.population_weights) else scores

    def exact(self, seen: np.ndarray) -> np.ndarray:
        """Coefficients of the exact fit to the ratings at the places `seen`."""
        return loaded_bank.fitting().exact([_pixels(self.photos[place]) for place in seen], self.values[seen].tolist())

    def task_shares(self, coefficients: np.ndarray) -> dict[str, StoredTaskShare]:
        """What each task vector says of the rater, whose exact fit to all ratings has these coefficients."""
        found = loaded_bank.fitting().task_shares([_pixels(photo) for photo in self.photos], self.values.tolist(), coefficients)
        return {task: cast(StoredTaskShare, asdict(one)) for task, one in found.items()}

    def exact_scores(self, seen: np.ndarray) -> np.ndarray:
        """Scores of all photos by the exact fit to the ratings at the places `seen`."""
        self.exact(seen)
        return loaded_bank.fitting().score([_pixels(photo) for photo in self.photos])


def _fold(work: Work, ratings: Ratings) -> bool:
    fold = ratings.folds[work.step]
    predictions = HeldOut(
        photos=ratings.ids(fold),
        instant=model_comparison.guesses(ratings.instant, len(ratings), fold).tolist(),
        exact=model_comparison.guesses(ratings.exact_scores, len(ratings), fold).tolist(),
    )
    held_out = [*work.held_out, predictions]
    if work.step + 1 < model_comparison.FOLDS:
        return exact_refits.store_step(work, held_out=held_out)
    instant, exact = [np.array(one["instant"]) for one in held_out], [np.array(one["exact"]) for one in held_out]
    found = model_comparison.compare(instant, exact, ratings.values, work.ratings_seq)
    comparison = StoredComparison(instant=found.instant, exact=found.exact, error=found.error, active=found.active)
    if not exact_refits.store_step(work, held_out=held_out, comparison=comparison):
        return False
    if comparison["active"] == "exact":
        return True
    exact_refits.finish(work)
    return False


def _score(work: Work, ratings: Ratings) -> bool:
    done = (work.step - model_comparison.FOLDS - 1) * SCORED_AT_ONCE
    wanted = exact_refits.photos_to_order(work.rater)
    photos = _readable(wanted[done : done + SCORED_AT_ONCE])
    fitting = loaded_bank.fitting()
    fitting.use(np.frombuffer(work.coefficients, dtype="<f4"))
    new = zip((photo.id for photo in photos), fitting.score([_pixels(photo) for photo in photos]).tolist(), strict=True)
    scores = [*work.scores, *new]
    if done + SCORED_AT_ONCE < len(wanted):
        return exact_refits.store_step(work, scores=scores)
    if exact_refits.store_step(work, scores=scores):
        order = np.concatenate(ratings.folds)
        predictions = np.concatenate([one["exact"] for one in work.held_out])
        accuracy = metrics.accuracy(predictions, ratings.values[order])
        exact_refits.activate_exact(work, accuracy=cast(StoredAccuracy, asdict(accuracy)) if accuracy else None, scores=scores)
    return False


def _readable(ids: Sequence[int]) -> list[Photo]:
    """Photos by id, in this order, without those whose file is missing or damaged."""
    found = photos_by_id(ids)
    return [found[photo] for photo in ids if photo in found and _is_readable(found[photo])]


def _is_readable(photo: Photo) -> bool:
    try:
        _pixels(photo)  # cached for the next use
    except OSError:
        return False
    return True


@lru_cache(maxsize=DECODED)
def _pixels(photo: Photo) -> np.ndarray:
    return images.to_pixels(files.open_master(photo), loaded_bank.fitting().preprocessing)
