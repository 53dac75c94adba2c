"""Raw vectors of photos: stored once per set of extractors, so that a new projection needs no photo to be opened again."""

from collections.abc import Iterator, Sequence

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from jaxtyping import Float

from ratings.photos.models import Photo
from ratings.ranking.models import Projection, RawFeatures, State
from ratings.sql import columns, rows

READ_AT_ONCE = 500  # photos, 13 KB each
MOST_OF_AN_OWNER = 200  # own photos of one rater that a projection learns from

Batch = tuple[list[int], Float[np.ndarray, "photos raw"]]
"""Photo ids and their raw vectors."""


def store_raw_features(*, extractors: str, photo_ids: Sequence[int], raw: Float[np.ndarray, "photos raw"]) -> None:
    """Store the raw vectors of photos; those that a photo has already stay. Photos deleted in the meantime are left out.

    Raises:
        ValueError: a number is not finite in half precision; the message names the photo.
    """
    with np.errstate(over="ignore"):  # reported below
        halves = raw.astype("<f2")
    for photo, row in zip(photo_ids, halves, strict=True):
        if not np.isfinite(row).all():
            raise ValueError(f"The raw vector of photo {photo} has numbers that are not finite in half precision, so it is not stored.")
    with transaction.atomic():
        existing = photos_that_stay(photo_ids)
        RawFeatures.objects.bulk_create(
            (
                RawFeatures(photo_id=photo, extractors=extractors, data=row.tobytes())
                for photo, row in zip(photo_ids, halves, strict=True)
                if photo in existing
            ),
            ignore_conflicts=True,
        )


def photos_that_stay(photo_ids: Sequence[int]) -> set[int]:
    """Those of the photos that are not deleted, and are not before the end of this transaction."""
    found = rows("SELECT id FROM ratings_photo WHERE id = ANY(%(photos)s) ORDER BY id FOR KEY SHARE", {"photos": list(photo_ids)})
    return {row[0] for row in found}


def count(extractors: str) -> int:
    """How many photos have raw vectors of these extractors."""
    return RawFeatures.objects.filter(extractors=extractors).count()


def photos_to_extract(photo_id: int, limit: int, extractors: str) -> list[Photo]:
    """The photo and others after it without raw vectors; none where this one is deleted or has one, or no projection needs them."""
    found = list(_without(extractors).filter(id__gte=photo_id)[:limit])
    return found if found and found[0].id == photo_id else []


def photos_without_raw_features(extractors: str) -> Iterator[Photo]:
    """Photos that need raw vectors of these extractors, read as far as the caller iterates; none where no projection needs them."""
    last = 0
    while found := list(_without(extractors).filter(id__gt=last)[:READ_AT_ONCE]):
        yield from found
        last = found[-1].id


def sample(extractors: str, most: int) -> list[int]:
    """Ids of at most `most` photos with raw vectors, drawn by a hash of the id: the same photos each time.

    Of one owner's own photos there are at most `MOST_OF_AN_OWNER`, so that one owner's photos do not determine everyone's features.
    """
    found = rows(
        """SELECT photo_id FROM (
            SELECT r.photo_id, p.owner_id, row_number() OVER (PARTITION BY p.owner_id ORDER BY md5(r.photo_id::text), r.photo_id) AS place
            FROM ratings_rawfeatures r JOIN ratings_photo p ON p.id = r.photo_id WHERE r.extractors = %(extractors)s
        ) drawn WHERE owner_id IS NULL OR place <= %(most_of_an_owner)s ORDER BY md5(photo_id::text), photo_id LIMIT %(most)s""",
        {"extractors": extractors, "most": most, "most_of_an_owner": MOST_OF_AN_OWNER},
    )
    return [row[0] for row in found]


def batches(extractors: str, photo_ids: Sequence[int]) -> Iterator[Float[np.ndarray, "photos raw"]]:
    """The raw vectors of these photos, in batches. Photos deleted in the meantime are left out.

    Raises:
        ValueError: raw vectors differ in length.
    """
    for first in range(0, len(photo_ids), READ_AT_ONCE):
        batch = vectors_of(extractors, photo_ids[first : first + READ_AT_ONCE])
        if batch:
            yield batch[1]


def photos_to_fill(projection: int, limit: int) -> list[int]:
    """Ids of at most `limit` photos that have a raw vector for this projection but no features of it."""
    # EXCEPT, not NOT EXISTS: while a projection fills, PostgreSQL's row counts are old, and it would compare each row with each.
    found = rows(
        """SELECT r.photo_id FROM ratings_rawfeatures r
        WHERE r.extractors = (SELECT extractors FROM ratings_projection WHERE id = %(id)s)
        EXCEPT SELECT d.photo_id FROM ratings_photofeatures d WHERE d.projection_id = %(id)s LIMIT %(limit)s""",
        {"id": projection, "limit": limit},
    )
    return sorted(row[0] for row in found)


def vectors_of(extractors: str, photo_ids: Sequence[int]) -> Batch | None:
    """The raw vectors of these photos, as far as they have some; None where none has one.

    Raises:
        ValueError: raw vectors differ in length.
    """
    found = rows(
        """SELECT photo_id, data FROM ratings_rawfeatures
        WHERE extractors = %(extractors)s AND photo_id = ANY(%(photos)s) ORDER BY photo_id""",
        {"extractors": extractors, "photos": list(photo_ids)},
    )
    if not found:
        return None
    ids, stored = columns(found, 2)
    lengths = {len(one) for one in stored}
    if len(lengths) > 1:
        raise ValueError(f"Raw vectors of the same extractors have {' and '.join(str(length // 2) for length in sorted(lengths))} numbers.")
    return list(ids), np.stack([np.frombuffer(one, dtype="<f2") for one in stored]).astype(np.float32)


def _without(extractors: str) -> QuerySet[Photo]:
    """Photos that need raw vectors of these extractors, by id."""
    having = RawFeatures.objects.filter(extractors=extractors, photo=OuterRef("id"))
    needing = Projection.objects.filter(extractors=extractors, state__in=(State.FILLING, State.CURRENT))
    return Photo.objects.filter(Exists(needing), ~Exists(having)).order_by("id")
