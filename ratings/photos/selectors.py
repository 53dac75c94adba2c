"""Reads of photos."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from ratings.photos.models import Photo, PhotoView

VIEW_MINUTES = 15  # that an administrator may look at an own photo, after giving a reason


def photos_shown_to(rater_id: UUID, photo_ids: Sequence[int] | None = None) -> QuerySet[Photo]:
    """Photos that this rater may see: the shared catalogue and the rater's own."""
    photos = Photo.objects.filter(Q(owner=None) | Q(owner=rater_id))
    return photos if photo_ids is None else photos.filter(id__in=photo_ids)


def visible_photo(photo_id: int, content_hash: str, *, rater_id: UUID | None, staff_id: int | None = None) -> Photo | None:
    """The photo, if the requester may see it: raters see the catalogue and their own, others none.

    An administrator sees the catalogue, and an own photo of somebody else for a while after giving a reason.
    """
    if rater_id is None and staff_id is None:
        return None
    may_see = Q(owner=None)
    if rater_id is not None:
        may_see |= Q(owner=rater_id)
    if staff_id is not None:
        lately = timezone.now() - timedelta(minutes=VIEW_MINUTES)
        may_see |= Q(id__in=PhotoView.objects.filter(photo=photo_id, user=staff_id, created_at__gt=lately).values("photo"))
    return Photo.objects.filter(may_see, id=photo_id, content_hash=content_hash).first()


def photos_by_id(photo_ids: Sequence[int]) -> dict[int, Photo]:
    """The photos that exist, without an access check."""
    return Photo.objects.in_bulk(list(photo_ids))
