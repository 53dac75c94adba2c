"""Originals of own photos: the files as they were brought. Services of the table `Original`."""

import os
import secrets
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from ratings.albums.models import AlbumPhoto
from ratings.photos import files
from ratings.photos.models import Photo
from ratings.uploads.models import Original


def path(original: Original) -> Path | None:
    """Where the kept file lies; None where it is not kept."""
    return files.folder(original.photo) / original.file if original.file else None


def stem_of(name: str) -> str:
    """The part of a name that a raw file and a JPEG of one shot share."""
    stem, dot, _ending = name.rpartition(".")
    return (stem if dot else name).lower()


def is_wanted(photo_id: int) -> bool:
    """Whether an album of the photo keeps originals."""
    return AlbumPhoto.objects.filter(photo=photo_id, album__keeps_originals=True).exists()


def known(owner_id: UUID, sha256: str) -> Original | None:
    """The file with this hash that the owner brought before, with its photo."""
    return Original.objects.filter(owner=owner_id, sha256=sha256).select_related("photo").first()


def record(*, photo: Photo, sha256: str, name: str, size_bytes: int, is_raw: bool) -> Original:
    """Remember the hash of a file that became this photo; the same one again changes nothing."""
    return Original.objects.get_or_create(
        owner_id=photo.owner_id,
        sha256=sha256,
        defaults={"photo": photo, "name": name, "stem": stem_of(name), "is_raw": is_raw, "size_bytes": size_bytes},
    )[0]


def keep(original: Original, source: Path) -> None:
    """Move a file into the folder of its photo, where it is not kept yet. The move is a rename: there is never half a file."""
    if original.file:
        return
    ending = "".join(letter for letter in original.name.rpartition(".")[2].lower() if letter.isalnum())[:8]
    name = f"original-{secrets.token_hex(8)}" + (f".{ending}" if ending else "")
    place = files.folder(original.photo) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, place)
    with transaction.atomic():
        kept = Original.objects.filter(id=original.id, file="").update(file=name)
        if kept:
            Photo.objects.filter(id=original.photo_id).update(stored_bytes=F("stored_bytes") + original.size_bytes)
    if not kept:  # the photo has been deleted, or another worker kept the same file
        place.unlink(missing_ok=True)


def remove_unwanted() -> int:
    """Delete originals of photos none of whose albums keeps them any more; those in the bin wait. Returns how many."""
    keeping = AlbumPhoto.objects.filter(album__keeps_originals=True).values("photo")
    unwanted = Original.objects.exclude(file="").exclude(photo__in=keeping).filter(photo__binned_at=None).select_related("photo")
    removed = 0
    for original in unwanted:
        place = path(original)
        if Original.objects.filter(id=original.id, file=original.file).update(file="") and place:
            Photo.objects.filter(id=original.photo_id).update(stored_bytes=F("stored_bytes") - original.size_bytes)
            place.unlink(missing_ok=True)
            removed += 1
    return removed


def shot_of(*, owner_id: UUID, name: str, is_raw: bool, taken_at: datetime | None) -> Photo | None:
    """The photo of the same stem and second in the other kind of file: a raw file for a JPEG, or the other way round."""
    if taken_at is None:
        return None
    second = taken_at.replace(microsecond=0)  # raw files seldom say more
    moment = (second, second.replace(microsecond=999_999))
    same = Q(owner=owner_id, original__stem=stem_of(name), original__is_raw=not is_raw, taken_at__range=moment)
    return Photo.objects.filter(same).exclude(original__is_raw=is_raw).order_by("id").first()


def forget_file(original_id: int) -> None:
    """A kept file is missing: its photo is taken home with at most 2048 pixels from now on, until the file is brought again."""
    original = Original.objects.filter(id=original_id).exclude(file="").first()
    if original and Original.objects.filter(id=original_id, file=original.file).update(file=""):
        Photo.objects.filter(id=original.photo_id).update(stored_bytes=F("stored_bytes") - original.size_bytes)


def take_file(original: Original, file: str, photo: Photo) -> None:
    """An original belongs to `photo` and its owner from now on, with a file that lies in that photo's folder."""
    Original.objects.filter(id=original.id).update(photo=photo, owner=photo.owner_id, file=file)
    Photo.objects.filter(id=photo.id).update(stored_bytes=F("stored_bytes") + original.size_bytes)


def drop(original: Original) -> None:
    """Forget an original that its new owner has of another photo; the nightly sweep deletes its file."""
    if original.file:
        Photo.objects.filter(id=original.photo_id).update(stored_bytes=F("stored_bytes") - original.size_bytes)
    original.delete()
