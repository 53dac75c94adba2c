"""Reads. Hot ones are single SQL statements; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import OuterRef, Q, QuerySet, Subquery
from jaxtyping import Float, Int
from pgvector import HalfVector

from ratings.models import Bank, Description, Fit, Person, Photo, Presentation, RatingEvent, Value

MINE = "(p.owner_id IS NULL OR p.owner_id = %(person)s)"  # the catalogue and one's own album


@dataclass(frozen=True)
class History:
    """A person's current answers, skips left out, with the features of their photos."""

    ratings_seq: int
    bank: str
    photo_ids: Int[np.ndarray, "ratings"]
    features: Float[np.ndarray, "ratings 256"]
    values: Float[np.ndarray, "ratings"]


def current_bank() -> str | None:
    """Hash of the bank that photos are ranked by."""
    return Bank.objects.filter(is_current=True).values_list("hash", flat=True).first()


def person_exists(person_id: UUID) -> bool:
    return Person.objects.filter(id=person_id).exists()


def rating_history(person_id: UUID) -> History | None:
    """What a fit is made of; None where the person or the bank is gone, or where the stored fit has seen it all.

    `ratings_seq` is read first: an answer that arrives in between makes the fit better than its number says, never worse.
    """
    state = _rows(
        """SELECT p.ratings_seq, b.hash FROM ratings_person p JOIN ratings_bank b ON b.is_current JOIN ratings_fit f ON f.person_id = p.id
        WHERE p.id = %(person)s AND (p.ratings_seq > f.ratings_seq OR f.bank_id IS DISTINCT FROM b.hash)""",
        {"person": person_id},
    )
    if not state:
        return None
    seq, bank = state[0]
    rows = _rows(
        """SELECT c.photo_id, halfvec_send(d.features), c.value FROM ratings_presentation c
        JOIN ratings_description d ON d.photo_id = c.photo_id AND d.bank_id = %(bank)s
        WHERE c.person_id = %(person)s AND c.value > 0 ORDER BY c.answered_at, c.token""",
        {"person": person_id, "bank": bank},
    )
    return History(seq, bank, _ids(rows), _features(rows), np.array([row[2] for row in rows], dtype=np.float64))


def candidates(person_id: UUID, limit: int) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n 256"]]:
    """A random sample of described photos that were never dealt to this person, in random order."""
    # Numbers are drawn first: a sort that carries every photo's features takes several times as long.
    rows = _rows(
        f"""SELECT d.photo_id, halfvec_send(d.features) FROM (
            SELECT d.id, random() AS place FROM ratings_description d JOIN ratings_photo p ON p.id = d.photo_id
            WHERE d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current) AND {MINE}
            AND NOT EXISTS (SELECT 1 FROM ratings_presentation c WHERE c.person_id = %(person)s AND c.photo_id = d.photo_id)
            ORDER BY place LIMIT %(limit)s
        ) sample JOIN ratings_description d USING (id) ORDER BY sample.place""",  # noqa: S608 (MINE is ours)
        {"person": person_id, "limit": limit},
    )
    return _ids(rows), _features(rows)


@dataclass(frozen=True)
class Ranking:
    """A stretch of a ranking: photos (id, score) in order, and how many there are in all."""

    photos: list[tuple[int, float]]
    total: int


def ranking(person_id: UUID, weights: Sequence[float], limit: int, offset: int = 0) -> Ranking:
    """Photos from the best by one exact scan: score = features . weights."""
    # Scored in a query of its own (OFFSET 0 keeps it one): else counting would carry every photo's features along.
    rows = _rows(
        f"""SELECT id, score, count(*) OVER () FROM (
            SELECT d.photo_id AS id, -(d.features <#> %(weights)s::halfvec) AS score
            FROM ratings_description d JOIN ratings_photo p ON p.id = d.photo_id
            WHERE d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current) AND {MINE} OFFSET 0
        ) scored ORDER BY score DESC, id LIMIT %(limit)s OFFSET %(offset)s""",  # noqa: S608 (MINE is ours)
        {"person": person_id, "weights": HalfVector(list(weights)).to_text(), "limit": limit, "offset": offset},
    )
    total = rows[0][2] if rows else ranked_photos(person_id) if offset else 0
    return Ranking([(photo, score) for photo, score, _ in rows], total)


def placed(ranked: Ranking, before: Sequence[int], first: int = 1) -> list[dict[str, Any]]:
    """A stretch of a ranking as it goes to the browser; `before` are photo ids in the order of the version before."""
    was = {photo: place for place, photo in enumerate(before, start=1)}
    return [
        {"id": photo, "place": place, "was": was.get(photo), "score": round(score, 4)}
        for place, (photo, score) in enumerate(ranked.photos, start=first)
    ]


def ranking_message(person_id: UUID, limit: int, offset: int = 0, *, everyone: bool = False) -> dict[str, Any]:
    """The ranking as it goes to the browser; `was` is the place in the top 500 of the fit before, null outside of it."""
    columns = ("version", "ratings_seq", "accuracy", "weights", "previous_top", "bank__is_current")
    fit = Fit.objects.filter(person=person_id).values_list(*columns).first()
    version, seq, accuracy, weights, was, is_current = fit or (0, 0, None, None, [], False)
    if everyone or not is_current:  # weights of another bank would say nothing about these features
        weights, was = generic_weights(), []
    ranked = ranking(person_id, _numbers(weights), limit, offset)
    top = placed(ranked, was, first=offset + 1)
    return {"version": version, "ratings_seq": seq, "accuracy": accuracy, "total": ranked.total, "top": top}


def ranked_photos(person_id: UUID) -> int:
    """How many photos are in this person's ranking."""
    mine = Q(photo__owner=None) | Q(photo__owner=person_id)
    return Description.objects.filter(mine, bank__is_current=True).count()


def places(person_id: UUID, photo_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Place of each photo in this person's ranking and in the generic one, from 1."""
    weights = Fit.objects.filter(person=person_id, bank__is_current=True).values_list("weights", flat=True).first()
    rows = _rows(
        f"""SELECT id, place, everyones FROM (
            SELECT d.photo_id AS id, row_number() OVER (ORDER BY d.features <#> %(weights)s::halfvec, d.photo_id) AS place,
            row_number() OVER (ORDER BY d.features <#> %(generic)s::halfvec, d.photo_id) AS everyones
            FROM ratings_description d JOIN ratings_photo p ON p.id = d.photo_id
            WHERE d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current) AND {MINE}
        ) ranked WHERE id = ANY(%(photos)s)""",  # noqa: S608 (MINE is ours)
        {
            "person": person_id,
            "weights": HalfVector(generic_weights() if weights is None else _numbers(weights)).to_text(),
            "generic": HalfVector(generic_weights()).to_text(),
            "photos": list(photo_ids),
        },
    )
    return {photo: (place, everyones) for photo, place, everyones in rows}


def fit_to_export(person_id: UUID) -> tuple[list[float], dict[str, Any]] | None:
    """Weights of a person's current fit, and what a card tells of it; None without any."""
    fit = Fit.objects.filter(person_id=person_id, bank__is_current=True).first()
    if fit is None:
        return None
    facts = {
        "person": str(person_id),
        "method": "instant",
        "bank": fit.bank_id,
        "ratings": Presentation.objects.filter(person_id=person_id, value__gt=Value.SKIP).count(),
        "ratings_seq": fit.ratings_seq,
        "accuracy": fit.accuracy,
        "fitted_at": fit.updated_at.isoformat(),
    }
    return _numbers(fit.weights), facts


def rated_photos(person_id: UUID) -> tuple[list[Photo], list[int]]:
    """Photos that a person answered, skips left out, and the answers, in the order of the answers."""
    answered = Presentation.objects.filter(person_id=person_id, value__gt=Value.SKIP).order_by("answered_at", "token")
    return [one.photo for one in answered.select_related("photo")], [one.value or 0 for one in answered]


def generic_weights() -> list[float]:
    """The weights of somebody who has said nothing: the generic score alone."""
    return [1.0] + [0.0] * 255


def open_cards(person_id: UUID, limit: int) -> list[Presentation]:
    """Cards that were dealt and wait for an answer, in the order of the deck."""
    cards = Presentation.objects.filter(person=person_id, answered_at=None).order_by("position").select_related("photo")
    return list(cards[:limit])


def progress(person_id: UUID) -> dict[str, int]:
    """How many photos there are, are described, and were answered."""
    rows = _rows(
        f"""SELECT count(*), count(d.id),
            (SELECT count(*) FROM ratings_presentation c WHERE c.person_id = %(person)s AND c.answered_at IS NOT NULL)
        FROM ratings_photo p LEFT JOIN ratings_description d
        ON d.photo_id = p.id AND d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current) WHERE {MINE}""",  # noqa: S608 (MINE is ours)
        {"person": person_id},
    )
    return dict(zip(("total", "described", "rated"), rows[0], strict=True))


def photos_shown_to(person_id: UUID, photo_ids: Sequence[int] | None = None) -> QuerySet[Photo]:
    """Photos that this person may see: the catalogue and their own."""
    photos = Photo.objects.filter(Q(owner=None) | Q(owner=person_id))
    return photos if photo_ids is None else photos.filter(id__in=photo_ids)


def photos_to_describe(photo_id: int, limit: int) -> list[Photo]:
    """The photo and others after it that the current bank has not described; none where this one is gone or described."""
    waiting = Photo.objects.exclude(description__bank__is_current=True).filter(id__gte=photo_id).order_by("id")[:limit]
    found = list(waiting)
    return found if found and found[0].id == photo_id else []


def undescribed_photos(limit: int) -> list[int]:
    """Photos without a description by the current bank."""
    bank = current_bank()
    if bank is None:
        return []
    missing = Photo.objects.exclude(description__bank=bank).order_by("id")
    return list(missing.values_list("id", flat=True)[:limit])


def current_ratings() -> QuerySet[RatingEvent]:
    """Every answer that stands, skips left out: the last `set` event of each answered card."""
    newest = RatingEvent.objects.filter(presentation=OuterRef("presentation")).order_by("-seq").values("seq")[:1]
    standing = RatingEvent.objects.filter(kind=RatingEvent.Kind.SET, value__gt=Value.SKIP, seq=Subquery(newest))
    return standing.select_related("presentation__photo").order_by("person", "seq")


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _ids(rows: list[tuple[Any, ...]]) -> np.ndarray:
    return np.array([row[0] for row in rows], dtype=np.int64)


def _features(rows: list[tuple[Any, ...]]) -> np.ndarray:
    """`halfvec_send` gives two 16-bit counts and then the numbers, big-endian: far faster to read than text."""
    if not rows:
        return np.zeros((0, 256), dtype=np.float32)
    return np.stack([np.frombuffer(row[1], dtype=">f2", offset=4) for row in rows]).astype(np.float32)


def _numbers(weights: Any) -> list[float]:
    return weights.to_list() if isinstance(weights, HalfVector) else list(weights)
