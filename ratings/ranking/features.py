"""Photo features: stored for each projection that is wanted, and read to compare two of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from jaxtyping import Float
from pgvector import HalfVector

from ratings.photos.models import Photo
from ratings.ranking import locks, population_prior
from ratings.ranking.models import FEATURES, PhotoFeatures, Projection, State
from ratings.ranking.pushes import photos_changed
from ratings.ranking.raw_features import MOST_OF_AN_OWNER, photos_that_stay
from ratings.sql import CURRENT_PROJECTION, columns, rows, vectors

READ_AT_ONCE = 1000  # photos


@dataclass(frozen=True)
class Progress:
    """Photos in all, and those that have features of the current projection: these can be dealt and ranked."""

    total: int
    ready: int


def store_features(*, projection: int, photo_ids: Sequence[int], features: Float[np.ndarray, "photos 256"]) -> None:
    """Store features of photos, with their predicted population scores; those that a photo has already stay.

    Nothing changes where the projection is neither current nor filling any more. Photos deleted in the meantime are left out.
    """
    with transaction.atomic():
        locks.lock_to_store_features()
        if not Projection.objects.filter(pk=projection, state__in=(State.CURRENT, State.FILLING)).exists():
            return
        existing = photos_that_stay(photo_ids)
        scores = population_prior.scores_of_new_photos(projection, photo_ids, features)
        PhotoFeatures.objects.bulk_create(
            (
                PhotoFeatures(
                    photo_id=photo,
                    projection_id=projection,
                    generic_score=float(row[0]),
                    features=HalfVector(row.tolist()),
                    population_scores=HalfVector(own.tolist()),
                )
                for photo, row, own in zip(photo_ids, features, scores, strict=True)
                if photo in existing
            ),
            ignore_conflicts=True,
        )
        photos_changed(sorted(existing))


def missing(projection: int) -> list[int]:
    """Ids of the photos that have features of the current projection, but none of this one."""
    found = rows(
        f"""SELECT photo_id FROM ratings_photofeatures WHERE projection_id = {CURRENT_PROJECTION}
        EXCEPT SELECT photo_id FROM ratings_photofeatures WHERE projection_id = %(id)s""",  # noqa: S608 (constant)
        {"id": projection},
    )
    return [row[0] for row in found]


def cannot_be_filled(projection: int) -> bool:
    """Whether a photo with features of the current projection has none of this one, and no raw vector to make them from."""
    found = rows(
        """SELECT unnest(%(photos)s::bigint[]) EXCEPT SELECT photo_id FROM ratings_rawfeatures
        WHERE extractors = (SELECT extractors FROM ratings_projection WHERE id = %(id)s) LIMIT 1""",
        {"id": projection, "photos": missing(projection)},
    )
    return bool(found)


def count_anew() -> None:
    """Let PostgreSQL count the rows of each projection, which it otherwise does minutes later: by old counts it plans slow queries."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ratings_photofeatures")


def sample(projection: int, most: int) -> Float[np.ndarray, "photos 256"]:
    """Features of at most `most` photos of the catalogue in one projection, drawn by a hash of the id."""
    found = rows(
        """SELECT halfvec_send(features) FROM ratings_photofeatures WHERE projection_id = %(id)s AND owner IS NULL
        ORDER BY md5(photo_id::text), photo_id LIMIT %(most)s""",
        {"id": projection, "most": most},
    )
    return vectors(columns(found, 1)[0], FEATURES)


def pairs(new: int, old: int, most: int) -> Iterator[tuple[Float[np.ndarray, "photos 256"], Float[np.ndarray, "photos 256"]]]:
    """Features of the same photos in two projections, in batches: at most `most` photos, drawn by a hash of the id.

    Of one owner's own photos there are at most `MOST_OF_AN_OWNER`.
    """
    found = rows(
        """SELECT photo_id FROM (
            SELECT photo_id, n.owner, row_number() OVER (PARTITION BY n.owner ORDER BY md5(photo_id::text), photo_id) AS place
            FROM ratings_photofeatures n JOIN ratings_photofeatures o USING (photo_id)
            WHERE n.projection_id = %(new)s AND o.projection_id = %(old)s
        ) drawn WHERE owner IS NULL OR place <= %(most_of_an_owner)s ORDER BY md5(photo_id::text), photo_id LIMIT %(most)s""",
        {"new": new, "old": old, "most": most, "most_of_an_owner": MOST_OF_AN_OWNER},
    )
    ids = [row[0] for row in found]
    for first in range(0, len(ids), READ_AT_ONCE):
        batch = rows(
            """SELECT halfvec_send(n.features), halfvec_send(o.features) FROM ratings_photofeatures n
            JOIN ratings_photofeatures o USING (photo_id)
            WHERE n.projection_id = %(new)s AND o.projection_id = %(old)s AND photo_id = ANY(%(photos)s)""",
            {"new": new, "old": old, "photos": ids[first : first + READ_AT_ONCE]},
        )
        ours, theirs = columns(batch, 2)
        yield vectors(ours, FEATURES), vectors(theirs, FEATURES)


def progress() -> Progress:
    """All photos of all owners, and how many have features of the current projection."""
    return Progress(Photo.objects.count(), PhotoFeatures.objects.filter(projection__state=State.CURRENT).count())
