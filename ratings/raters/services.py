"""Writes of raters."""

from uuid import UUID

from django.utils import timezone

from ratings.errors import NotSignedIn
from ratings.raters.models import Rater


def make_guest() -> Rater:
    """A new rater without an account."""
    return Rater.objects.create()


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
