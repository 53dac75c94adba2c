"""Answers that people share, so that what is common to all taste need not be learned anew by each: consent, reads, versions.

People are in `FOLDS` folds for good. What is told to a fold was taught by the others: nobody's own answers come back to them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from jaxtyping import Float, Int

from ratings.errors import NotSignedIn
from ratings.models import FEATURES, FOLDS, SHARED, Person, Population, nothing_shared
from ratings.sql import columns, rows, to_text, vectors

VERSIONS = 0x504F50  # key of the lock between photos that are described and a version that comes into use
AT_ONCE = 5000  # descriptions that are read and written together


def fold_of(person_id: UUID) -> int:
    """The fold that a person is in."""
    return person_id.int % FOLDS


def own_fold(person_id: UUID) -> slice:
    """Where the numbers for this person stand among those of all folds."""
    return slice(SHARED * fold_of(person_id), SHARED * (fold_of(person_id) + 1))


def in_own_fold(person_id: UUID, shared: Sequence[float]) -> list[float]:
    """Weights of the shared numbers as they are stored: zero outside of the person's own fold."""
    whole = nothing_shared()
    if any(shared):
        whole[own_fold(person_id)] = [float(number) for number in shared]
    return whole


def shares_answers(person_id: UUID) -> bool:
    """Whether this person lets their answers teach."""
    return Person.objects.filter(id=person_id, shares_answers_since__isnull=False).exists()


def share_answers(*, person_id: UUID, on: bool) -> None:
    """Let a person's answers teach from the next night on, or no longer.

    Raises:
        NotSignedIn: this person has been deleted.
    """
    person = Person.objects.filter(id=person_id)
    if not person.exists():
        raise NotSignedIn
    if on:
        person.filter(shares_answers_since=None).update(shares_answers_since=timezone.now())
    else:
        person.update(shares_answers_since=None)


@dataclass(frozen=True)
class Shared:
    """Answers of all who share them, about photos of the catalogue that the current bank has described. Skips are left out."""

    bank: str
    photo_ids: Int[np.ndarray, "photos"]  # each rated by somebody
    features: Float[np.ndarray, "photos 256"]
    told: Float[np.ndarray, "photos 10"]  # what the version before says of each
    people: list[UUID]
    photos: list[Int[np.ndarray, "ratings"]]  # per person: places in `photo_ids`
    values: list[Float[np.ndarray, "ratings"]]


def shared_answers() -> Shared | None:
    """What there is to learn from; None without a bank. One's own album teaches nobody."""
    bank = rows("SELECT hash FROM ratings_bank WHERE is_current", {})
    if not bank:
        return None
    answers = columns(
        rows(
            """SELECT c.person_id, c.photo_id, c.value FROM ratings_presentation c JOIN ratings_person p ON p.id = c.person_id
            JOIN ratings_photo f ON f.id = c.photo_id JOIN ratings_description d ON d.photo_id = c.photo_id AND d.bank_id = %(bank)s
            WHERE p.shares_answers_since IS NOT NULL AND c.value > 0 AND f.owner_id IS NULL ORDER BY c.person_id, c.answered_at, c.token""",
            {"bank": bank[0][0]},
        ),
        3,
    )
    whose, values = list(answers[0]), np.array(answers[2], dtype=np.float64)
    photo_ids, places = np.unique(np.array(answers[1], dtype=np.int64), return_inverse=True)
    described = rows(
        """SELECT photo_id, halfvec_send(features), halfvec_send(shared) FROM ratings_description
        WHERE bank_id = %(bank)s AND photo_id = ANY(%(photos)s) ORDER BY photo_id""",
        {"bank": bank[0][0], "photos": photo_ids.tolist()},
    )
    _, features, told = columns(described, 3)
    people = sorted(set(whose))
    own = {person: number for number, person in enumerate(people)}
    numbers = np.array([own[person] for person in whose], dtype=np.int64)
    return Shared(
        bank=bank[0][0],
        photo_ids=photo_ids,
        features=vectors(features, FEATURES),
        told=vectors(told, FOLDS * SHARED),
        people=people,
        photos=[places[numbers == number] for number in range(len(people))],
        values=[values[numbers == number] for number in range(len(people))],
    )


def of_new_photo(bank: str, features: Sequence[float]) -> list[float]:
    """What the version in use says of a photo that is being described; zeros without one.

    To be called in the transaction that stores the description: until its end no other version comes into use, and would miss the photo.
    """
    _lock("pg_advisory_xact_lock_shared")
    population = Population.objects.filter(is_current=True, bank=bank).first()
    if population is None:
        return nothing_shared()
    return of_unrated(np.array([features]), np.array(population.weights))[0].tolist()


def of_unrated(features: Float[np.ndarray, "photos 256"], weights: Float[np.ndarray, "folds features"]) -> Float[np.ndarray, "photos 10"]:
    """What a version says of photos that nobody rated: a mean that follows from their features, and no taste of their own."""
    shared = np.zeros((len(features), FOLDS, SHARED))
    shared[:, :, 0] = features[:, 1:] @ weights.T
    return shared.reshape(len(features), FOLDS * SHARED)


def use_population(
    *, bank: str, people: int, weights: Float[np.ndarray, "folds features"], report: dict[str, Any], rated: Mapping[int, Sequence[float]]
) -> Population:
    """Make a version the current one: every photo gets its numbers in the same transaction. People are refitted by the sweeper.

    `rated` are the numbers of photos that somebody rated, by id; those of all others follow from their features.
    """
    with transaction.atomic():
        _lock("pg_advisory_xact_lock")
        Population.objects.filter(is_current=True).update(is_current=False)
        for ids, features in _described(bank):
            shared = of_unrated(features, weights)
            for place, photo in enumerate(ids):
                if photo in rated:
                    shared[place] = rated[photo]
            _write(bank, ids, shared)
        return Population.objects.create(
            bank_id=bank, is_current=True, people=people, photos=len(rated), weights=weights.tolist(), report=report
        )


def use_no_population(*, bank: str, people: int, photos: int, report: dict[str, Any]) -> Population:
    """Keep a version that the floor did not pass for the record; whichever was in use is no longer."""
    with transaction.atomic():
        _lock("pg_advisory_xact_lock")
        Population.objects.filter(is_current=True).update(is_current=False)
        with connection.cursor() as cursor:
            nothing = to_text(nothing_shared())
            cursor.execute(
                "UPDATE ratings_description SET shared = %s::halfvec WHERE bank_id = %s AND shared <> %s::halfvec", [nothing, bank, nothing]
            )
        return Population.objects.create(bank_id=bank, people=people, photos=photos, report=report)


def _lock(how: str) -> None:
    """Photos may be described side by side; a version comes into use while none is."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(%s, 0)", [VERSIONS])


def _described(bank: str) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    last = 0
    while found := rows(
        """SELECT photo_id, halfvec_send(features) FROM ratings_description WHERE bank_id = %(bank)s AND photo_id > %(last)s
        ORDER BY photo_id LIMIT %(count)s""",
        {"bank": bank, "last": last, "count": AT_ONCE},
    ):
        ids, features = columns(found, 2)
        last = ids[-1]
        yield ids, vectors(features, FEATURES)


def _write(bank: str, ids: Sequence[int], shared: Float[np.ndarray, "photos 10"]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_description d SET shared = new.shared::halfvec
            FROM unnest(%s::bigint[], %s::text[]) AS new(id, shared) WHERE d.bank_id = %s AND d.photo_id = new.id""",
            [list(ids), [to_text(row.tolist()) for row in shared], bank],
        )
