"""Writes of albums. Every one names the owner: nobody changes an album or a photo of somebody else."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ratings import jobs
from ratings.albums.models import Album, AlbumPhoto
from ratings.albums.selectors import BIN_DAYS
from ratings.errors import RatingError
from ratings.photos.models import Photo
from ratings.photos.scopes import Scope, UnknownAlbum
from ratings.ranking.pushes import photos_changed, push_open
from ratings.raters.models import Rater

MOST_ALBUMS = 500
LONGEST_NAME = 120
PURGED_AT_ONCE = 200


class NoName(RatingError):
    status = 422
    sentence = _("Please give the album a name.")


class TooManyAlbums(RatingError):
    status = 409
    sentence = _("You have 500 albums, which is the most PAV keeps. Delete one first.")


def create_album(*, owner_id: UUID, name: str, keeps_originals: bool = True) -> Album:
    """A new album.

    Raises:
        NoName: the name is empty.
        TooManyAlbums: the owner has as many as are kept.
    """
    if Album.objects.filter(owner=owner_id).count() >= MOST_ALBUMS:
        raise TooManyAlbums
    return Album.objects.create(owner_id=owner_id, name=_clean(name), keeps_originals=keeps_originals)


def change_album(
    *, owner_id: UUID, album_id: UUID, name: str | None = None, cover: int | None = None, keeps_originals: bool | None = None
) -> None:
    """Rename an album, choose its cover, or whether original files of photos brought from now on are kept. None leaves a field.

    A cover that has left the album is ignored.

    Raises:
        UnknownAlbum: the owner has no such album.
        NoName: the name is empty.
    """
    fields: dict[str, object] = {}
    if name is not None:
        fields["name"] = _clean(name)
    if cover is not None and AlbumPhoto.objects.filter(album=album_id, photo=cover, photo__binned_at=None).exists():
        fields["cover_id"] = cover
    if keeps_originals is not None:
        fields["keeps_originals"] = keeps_originals
    album = Album.objects.filter(id=album_id, owner=owner_id)
    if not (album.update(**fields) if fields else album.exists()):
        raise UnknownAlbum


def delete_album(*, owner_id: UUID, album_id: UUID) -> int:
    """Delete an album. Its photos stay in the owner's other albums; those that were only in this one go into the bin. Returns how many.

    Raises:
        UnknownAlbum: the owner has no such album.
    """
    with transaction.atomic():
        _lock(owner_id, album_id)
        inside = list(AlbumPhoto.objects.filter(album=album_id).values_list("photo", flat=True))
        binned = _only_here(owner_id, album_id, inside)
        Photo.objects.filter(id__in=binned).update(binned_at=timezone.now())
        Album.objects.filter(id=album_id).delete()
    return len(binned)


def add_photos(*, owner_id: UUID, album_id: UUID, photo_ids: Sequence[int]) -> int:
    """Add photos of the owner to an album. Others, and those that are in it, are left out. Returns how many came.

    Raises:
        UnknownAlbum: the owner has no such album.
    """
    with transaction.atomic():
        _lock(owner_id, album_id)
        inside = AlbumPhoto.objects.filter(album=album_id).values("photo")
        new = list(Photo.objects.filter(id__in=photo_ids, owner=owner_id).exclude(id__in=inside).values_list("id", flat=True))
        AlbumPhoto.objects.bulk_create((AlbumPhoto(album_id=album_id, photo_id=photo) for photo in new), ignore_conflicts=True)
        photos_changed(new)
    return len(new)


def remove_photos(*, owner_id: UUID, album_id: UUID, photo_ids: Sequence[int]) -> int:
    """Take photos out of an album; those that are in no other one go into the bin. Returns how many left.

    Raises:
        UnknownAlbum: the owner has no such album.
    """
    with transaction.atomic():
        _lock(owner_id, album_id)
        rows = AlbumPhoto.objects.filter(album=album_id, photo__in=photo_ids)
        gone = list(rows.values_list("photo", flat=True))
        binned = _only_here(owner_id, album_id, gone)
        # A photo that goes into the bin stays in its album's rows, so that restoring brings it back there.
        rows.exclude(photo__in=binned).delete()
        Photo.objects.filter(id__in=binned).update(binned_at=timezone.now())
        Album.objects.filter(id=album_id, cover__in=gone).update(cover=None)
        Album.objects.filter(id=album_id).update(revision=F("revision") + 1)
        photos_changed(binned)
        push_open(owner_id, [Scope(album_id)])
    return len(gone)


def _only_here(owner_id: UUID, album_id: UUID, photo_ids: Sequence[int]) -> list[int]:
    """Those of the photos that are in no other album, and not in the bin."""
    elsewhere = AlbumPhoto.objects.filter(photo__in=photo_ids).exclude(album=album_id).values("photo")
    alone = Photo.objects.filter(id__in=photo_ids, owner=owner_id, binned_at=None).exclude(id__in=elsewhere)
    return list(alone.values_list("id", flat=True))


def bin_photos(*, owner_id: UUID, photo_ids: Sequence[int]) -> int:
    """Put photos of the owner into the bin: they leave every scope, and their ratings go on teaching. Returns how many went."""
    with transaction.atomic():
        found = list(Photo.objects.filter(id__in=photo_ids, owner=owner_id, binned_at=None).values_list("id", flat=True))
        Photo.objects.filter(id__in=found).update(binned_at=timezone.now())
        Album.objects.filter(owner=owner_id, cover__in=found).update(cover=None)
        photos_changed(found)
    return len(found)


def restore_photos(*, owner_id: UUID, photo_ids: Sequence[int]) -> int:
    """Bring photos back from the bin, into the albums that they were in; those whose albums are gone into a new one. Returns how many."""
    with transaction.atomic():
        found = list(Photo.objects.filter(id__in=photo_ids, owner=owner_id, binned_at__isnull=False).values_list("id", flat=True))
        Photo.objects.filter(id__in=found).update(binned_at=None)
        homeless = set(found) - set(AlbumPhoto.objects.filter(photo__in=found).values_list("photo", flat=True))
        if homeless:
            album = Album.objects.create(owner_id=owner_id, name=gettext("Restored photos"))
            AlbumPhoto.objects.bulk_create(AlbumPhoto(album=album, photo_id=photo) for photo in sorted(homeless))
        photos_changed(found)
    return len(found)


def delete_for_good(*, owner_id: UUID, photo_ids: Sequence[int]) -> int:
    """End the time of photos in the bin: a worker deletes them, as after `BIN_DAYS` days. Returns how many."""
    inside = Photo.objects.filter(id__in=photo_ids, owner=owner_id, binned_at__isnull=False)
    with transaction.atomic():
        count = inside.update(binned_at=timezone.now() - timedelta(days=BIN_DAYS + 1))
        transaction.on_commit(jobs.request_purge)
    return count


def purge_bin(*, keep_days: int = BIN_DAYS) -> list[UUID]:
    """Delete photos that have been in the bin for `keep_days` days, with their ratings, and queue refits. Returns the owners."""
    limit, owners = timezone.now() - timedelta(days=keep_days), set[UUID]()
    while True:
        with transaction.atomic():
            old = Photo.objects.select_for_update(skip_locked=True).filter(binned_at__lt=limit)
            found = dict(old.values_list("id", "owner")[:PURGED_AT_ONCE])
            Photo.objects.filter(id__in=found).delete()
            # One more event, so that the fits count as older than the ratings that are left.
            Rater.objects.filter(id__in=found.values()).update(ratings_seq=F("ratings_seq") + 1, refit_queued_at=timezone.now())
            for owner in set(found.values()):
                transaction.on_commit(partial(jobs.request_refit, owner))
        owners |= set(found.values())
        if not found:
            return sorted(owners)


def _clean(name: str) -> str:
    kept = " ".join("".join(char for char in name if char.isprintable()).split())[:LONGEST_NAME].strip()
    if not kept:
        raise NoName
    return kept


def _lock(owner_id: UUID, album_id: UUID) -> None:
    if Album.objects.select_for_update(no_key=True).filter(id=album_id, owner=owner_id).first() is None:
        raise UnknownAlbum
