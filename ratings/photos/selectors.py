"""Reads of photos."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from ratings.photos.models import Photo


def photos_shown_to(rater_id: UUID, photo_ids: Sequence[int] | None = None) -> QuerySet[Photo]:
    """Photos that this rater may see: the shared catalogue and the rater's own."""
    photos = Photo.objects.filter(Q(owner=None) | Q(owner=rater_id))
    return photos if photo_ids is None else photos.filter(id__in=photo_ids)


def photos_by_id(photo_ids: Sequence[int]) -> dict[int, Photo]:
    """The photos that exist, whoever may see them."""
    return Photo.objects.in_bulk(list(photo_ids))
