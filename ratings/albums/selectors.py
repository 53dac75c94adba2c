"""Reads of albums."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from ratings.albums.models import Album
from ratings.photos.models import Photo
from ratings.photos.scopes import UnknownAlbum


@dataclass(frozen=True)
class Shelf:
    """An album as the list of albums shows it."""

    album: Album
    photo_count: int
    cover: Photo | None


def album_of(owner_id: UUID | None, album_id: UUID) -> Album:
    """An album of this rater.

    Raises:
        UnknownAlbum: there is none, or it belongs to somebody else.
    """
    album = Album.objects.filter(id=album_id, owner=owner_id).first() if owner_id else None
    if album is None:
        raise UnknownAlbum
    return album


def shelves(owner_id: UUID) -> list[Shelf]:
    """The rater's albums, newest first."""
    return [_shelf(album) for album in _counted(owner_id).order_by("-created_at", "id")]


def shelf(owner_id: UUID, album_id: UUID) -> Shelf:
    """One of the rater's albums.

    Raises:
        UnknownAlbum: there is none, or it belongs to somebody else.
    """
    album = _counted(owner_id).filter(id=album_id).first()
    if album is None:
        raise UnknownAlbum
    return _shelf(album)


def _counted(owner_id: UUID) -> QuerySet[Album]:
    count = Count("albumphoto", filter=Q(albumphoto__photo__binned_at=None))
    return Album.objects.filter(owner=owner_id).annotate(photo_count=count).select_related("cover")


def _shelf(album: Album) -> Shelf:
    return Shelf(album, album.photo_count, album.cover)  # type: ignore[attr-defined]  # annotated


def binned(owner_id: UUID, photo_ids: Sequence[int] | None = None) -> list[Photo]:
    """The rater's photos in the bin, the last one first."""
    photos = Photo.objects.filter(owner=owner_id, binned_at__isnull=False).order_by("-binned_at", "-id")
    return list(photos if photo_ids is None else photos.filter(id__in=photo_ids))
