"""A synthetic catalogue of photos with six properties, and a rater who prefers one of them."""

from uuid import uuid4

import numpy as np

PROPERTIES = 6


def features(count: int) -> np.ndarray:
    """(count, 256): the generic score in place 0, then the six properties projected to 255 numbers."""
    rng = np.random.default_rng(5)
    properties = rng.normal(size=(count, PROPERTIES)) / np.sqrt(PROPERTIES)
    return np.concatenate([rng.normal(size=(count, 1)), properties @ _directions()], axis=1)


def liking(count: int) -> np.ndarray:
    """(count): how much a rater likes each photo, who prefers one property and mildly dislikes a high generic score."""
    return features(count) @ np.concatenate([[-0.5], np.sqrt(PROPERTIES) * _directions()[0]])


def _directions() -> np.ndarray:
    """(6, 255): orthogonal directions, one for each property."""
    return np.linalg.qr(np.random.default_rng(6).normal(size=(255, PROPERTIES)))[0].T


def fill(count: int) -> None:
    """Store the catalogue as photos 1 to `count` of an empty installation."""
    from ratings.models import Photo, PhotoFeatures, Projection
    from ratings.ranking import projections

    photos = Photo.objects.bulk_create(
        Photo(name=f"{n}.jpg", sha256=uuid4().hex * 2, content_hash=uuid4().hex[:16], width=640, height=480, thumbhash="")
        for n in range(count)
    )
    projection = projections.current()
    assert projection is not None
    Projection.objects.update(extractors="")  # these photos have no files to extract features from
    PhotoFeatures.objects.bulk_create(
        PhotoFeatures(photo=photo, projection_id=projection.id, generic_score=row[0], features=row.tolist())
        for photo, row in zip(photos, features(count), strict=True)
    )
