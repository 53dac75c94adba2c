"""Reads. Hot ones are single SQL statements; nothing here writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import numpy as np
from django.db.models import OuterRef, Q, QuerySet, Subquery
from jaxtyping import Float, Int

from ratings.models import FEATURES, FOLDS, SHARED, Bank, Fit, Person, Photo, Presentation, RatingEvent, Value
from ratings.sharing import fold_of, own_fold
from ratings.sql import MINE, columns, rows, to_list, vectors

READ_AT_ONCE = 500  # photos


@dataclass(frozen=True)
class History:
    """A person's current answers, skips left out, with the features of their photos and what others' answers say of these."""

    ratings_seq: int
    bank: str
    population: int | None  # the version of what others taught; None where nothing of it is used
    photo_ids: Int[np.ndarray, "ratings"]
    features: Float[np.ndarray, "ratings 256"]
    shared: Float[np.ndarray, "ratings 2"]  # as told by the folds that this person is not in
    values: Float[np.ndarray, "ratings"]


def current_bank() -> str | None:
    """Hash of the bank that photos are ranked by."""
    return Bank.objects.filter(is_current=True).values_list("hash", flat=True).first()


def person_exists(person_id: UUID) -> bool:
    return Person.objects.filter(id=person_id).exists()


def rating_history(person_id: UUID, *, stale_only: bool = True) -> History | None:
    """What a fit is made of; None where the person or the bank is gone, or where the stored fit has seen it all (unless not `stale_only`).

    `ratings_seq` is read first: an answer that arrives in between makes the fit better than its number says, never worse.
    """
    state = rows(
        """SELECT p.ratings_seq, b.hash, s.id,
            p.ratings_seq > f.ratings_seq OR f.bank_id IS DISTINCT FROM b.hash OR f.population_id IS DISTINCT FROM s.id AS stale
        FROM ratings_person p JOIN ratings_bank b ON b.is_current JOIN ratings_fit f ON f.person_id = p.id
        LEFT JOIN ratings_population s ON s.is_current AND s.bank_id = b.hash WHERE p.id = %(person)s""",
        {"person": person_id},
    )
    if not state or (stale_only and not state[0][3]):
        return None
    seq, bank, population, _ = state[0]
    found = rows(
        """SELECT c.photo_id, halfvec_send(d.features), c.value, halfvec_send(d.shared) FROM ratings_presentation c
        JOIN ratings_description d ON d.photo_id = c.photo_id AND d.bank_id = %(bank)s
        WHERE c.person_id = %(person)s AND c.value > 0 ORDER BY c.answered_at, c.token""",
        {"person": person_id, "bank": bank},
    )
    ids, features, values, shared = columns(found, 4)
    return History(
        ratings_seq=seq,
        bank=bank,
        population=population,
        photo_ids=np.array(ids, dtype=np.int64),
        features=vectors(features, FEATURES),
        shared=vectors(shared, FOLDS * SHARED)[:, own_fold(person_id)],
        values=np.array(values, dtype=np.float64),
    )


def candidates(person_id: UUID, limit: int) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n 256"]]:
    """A random sample of described photos that were never dealt to this person, in random order."""
    # Numbers are drawn first: a sort that carries every photo's features takes several times as long.
    found = rows(
        f"""SELECT d.photo_id, halfvec_send(d.features) FROM (
            SELECT d.id, random() AS place FROM ratings_description d JOIN ratings_photo p ON p.id = d.photo_id
            WHERE d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current) AND {MINE}
            AND NOT EXISTS (SELECT 1 FROM ratings_presentation c WHERE c.person_id = %(person)s AND c.photo_id = d.photo_id)
            ORDER BY place LIMIT %(limit)s
        ) sample JOIN ratings_description d USING (id) ORDER BY sample.place""",  # noqa: S608 (MINE is ours)
        {"person": person_id, "limit": limit},
    )
    ids, features = columns(found, 2)
    return np.array(ids, dtype=np.int64), vectors(features, FEATURES)


@dataclass(frozen=True)
class FitToExport:
    """A person's fit as numbers, and what a card tells of it."""

    weights: list[float]  # of an instant fit: 256; else empty
    coefficients: list[float]  # of an exact one, block after block; else empty
    facts: dict[str, Any]


def fit_to_export(person_id: UUID, method: Literal["speaking", "instant", "exact"] = "speaking") -> FitToExport | None:
    """A person's current fit: the one that speaks, or the instant, or the exact one where it speaks; None without any.

    What others taught is part of an instant fit as far as it follows from a photo's features. What it says of single photos stays behind.
    """
    fit = Fit.objects.filter(person_id=person_id, bank__is_current=True).select_related("person__refinement", "population").first()
    if fit is None:
        return None
    facts = {
        "person": str(person_id),
        "method": method,
        "bank": fit.bank_id,
        "ratings": Presentation.objects.filter(person_id=person_id, value__gt=Value.SKIP).count(),
        "ratings_seq": fit.ratings_seq,
        "accuracy": fit.accuracy,
        "fitted_at": fit.updated_at.isoformat(),
    }
    if fit.refined and method != "instant":
        numbers = np.frombuffer(bytes(fit.person.refinement.coefficients), dtype="<f4")
        return FitToExport([], numbers.tolist(), facts | {"method": "exact", "population": None})
    if method == "exact":
        return None
    weights = np.array(to_list(fit.weights))
    if fit.population:
        mean = to_list(fit.shared)[own_fold(person_id)][0]
        weights[1:] += mean * np.array(fit.population.weights[fold_of(person_id)])
    if fit.refined:  # its accuracy is that of the exact fit
        facts["accuracy"] = None
    return FitToExport(weights.tolist(), [], facts | {"method": "instant", "population": fit.population_id})


def rated_photos(person_id: UUID) -> tuple[list[Photo], list[int]]:
    """Photos that a person answered, skips left out, and the answers, in the order of the answers."""
    answered = Presentation.objects.filter(person_id=person_id, value__gt=Value.SKIP).order_by("answered_at", "token")
    return [one.photo for one in answered.select_related("photo")], [one.value or 0 for one in answered]


def open_cards(person_id: UUID, limit: int) -> list[Presentation]:
    """Cards that were dealt and wait for an answer, in the order of the deck."""
    cards = Presentation.objects.filter(person=person_id, answered_at=None).order_by("position").select_related("photo")
    return list(cards[:limit])


def progress(person_id: UUID) -> dict[str, int]:
    """How many photos there are, are described, and were answered."""
    counts = rows(
        f"""SELECT count(*), count(d.id),
            (SELECT count(*) FROM ratings_presentation c WHERE c.person_id = %(person)s AND c.answered_at IS NOT NULL)
        FROM ratings_photo p LEFT JOIN ratings_description d
        ON d.photo_id = p.id AND d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current) WHERE {MINE}""",  # noqa: S608 (MINE is ours)
        {"person": person_id},
    )
    return dict(zip(("total", "described", "rated"), counts[0], strict=True))


def photos_shown_to(person_id: UUID, photo_ids: Sequence[int] | None = None) -> QuerySet[Photo]:
    """Photos that this person may see: the catalogue and their own."""
    photos = Photo.objects.filter(Q(owner=None) | Q(owner=person_id))
    return photos if photo_ids is None else photos.filter(id__in=photo_ids)


def photos_by_id(photo_ids: Sequence[int]) -> dict[int, Photo]:
    """The photos that there are, whoever may see them."""
    return Photo.objects.in_bulk(list(photo_ids))


def photos_to_describe(photo_id: int, limit: int) -> list[Photo]:
    """The photo and others after it that the current bank has not described; none where this one is gone or described."""
    waiting = Photo.objects.exclude(description__bank__is_current=True).filter(id__gte=photo_id).order_by("id")[:limit]
    found = list(waiting)
    return found if found and found[0].id == photo_id else []


def undescribed_photos() -> Iterator[Photo]:
    """Photos without a description by the current bank, read as far as they are asked for."""
    bank, last = current_bank(), 0
    while bank and (found := list(Photo.objects.exclude(description__bank=bank).filter(id__gt=last).order_by("id")[:READ_AT_ONCE])):
        yield from found
        last = found[-1].id


def current_ratings() -> QuerySet[RatingEvent]:
    """Every answer that stands, skips left out: the last `set` event of each answered card."""
    newest = RatingEvent.objects.filter(presentation=OuterRef("presentation")).order_by("-seq").values("seq")[:1]
    standing = RatingEvent.objects.filter(kind=RatingEvent.Kind.SET, value__gt=Value.SKIP, seq=Subquery(newest))
    return standing.select_related("presentation__photo").order_by("person", "seq")
