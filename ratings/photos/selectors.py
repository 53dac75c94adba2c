"""Reads of photos."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from ratings.photos.models import Photo


def photos_shown_to(rater_id: UUID, photo_ids: Sequence[int] | None = None) -> QuerySet[Photo]:
    """Photos that this rater may see: the shared catalogue and the rater's own."""
    photos = Photo.objects.filter(Q(owner=None) | Q(owner=rater_id))
    return photos if photo_ids is None else photos.filter(id__in=photo_ids)


def visible_photo(photo_id: int, content_hash: str, *, rater_id: UUID | None, is_staff: bool) -> Photo | None:
    """The photo, if the requester may see it: raters see the catalogue and their own, staff see all photos, others none."""
    if is_staff:
        photos = Photo.objects.filter(id=photo_id)
    elif rater_id is not None:
        photos = photos_shown_to(rater_id, [photo_id])
    else:
        return None
    return photos.filter(content_hash=content_hash).first()


def photos_by_id(photo_ids: Sequence[int]) -> dict[int, Photo]:
    """The photos that exist, without an access check."""
    return Photo.objects.in_bulk(list(photo_ids))
