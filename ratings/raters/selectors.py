"""Reads of raters."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser
from django.db.models import Max

from ratings.raters.models import MergedGuest, Rater

UNUSED_DAYS = 7  # until a guest who never rated is deleted


def guest_exists(rater_id: UUID) -> bool:
    """Whether a rater exists that has no account."""
    return Rater.objects.filter(id=rater_id, user=None).exists()


def guest_ends_at(rater_id: UUID, *, keep_days: int) -> datetime | None:
    """When `services.delete_old_guests` deletes this guest if no further rating comes; None for accounts, and where guests are kept."""
    guest = Rater.objects.filter(id=rater_id, user=None).annotate(rated_at=Max("ratingevent__created_at")).first()
    if guest is None:
        return None
    if not guest.ratings_seq:
        return guest.created_at + timedelta(days=UNUSED_DAYS)
    return max(guest.created_at, guest.rated_at or guest.created_at) + timedelta(days=keep_days) if keep_days else None


def rater_of_account(user: AbstractBaseUser | AnonymousUser) -> UUID | None:
    """The rater of an account; no query where `ratings.accounts.backends` has read the account."""
    rater: Rater | None = getattr(user, "rater", None)
    return rater.id if rater else None


def guest_ratings(guest: UUID) -> int:
    """How many ratings and undos a guest without an account has given; 0 where there is no such guest."""
    return Rater.objects.filter(id=guest, user=None).values_list("ratings_seq", flat=True).first() or 0


def merged_guests(rater_id: UUID) -> list[UUID]:
    """The guests whose ratings this rater has."""
    return list(MergedGuest.objects.filter(rater=rater_id).order_by("merged_at").values_list("guest", flat=True))


def shares_ratings(rater_id: UUID) -> bool:
    """Whether this rater consents to share ratings."""
    return Rater.objects.filter(id=rater_id, shares_ratings_since__isnull=False).exists()


def is_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether a request comes from an administrator."""
    return isinstance(user, AbstractUser) and user.is_staff and user.is_active
