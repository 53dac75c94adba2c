"""Writes. Each is one short transaction; what others must hear of is sent after commit."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone
from pgvector import HalfVector

from ratings import jobs, rankings, selectors, sharing
from ratings.errors import ClientIdReused, NothingToUndo, NotSignedIn, UnknownCard, UsedCard
from ratings.models import Bank, Description, Fit, Person, Presentation, RatingEvent

logger = logging.getLogger(__name__)

REQUEUE_SECONDS = 3  # a refit that has waited so long may have been lost: the next answer asks again


@dataclass(frozen=True)
class Recorded:
    """An answer is stored; `created` is False where the same one had been stored before."""

    ratings_seq: int
    created: bool


@dataclass(frozen=True)
class Undone:
    """An answer is taken back; its card is open again. Without a card the same undo had been stored before, and the card answered since."""

    ratings_seq: int
    card: Presentation | None


def make_guest() -> Person:
    """A person without an account, who knows nothing yet but the generic ranking."""
    with transaction.atomic():
        person = Person.objects.create()
        Fit.objects.create(person=person, weights=rankings.generic_weights())
    return person


def record_rating(
    *, person_id: UUID, token: UUID, client_id: UUID, value: int, on_screen_ms: int | None = None, modality: str = ""
) -> Recorded:
    """Store the answer to a card, once.

    Raises:
        UnknownCard: no such card was dealt to this person.
        UsedCard: it has an answer already.
        ClientIdReused: this client id belongs to another answer.
        NotSignedIn: this person has been deleted.
    """
    with transaction.atomic():
        seq, queue = _next_event(person_id)
        before = RatingEvent.objects.filter(person=person_id, client_id=client_id).first()
        if before:
            transaction.set_rollback(True)
            if (before.kind, before.presentation_id, before.value) != (RatingEvent.Kind.SET, token, value):
                raise ClientIdReused
            return Recorded(before.seq, created=False)
        card = Presentation.objects.filter(token=token, person=person_id)
        if not card.filter(answered_at=None).update(answered_at=timezone.now(), value=value):
            raise UsedCard if card.exists() else UnknownCard
        RatingEvent.objects.create(
            person_id=person_id,
            seq=seq,
            client_id=client_id,
            kind=RatingEvent.Kind.SET,
            presentation_id=token,
            value=value,
            on_screen_ms=on_screen_ms,
            modality=modality,
        )
        if queue:
            transaction.on_commit(lambda: jobs.request_refit(person_id))
    return Recorded(seq, created=True)


def undo_last_rating(*, person_id: UUID, client_id: UUID) -> Undone:
    """Take the last standing answer back: an event of its own, and the card is open again, before all others.

    Raises:
        NothingToUndo: every answer has been taken back already, or none was given.
        ClientIdReused: this client id belongs to an answer.
    """
    with transaction.atomic():
        seq, queue = _next_event(person_id)
        before = RatingEvent.objects.filter(person=person_id, client_id=client_id).first()
        if before:
            if before.kind != RatingEvent.Kind.UNDO:
                raise ClientIdReused
            card = Presentation.objects.select_related("photo").filter(token=before.presentation_id, answered_at=None).first()
            transaction.set_rollback(True)
            return Undone(before.seq, card)
        last = (
            RatingEvent.objects.filter(person=person_id, kind=RatingEvent.Kind.SET, presentation__answered_at__isnull=False)
            .order_by("-seq")
            .first()
        )
        if last is None:
            raise NothingToUndo
        first = Presentation.objects.filter(person=person_id, answered_at=None).aggregate(place=Min("position"))["place"]
        card = Presentation.objects.select_related("photo").get(token=last.presentation_id)
        value, card.value, card.answered_at, card.position = last.value, None, None, (first or 0) - 1
        card.save(update_fields=["value", "answered_at", "position"])
        RatingEvent.objects.create(
            person_id=person_id, seq=seq, client_id=client_id, kind=RatingEvent.Kind.UNDO, presentation=card, value=value
        )
        if queue:
            transaction.on_commit(lambda: jobs.request_refit(person_id))
    return Undone(seq, card)


def _next_event(person_id: UUID) -> tuple[int, bool]:
    """Count one more event of a person, and lock them until commit: (its number, whether a refit must be queued)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_person SET ratings_seq = ratings_seq + 1, refit_queued_at = CASE
            WHEN refit_queued_at >= statement_timestamp() - make_interval(secs => %s) THEN refit_queued_at ELSE statement_timestamp() END
            WHERE id = %s RETURNING ratings_seq, refit_queued_at = statement_timestamp()""",
            [REQUEUE_SECONDS, person_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotSignedIn
    return row


def deal_cards(*, person_id: UUID, count: int) -> list[Presentation]:
    """The open cards of a person, topped up to `count`: first what the last fit chose, then photos at random.

    Raises:
        NotSignedIn: this person has been deleted.
    """
    cards = selectors.open_cards(person_id, count)
    if len(cards) >= count:
        return cards
    with transaction.atomic():
        # One deal at a time: two pages that ask at once must get the same cards.
        if Person.objects.select_for_update().filter(id=person_id).first() is None:
            raise NotSignedIn
        cards = selectors.open_cards(person_id, count)
        wanted = count - len(cards)
        chosen = _chosen(person_id)[:wanted]
        if len(chosen) < wanted:
            known = {card["photo"] for card in chosen}
            photos, _ = selectors.candidates(person_id, wanted)
            spare = [photo for photo in photos.tolist() if photo not in known]
            chosen += [{"photo": photo, "algorithm": "random", "reason": {}} for photo in spare[: wanted - len(chosen)]]
        last = Presentation.objects.filter(person=person_id).aggregate(place=Max("position"))["place"] or 0
        Presentation.objects.bulk_create(
            Presentation(
                person_id=person_id, photo_id=card["photo"], algorithm=card["algorithm"], reason=card["reason"], position=last + place
            )
            for place, card in enumerate(chosen, start=1)
        )
        return selectors.open_cards(person_id, count)


def _chosen(person_id: UUID) -> list[dict[str, Any]]:
    """What the last fit chose and nobody has dealt to this person since."""
    cards = Fit.objects.filter(person=person_id).values_list("next_cards", flat=True).first() or []
    dealt = set(Presentation.objects.filter(person=person_id, photo__in=[card["photo"] for card in cards]).values_list("photo", flat=True))
    there = set(selectors.photos_shown_to(person_id, [card["photo"] for card in cards]).values_list("id", flat=True))
    return [card for card in cards if card["photo"] in there - dealt]


def use_bank(*, hash: str, card: dict[str, Any]) -> None:
    """Make a bank the current one. Photos that it has not described yet are found by the sweeper."""
    with transaction.atomic():
        Bank.objects.exclude(hash=hash).filter(is_current=True).update(is_current=False)
        Bank.objects.update_or_create(hash=hash, defaults={"card": card, "is_current": True})


def store_description(*, photo_id: int, bank: str, score: float, features: Sequence[float]) -> None:
    """Keep how a bank sees a photo, and what others' answers let expect of it; a second description by the same bank changes nothing."""
    with transaction.atomic():
        told = HalfVector(sharing.of_new_photo(bank, features))
        row = Description(photo_id=photo_id, bank_id=bank, score=score, features=HalfVector(list(features)), shared=told)
        Description.objects.bulk_create([row], ignore_conflicts=True)
