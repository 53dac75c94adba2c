"""The steps of a refinement, one at a time, so that no run is long and photos that wait to be described come in between. Django's edge.

Steps 1 to FOLDS: both models guess the answers of a fold; after the last one it is decided which of them speaks. Where the exact one does:
one step fits it to all answers, and each further step scores some of the person's first photos.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from uuid import UUID

import numpy as np

from personalize.app import instant, serving
from personalize.files import images
from personalize.numerics import metrics, model_comparison
from ratings import media, refinements, selectors
from ratings.models import Photo
from ratings.refinements import Work
from ratings.selectors import History

SCORED_AT_ONCE = 100
DECODED = 512  # photos that a worker keeps decoded, 0.15 MB each


def advance(person: UUID) -> bool:
    """Do the next step of a person's refinement; whether there is another one. A step that fails ends it: others wait for their turn."""
    work = refinements.under_way(person)
    if work is None:
        return False
    try:
        return _step(work)
    except Exception:
        refinements.give_up(work)
        raise


def _step(work: Work) -> bool:
    history = selectors.rating_history(work.person, stale_only=False)
    if history is None:
        return False
    photos = _readable(history.photo_ids[-model_comparison.MOST :].tolist())
    answers = Answers(history, photos, work.ratings_seq)
    # Where a photo was deleted or lost since the first step, what was guessed is of other folds.
    same_folds = all(done["photos"] == answers.ids(fold) for done, fold in zip(work.held_out, answers.folds, strict=False))
    if len(answers) < model_comparison.LEAST or not same_folds:
        refinements.give_up(work)
        return False
    if work.step < model_comparison.FOLDS:
        return _fold(work, answers)
    if not work.coefficients:
        coefficients = answers.exact(np.arange(len(answers)))
        return refinements.store_step(work, coefficients=coefficients.astype("<f4").tobytes())
    return _score(work, answers)


class Answers:
    """A person's newest answers whose photos can be read, for both models."""

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
        fit = instant.fit(self.history, self.which[seen])
        scores = self.history.features[self.which] @ fit.weights
        return scores + self.history.shared[self.which] @ fit.population_weights if len(fit.population_weights) else scores

    def exact(self, seen: np.ndarray) -> np.ndarray:
        """Coefficients of the exact fit to the same."""
        return serving.fitting().exact([_pixels(self.photos[place]) for place in seen], self.values[seen].tolist())

    def exact_scores(self, seen: np.ndarray) -> np.ndarray:
        self.exact(seen)
        return serving.fitting().score([_pixels(photo) for photo in self.photos])


def _fold(work: Work, answers: Answers) -> bool:
    fold = answers.folds[work.step]
    guesses = {
        "photos": answers.ids(fold),
        "instant": model_comparison.guesses(answers.instant, len(answers), fold).tolist(),
        "exact": model_comparison.guesses(answers.exact_scores, len(answers), fold).tolist(),
    }
    held_out = [*work.held_out, guesses]
    if work.step + 1 < model_comparison.FOLDS:
        return refinements.store_step(work, held_out=held_out)
    told = {name: [np.array(one[name]) for one in held_out] for name in ("instant", "exact")}
    verdict = model_comparison.compare(told["instant"], told["exact"], answers.values, work.ratings_seq)
    if not refinements.store_step(work, held_out=held_out, verdict={**asdict(verdict), "speaks": verdict.active}):
        return False
    if verdict.active == "exact":
        return True
    refinements.finish(work)
    return False


def _score(work: Work, answers: Answers) -> bool:
    done = (work.step - model_comparison.FOLDS - 1) * SCORED_AT_ONCE
    photos = _readable(work.top[done : done + SCORED_AT_ONCE])
    fitting = serving.fitting()
    fitting.use(np.frombuffer(work.coefficients, dtype="<f4"))
    new = zip((photo.id for photo in photos), fitting.score([_pixels(photo) for photo in photos]).tolist(), strict=True)
    scores = [*work.scores, *new]
    if done + SCORED_AT_ONCE < len(work.top):
        return refinements.store_step(work, scores=scores)
    if refinements.store_step(work, scores=scores):
        order = np.concatenate(answers.folds)
        guesses = np.concatenate([one["exact"] for one in work.held_out])
        accuracy = metrics.accuracy(guesses, answers.values[order])
        refinements.let_exact_speak(work, accuracy=asdict(accuracy) if accuracy else None, scores=scores)
    return False


def _readable(ids: Sequence[int]) -> list[Photo]:
    """Photos by id, in that order; those whose file is lost or damaged are left out."""
    found = selectors.photos_by_id(ids)
    return [found[photo] for photo in ids if photo in found and _is_readable(found[photo])]


def _is_readable(photo: Photo) -> bool:
    try:
        _pixels(photo)  # kept for what comes next
    except OSError:
        return False
    return True


@lru_cache(maxsize=DECODED)
def _pixels(photo: Photo) -> np.ndarray:
    return images.to_pixels(media.opened(photo), serving.fitting().preprocessing)
