"""Reads of raters."""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser

from ratings.raters.models import Rater


def rater_exists(rater_id: UUID) -> bool:
    return Rater.objects.filter(id=rater_id).exists()


def shares_ratings(rater_id: UUID) -> bool:
    """Whether this rater consents to share ratings."""
    return Rater.objects.filter(id=rater_id, shares_ratings_since__isnull=False).exists()


def is_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether a request comes from an administrator."""
    return isinstance(user, AbstractUser) and user.is_staff and user.is_active
