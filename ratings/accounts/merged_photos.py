"""Own photos of a guest that become an account's: albums come along, equal photos are folded. Called within the merge's transaction."""

import os

from ratings.albums.models import Album, AlbumPhoto
from ratings.deck.models import Presentation
from ratings.downloads.models import Download
from ratings.photos import files
from ratings.photos.models import Photo
from ratings.raters.models import Rater
from ratings.uploads import originals
from ratings.uploads.models import Original, Upload


def move_photos(giver: Rater, taker: Rater) -> None:
    """Move a guest's photos, albums, uploads and downloads. The account may exceed its quota by them: nothing is lost by signing in.

    Of a photo that the account has too, the account's stays: in all albums of both, with the originals of both.
    """
    Album.objects.filter(owner=giver).update(owner=taker)
    own = {photo.sha256: photo for photo in Photo.objects.filter(owner=taker)}
    for photo in Photo.objects.filter(owner=giver, sha256__in=own):
        _fold(photo, own[photo.sha256])
    known = Original.objects.filter(owner=taker).values("sha256")
    for original in Original.objects.filter(owner=giver, sha256__in=known):
        originals.drop(original)
    Original.objects.filter(owner=giver).update(owner=taker)
    Photo.objects.filter(owner=giver).update(owner=taker)
    Upload.objects.filter(owner=giver).update(owner=taker)
    Download.objects.filter(owner=giver).update(owner=taker)


def _fold(photo: Photo, kept: Photo) -> None:
    """Let the account's photo take the place of the guest's."""
    inside = AlbumPhoto.objects.filter(photo=kept).values("album")
    AlbumPhoto.objects.filter(photo=photo).exclude(album__in=inside).update(photo=kept)
    Album.objects.filter(cover=photo).update(cover=kept)
    Presentation.objects.filter(photo=photo).update(photo=kept)
    if photo.binned_at is None:
        Photo.objects.filter(id=kept.id).update(binned_at=None)
    mine = {original.sha256: original for original in Original.objects.filter(photo=kept)}
    for original in Original.objects.filter(photo=photo).select_related("photo"):
        same = mine.get(original.sha256)
        place = originals.path(original)
        if place and place.exists() and not (same and same.file):
            _link(original, place, kept)
            originals.take_file(same or original, original.file, kept)
        elif not same:
            Original.objects.filter(id=original.id).update(photo=kept, owner=kept.owner_id, file="")
    photo.delete()


def _link(original: Original, place: os.PathLike[str], kept: Photo) -> None:
    """The original's file, in the folder of the kept photo too: the guest's folder goes after the commit. Where the merge is undone, the
    nightly sweep finds the second name."""
    target = files.folder(kept) / original.file
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.link(place, target)
