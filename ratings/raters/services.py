"""Writes of raters."""

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from ratings.errors import NotSignedIn
from ratings.raters.models import Rater
from ratings.raters.selectors import UNUSED_DAYS

DELETED_AT_ONCE = 200  # guests, with their rows in other tables


def make_guest() -> Rater:
    """A new rater without an account."""
    return Rater.objects.create()


def give_rater(*, user_id: int, guest: UUID | None, with_ratings: bool) -> UUID:
    """The rater of an account. One without becomes the `guest`, if it has no ratings or `with_ratings`, or else gets a new rater."""
    rater = Rater.objects.filter(user=user_id)
    existing = rater.first()
    if existing:
        return existing.id
    try:
        with transaction.atomic():
            # A guest becomes one account only: of two tabs that sign up the same guest, the second gets a new rater.
            if guest:
                free = Rater.objects.filter(id=guest, user=None, **({} if with_ratings else {"ratings_seq": 0}))
                if free.update(user=user_id):
                    return guest
            return Rater.objects.create(user_id=user_id).id
    except IntegrityError:  # another request of the same account was faster
        return rater.get().id


def set_sharing(*, rater_id: UUID, on: bool) -> None:
    """Opt in to sharing ratings, or out; applies from the next nightly run.

    Raises:
        NotSignedIn: this rater has been deleted.
    """
    rater = Rater.objects.filter(id=rater_id)
    if not rater.exists():
        raise NotSignedIn
    if on:
        rater.filter(shares_ratings_since=None).update(shares_ratings_since=timezone.now())
    else:
        rater.update(shares_ratings_since=None)


def delete_old_guests(*, keep_days: int) -> int:
    """Delete guests who never rated within a week, and those who have not rated for `keep_days` days (0: they stay). Returns how many."""
    now, guests = timezone.now(), Rater.objects.filter(user=None)
    deleted = _delete_all(guests.filter(ratings_seq=0, created_at__lt=now - timedelta(days=UNUSED_DAYS)))
    if keep_days:
        limit = now - timedelta(days=keep_days)
        deleted += _delete_all(guests.filter(created_at__lt=limit).exclude(ratingevent__created_at__gte=limit))
    return deleted


def _delete_all(guests: QuerySet[Rater]) -> int:
    deleted = 0
    while True:
        with transaction.atomic():
            # Locked: a rating that arrives meanwhile is counted first, and this guest stays, or finds no rater.
            ids = list(guests.select_for_update(skip_locked=True).values_list("id", flat=True)[:DELETED_AT_ONCE])
            Rater.objects.filter(id__in=ids).delete()
        deleted += len(ids)
        if not ids:
            return deleted
