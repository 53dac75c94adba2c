"""Extracting and storing the raw vectors of photos that wait, and their features."""

import logging
from itertools import islice

import numpy as np

from personalize.errors import BadBank
from personalize.worker import loaded_bank, projections
from ratings.photos import files
from ratings.photos.models import Photo
from ratings.ranking import raw_features
from ratings.ranking.features import store_features
from ratings.ranking.projections import lacks_data, wanted

logger = logging.getLogger(__name__)

EXTRACTED_AT_ONCE = 8  # together they take less than half the time each


def waiting(most: int) -> list[Photo]:
    """At most `most` photos that wait for extraction. One whose file is missing waits for its next import, and must not hold up others."""
    try:
        extractors = loaded_bank.extractors()
    except BadBank as error:
        logger.warning("Features cannot be extracted: %s", error)
        return []
    return list(islice(filter(files.is_readable, raw_features.photos_without_raw_features(extractors)), most))


def extract(photo_id: int) -> None:
    """Extract the raw vector of a photo, and of others after it that have none, and store their features.

    Raises:
        OSError: the photo's own file is missing or damaged; a damaged file is set aside. Other photos in this state are skipped.
    """
    opened = []
    for photo in raw_features.photos_to_extract(photo_id, EXTRACTED_AT_ONCE, loaded_bank.extractors()):
        try:
            opened.append((photo.id, files.open_master(photo)))
        except OSError as error:
            logger.warning("Photo %s cannot be opened: %s", photo.id, error)
            if error.errno is None:  # the file could be read, but is damaged
                files.set_aside(photo)
            if photo.id == photo_id:
                raise
    if opened:
        ids = [photo for photo, _ in opened]
        _store(ids, loaded_bank.extract_raw_features([image for _, image in opened]))


def _store(ids: list[int], raw: np.ndarray) -> None:
    """Store raw vectors first: a worker that is killed here leaves them to the filling of each projection."""
    extractors = loaded_bank.extractors()
    raw_features.store_raw_features(extractors=extractors, photo_ids=ids, raw=raw)
    stored = raw.astype("<f2").astype(np.float32)  # the features are those that filling makes from the stored vectors
    for version in wanted():
        if version.extractors == extractors and not lacks_data(version.id):
            store_features(projection=version.id, photo_ids=ids, features=projections.loaded(version.id).apply(stored))
