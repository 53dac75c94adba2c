"""A catalogue of photos that differ in six ways, and a taste for one of them."""

from uuid import uuid4

import numpy as np

WAYS = 6


def features(count: int) -> np.ndarray:
    """(count, 256): place 0 the generic score, the rest six properties turned into 255 numbers."""
    rng = np.random.default_rng(5)
    properties = rng.normal(size=(count, WAYS)) / np.sqrt(WAYS)
    return np.concatenate([rng.normal(size=(count, 1)), properties @ _turned()], axis=1)


def liking(count: int) -> np.ndarray:
    """(count): how much each photo is liked by somebody who goes by one property, and rather against the generic score."""
    return features(count) @ np.concatenate([[-0.5], np.sqrt(WAYS) * _turned()[0]])


def _turned() -> np.ndarray:
    """(6, 255): the directions of the properties, at right angles."""
    return np.linalg.qr(np.random.default_rng(6).normal(size=(255, WAYS)))[0].T


def fill(count: int) -> None:
    """Store the catalogue, as photos 1 to `count` of an empty installation."""
    from ratings.models import Photo, PhotoFeatures
    from ratings.ranking.features import current_bank

    photos = Photo.objects.bulk_create(
        Photo(name=f"{n}.jpg", sha256=uuid4().hex * 2, content_hash=uuid4().hex[:16], width=640, height=480, thumbhash="")
        for n in range(count)
    )
    bank = current_bank()
    PhotoFeatures.objects.bulk_create(
        PhotoFeatures(photo=photo, bank_id=bank, generic_score=row[0], features=row.tolist())
        for photo, row in zip(photos, features(count), strict=True)
    )
