"""Reads of raters."""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser

from ratings.raters.models import MergedGuest, Rater


def guest_exists(rater_id: UUID) -> bool:
    """Whether a rater exists that has no account."""
    return Rater.objects.filter(id=rater_id, user=None).exists()


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
