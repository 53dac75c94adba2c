"""Reads of the deck. Hot ones are single SQL statements."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery
from jaxtyping import Float, Int

from ratings.deck.models import Presentation, RatingEvent, Value
from ratings.photos.scopes import CATALOGUE, Scope
from ratings.ranking.models import FEATURES
from ratings.sql import CURRENT_PROJECTION, FILLING_PROJECTION, columns, rows, vectors

# Of a large catalogue, every photo with the same probability: 16 for each one wanted, so that enough are unrated.
SOME = "random() < (SELECT 16e0 * %(limit)s / greatest(reltuples, 1) FROM pg_class WHERE oid = 'ratings_photofeatures'::regclass)"


@dataclass(frozen=True)
class Progress:
    """Photos of a scope, those of them that can be dealt, and those that the rater has rated so far, skips included.

    `updated` counts the photos with features of the projection that fills; None where none does.
    """

    total: int
    ready: int
    rated: int
    updated: int | None


def candidates(rater_id: UUID, scope: Scope, limit: int) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n 256"]]:
    """Ids and features of a random sample of the photos of a scope that were never presented to this rater, in random order."""
    found = _random_photos(rater_id, scope, limit, SOME) if scope == CATALOGUE else []
    if len(found) < limit:
        found = _random_photos(rater_id, scope, limit)
    ids, features = columns(found, 2)
    return np.array(ids, dtype=np.int64), vectors(features, FEATURES)


def _random_photos(rater_id: UUID, scope: Scope, limit: int, which: str = "true") -> list[tuple[Any, ...]]:
    # The sample is drawn before features are read: a sort that carries every photo's features takes several times as long. OFFSET 0 keeps
    # the photos a query of its own, so that only those `which` are compared with the presentations.
    return rows(
        f"""SELECT d.photo_id, halfvec_send(d.features) FROM (
            SELECT few.id, random() AS place FROM (
                SELECT d.id, d.photo_id FROM ratings_photofeatures d
                WHERE d.projection_id = {CURRENT_PROJECTION} AND {scope.features("d")} AND {which} OFFSET 0
            ) few WHERE NOT EXISTS (SELECT 1 FROM ratings_presentation c WHERE c.rater_id = %(rater)s AND c.photo_id = few.photo_id)
            ORDER BY place LIMIT %(limit)s
        ) sample JOIN ratings_photofeatures d USING (id) ORDER BY sample.place""",  # noqa: S608 (constants)
        {"rater": rater_id, "limit": limit, **scope.parameters},
    )


def open_presentations(rater_id: UUID, scope: Scope, limit: int) -> list[Presentation]:
    """Presentations of the scope's photos that wait for a rating, in the order of the deck."""
    found = rows(
        f"""SELECT c.token FROM ratings_presentation c JOIN ratings_photo p ON p.id = c.photo_id
        WHERE c.rater_id = %(rater)s AND c.rated_at IS NULL AND {scope.condition} ORDER BY c.position LIMIT %(limit)s""",  # noqa: S608 (constants)
        {"rater": rater_id, "limit": limit, **scope.parameters},
    )
    return list(Presentation.objects.filter(token__in=[row[0] for row in found]).order_by("position").select_related("photo"))


def last_rated(rater_id: UUID, scope: Scope, limit: int) -> list[UUID]:
    """Tokens of the presentations of the scope's photos that were rated last, the last one first."""
    found = rows(
        f"""SELECT c.token FROM ratings_presentation c JOIN ratings_photo p ON p.id = c.photo_id
        WHERE c.rater_id = %(rater)s AND c.rated_at IS NOT NULL AND {scope.condition} ORDER BY c.rated_at DESC LIMIT %(limit)s""",  # noqa: S608 (constants)
        {"rater": rater_id, "limit": limit, **scope.parameters},
    )
    return [row[0] for row in found]


def progress(rater_id: UUID, scope: Scope) -> Progress:
    """The rater's progress in a scope, and that of feature extraction."""
    counts = rows(
        f"""SELECT count(*), count(d.id),
            (SELECT count(*) FROM ratings_presentation c JOIN ratings_photo p ON p.id = c.photo_id
                WHERE c.rater_id = %(rater)s AND c.rated_at IS NOT NULL AND {scope.condition}),
            CASE WHEN {FILLING_PROJECTION} IS NOT NULL THEN (SELECT count(*) FROM ratings_photofeatures n
                WHERE n.projection_id = {FILLING_PROJECTION} AND {scope.features("n")}) END
        FROM ratings_photo p
        LEFT JOIN ratings_photofeatures d ON d.photo_id = p.id AND d.projection_id = {CURRENT_PROJECTION} AND {scope.owned("d")}
        WHERE {scope.condition}""",  # noqa: S608 (constants)
        {"rater": rater_id, **scope.parameters},
    )
    return Progress(*counts[0])


def current_ratings() -> QuerySet[RatingEvent]:
    """Every current rating, skips left out: the last `set` event of each rated presentation that no merge has superseded."""
    newest = RatingEvent.objects.filter(presentation=OuterRef("presentation"), superseded=False).order_by("-seq").values("seq")[:1]
    current = RatingEvent.objects.filter(kind=RatingEvent.Kind.SET, value__gt=Value.SKIP, seq=Subquery(newest))
    return current.select_related("presentation__photo").order_by("rater", "seq")
