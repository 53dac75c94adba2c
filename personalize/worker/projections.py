"""Projections in the background: learned from the photos of the installation, filled step by step, activated when whole.

Every step may be killed, run twice or late: a projection that is learned begins to fill in one statement, filling goes on where it stopped,
and activation checks that the projection is whole and still wanted.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from personalize.errors import BadProjection
from personalize.files import taste_parts
from personalize.numerics import projection as numerics
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.projection import LEAST_PHOTOS, CarryOver, Heads, Projection
from personalize.numerics.task_heads import GENERIC
from personalize.worker import loaded_bank
from ratings.photos import files
from ratings.photos.selectors import photos_by_id
from ratings.ranking import activation, features, models, projections, raw_features, selectors
from ratings.ranking.models import State
from ratings.ranking.projections import FIRST_THRESHOLDS, AlreadyFilling, Version

logger = logging.getLogger(__name__)

MOST_PHOTOS = 20_000  # that a projection is learned from, or weights are carried over by
FILLED_AT_ONCE = 500  # photos of one step
MOST_UNREADABLE = 0.1  # of the photos: more are a folder that is missing, and would leave rankings empty


@lru_cache(maxsize=3)
def loaded(projection: int) -> Projection:
    """A projection, read once per worker process: its data never change.

    Raises:
        BadProjection: its data cannot be read.
    """
    return taste_parts.projection_of_bytes(projections.data(projection))


@lru_cache(maxsize=3)
def directions(projection: int) -> tuple[str, ...]:
    """Names of the first features of a projection: the generic score, then the task heads, which those of version 0.1 lack."""
    stored = projections.data(projection)  # not by `loaded`: workers that only fit need not keep the matrix
    return taste_parts.directions_of_bytes(stored) if stored else (GENERIC,)


@lru_cache(maxsize=3)
def has_generic_score(projection: int) -> bool:
    """Whether photos have a score for everyone in a projection."""
    return selectors.has_generic_score(projection)


def hyperprior(projection: int) -> Hyperprior:
    """The bank's hyperprior for the features of a projection."""
    return loaded_bank.hyperprior(heads=len(directions(projection)) - 1)


def learn(after: Version) -> models.Projection | None:
    """Learn a projection from the raw vectors that `after`, the current one, applies to; it begins to fill.

    Returns None where another process learns or fills, or `after` is no longer current.

    Raises:
        AlreadyFilling: another one is filling.
        BadProjection: there are fewer than 10 photos, all are alike, or a raw vector is not as the bank's extractors give it.
    """
    with projections.one_worker() as alone:
        if not alone:
            return None
        if projections.filling():
            raise AlreadyFilling
        if after.extractors != loaded_bank.extractors():
            raise BadProjection("Photos are ranked by another bank than the installed one. ./pav migrate registers the installed one.")
        count = raw_features.count(after.extractors)
        if count < LEAST_PHOTOS:
            raise BadProjection(f"{count} photos have features; a projection needs at least {LEAST_PHOTOS}. Import more photos first.")
        generic, heads = _generic_coefficients(after), _heads(after)
        learned = _learned(after.extractors, heads, generic)
        return projections.begin(
            after=after,
            data=taste_parts.projection_to_bytes(learned),
            photo_count=count,
            head_count=len(learned.directions),
            generic_coefficients=generic,
            has_generic_score=bool(generic or heads.weights[:, 0].any()),
        )


def _learned(extractors: str, heads: Heads, generic: Sequence[float] = ()) -> Projection:
    """Raises:
    BadProjection: there are too few photos, all are alike, or a raw vector is not as the bank's extractors give it.
    """
    photos = raw_features.sample(extractors, MOST_PHOTOS)
    try:
        return numerics.learn(lambda: raw_features.batches(extractors, photos), loaded_bank.raw_layout(), heads, generic)
    except ValueError as error:  # also of raw vectors that cannot be read
        raise BadProjection(str(error)) from error


def _heads(after: Version) -> Heads:
    """The bank's heads. A bank without a generic score keeps the one that raters have taught, as a direction in raw vectors."""
    own = loaded_bank.heads()
    if own.weights[:, 0].any() or not after.has_generic_score:
        return own
    return replace(own, weights=np.concatenate([loaded(after.id).matrix[:, :1], own.weights[:, 1:]], axis=1))


def _generic_coefficients(after: Version) -> list[float]:
    """What raters taught about the generic score, where the loaded bank has the same task heads."""
    return projections.generic_coefficients(after.id) if directions(after.id) == loaded_bank.heads().names else []


def learn_when_due(after: int) -> models.Projection | None:
    """Learn a projection where the sweeper found it due after projection `after`, and it still is. A failure is recorded."""
    version = projections.learning_is_due()
    if version is None or version.id != after:
        return None
    try:
        return learn(version)
    except AlreadyFilling:
        return None
    except BadProjection as error:
        logger.warning("No projection was learned: %s", error)
        projections.record_problem(after=version, photo_count=raw_features.count(version.extractors), problem=str(error))
        return None


def fill_step(projection: int) -> bool:
    """Give some photos features of a projection, or activate it where it is whole; True if there is more to do.

    Returns False where another process works on one, photos must be extracted first, or this one is not wanted any more.
    """
    with projections.one_worker() as alone:
        version = next((version for version in projections.wanted() if version.id == projection), None)
        if version is None or not alone:
            return False
        waiting = raw_features.photos_to_fill(projection, FILLED_AT_ONCE)
        if not waiting:
            return _activate(projection)
        if projections.lacks_data(projection):
            return _learn_first(version)
        batch = raw_features.vectors_of(version.extractors, waiting)
        if batch:  # none where the photos were deleted in the meantime
            ids, raw = batch
            features.store_features(projection=projection, photo_ids=ids, features=loaded(projection).apply(raw))
        return True


def _learn_first(version: Version) -> bool:
    """Learn the projection of a bank that brought none, from all photos; True if that is done.

    Waits until all photos have raw vectors. Where none are ranked yet, a hundred are enough: the next threshold learns it again.
    """
    count = raw_features.count(version.extractors)
    enough = version.state == State.CURRENT and count >= FIRST_THRESHOLDS[0]
    if count < LEAST_PHOTOS or not (enough or _all_extracted(version.extractors)):
        return False
    try:
        learned = _learned(version.extractors, loaded_bank.heads())
    except BadProjection as error:
        logger.warning("Projection %d waits: %s", version.id, error)
        return False
    projections.put_first(
        projection=version.id, data=taste_parts.projection_to_bytes(learned), head_count=len(learned.directions), photo_count=count
    )
    return True


def _all_extracted(extractors: str) -> bool:
    return not any(map(files.is_readable, raw_features.photos_without_raw_features(extractors)))


def _activate(projection: int) -> bool:
    """Activate a projection that no stored raw vector is missing from; True if photos have come in the meantime."""
    now, filling = projections.current(), projections.filling()
    if now is None or filling is None or filling.id != projection:
        return False
    missing = features.missing(projection)
    unreadable = [photo.id for photo in photos_by_id(missing).values() if not files.is_readable(photo)]
    if len(unreadable) < len(missing):
        return bool(raw_features.photos_to_fill(projection, 1))
    if len(unreadable) > MOST_UNREADABLE * features.progress().ready:
        logger.warning("Projection %d waits: the files of %d photos cannot be read.", projection, len(unreadable))
        return False
    features.count_anew()
    carry_over = CarryOver()
    for new, old in features.pairs(projection, now.id, MOST_PHOTOS):
        carry_over.add(new, old)
    if not activation.activate(projection=projection, carry_over=carry_over.matrix(), unreadable=unreadable):
        return bool(raw_features.photos_to_fill(projection, 1))
    logger.info("Projection %d is in use, in place of %d.", projection, now.id)
    return False
