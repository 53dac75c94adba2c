"""Reads of raters."""

from uuid import UUID

from ratings.raters.models import Rater


def rater_exists(rater_id: UUID) -> bool:
    return Rater.objects.filter(id=rater_id).exists()


def shares_ratings(rater_id: UUID) -> bool:
    """Whether this rater consents to share ratings."""
    return Rater.objects.filter(id=rater_id, shares_ratings_since__isnull=False).exists()
