"""Extracting and storing the features of photos that wait."""

import logging

from personalize.worker import loaded_bank
from ratings.photos import files
from ratings.ranking import features

logger = logging.getLogger(__name__)

EXTRACTED_AT_ONCE = 8  # together they take less than half the time each


def extract(photo_id: int) -> None:
    """Extract the features of a photo, and of others after it that have none.

    Raises:
        OSError: the photo's own file is missing or damaged; a damaged file is set aside. Other photos in this state are skipped.
    """
    opened = []
    for photo in features.photos_to_extract(photo_id, EXTRACTED_AT_ONCE):
        try:
            opened.append((photo.id, files.open_master(photo)))
        except OSError as error:
            logger.warning("Photo %s cannot be opened: %s", photo.id, error)
            if error.errno is None:  # the file could be read, but is damaged
                files.set_aside(photo)
            if photo.id == photo_id:
                raise
    extracted = loaded_bank.extract_features([image for _, image in opened])
    for (ready_id, _), (score, vector) in zip(opened, extracted, strict=True):
        features.store_features(photo_id=ready_id, bank=loaded_bank.bank_hash(), generic_score=score, features=vector.tolist())
