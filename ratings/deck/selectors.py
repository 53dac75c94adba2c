"""Reads of the deck. Hot ones are single SQL statements."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery
from jaxtyping import Float, Int

from ratings.deck.models import Presentation, RatingEvent, Value
from ratings.ranking.models import FEATURES
from ratings.sql import CURRENT_PROJECTION, FILLING_PROJECTION, MINE, columns, rows, vectors


@dataclass(frozen=True)
class Progress:
    """Photos that a rater may see, those that can be dealt, and presentations rated so far, skips included.

    `updated` counts the photos with features of the projection that fills; None where none does.
    """

    total: int
    ready: int
    rated: int
    updated: int | None


def candidates(rater_id: UUID, limit: int) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n 256"]]:
    """Ids and features of a random sample of photos never presented to this rater, in random order."""
    # The sample is drawn before features are read: a sort that carries every photo's features takes several times as long.
    found = rows(
        f"""SELECT d.photo_id, halfvec_send(d.features) FROM (
            SELECT d.id, random() AS place FROM ratings_photofeatures d JOIN ratings_photo p ON p.id = d.photo_id
            WHERE d.projection_id = {CURRENT_PROJECTION} AND {MINE}
            AND NOT EXISTS (SELECT 1 FROM ratings_presentation c WHERE c.rater_id = %(rater)s AND c.photo_id = d.photo_id)
            ORDER BY place LIMIT %(limit)s
        ) sample JOIN ratings_photofeatures d USING (id) ORDER BY sample.place""",  # noqa: S608 (constants)
        {"rater": rater_id, "limit": limit},
    )
    ids, features = columns(found, 2)
    return np.array(ids, dtype=np.int64), vectors(features, FEATURES)


def open_presentations(rater_id: UUID, limit: int) -> list[Presentation]:
    """Presentations that wait for a rating, in the order of the deck."""
    waiting = Presentation.objects.filter(rater=rater_id, rated_at=None).order_by("position").select_related("photo")
    return list(waiting[:limit])


def progress(rater_id: UUID) -> Progress:
    """The rater's progress, and that of feature extraction."""
    counts = rows(
        f"""SELECT count(*), count(d.id),
            (SELECT count(*) FROM ratings_presentation c WHERE c.rater_id = %(rater)s AND c.rated_at IS NOT NULL),
            CASE WHEN {FILLING_PROJECTION} IS NOT NULL THEN (SELECT count(*) FROM ratings_photofeatures n
                JOIN ratings_photo p ON p.id = n.photo_id WHERE n.projection_id = {FILLING_PROJECTION} AND {MINE}) END
        FROM ratings_photo p
        LEFT JOIN ratings_photofeatures d ON d.photo_id = p.id AND d.projection_id = {CURRENT_PROJECTION} WHERE {MINE}""",  # noqa: S608 (constants)
        {"rater": rater_id},
    )
    return Progress(*counts[0])


def current_ratings() -> QuerySet[RatingEvent]:
    """Every current rating, skips left out: the last `set` event of each rated presentation that no merge has superseded."""
    newest = RatingEvent.objects.filter(presentation=OuterRef("presentation"), superseded=False).order_by("-seq").values("seq")[:1]
    current = RatingEvent.objects.filter(kind=RatingEvent.Kind.SET, value__gt=Value.SKIP, seq=Subquery(newest))
    return current.select_related("presentation__photo").order_by("rater", "seq")
