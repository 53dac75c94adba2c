"""The nightly comparison of files and rows: files of own photos and uploads without rows are deleted, rows without files reported."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from ratings.photos import files
from ratings.photos.models import Photo
from ratings.uploads import originals, partials
from ratings.uploads.models import Original, Upload

logger = logging.getLogger(__name__)

SAFE_SECONDS = 3600  # younger files may belong to a row that is about to be written


@dataclass(frozen=True)
class Difference:
    """What differs between the disk and the tables."""

    strays: list[Path]  # folders and files without a row
    lost_photos: list[int]  # own photos whose master is missing
    lost_originals: list[int]  # kept originals whose file is missing


def difference(*, safe_seconds: float = SAFE_SECONDS) -> Difference:
    """Compare the disk with the tables. The disk is read first: what is stored meanwhile has its row by then."""
    long_ago = time.time() - safe_seconds
    folders = {place.name: place for place in files.own_folders().glob("*/*") if place.is_dir() and place.stat().st_mtime <= long_ago}
    kept = {place: place.parent.name for folder in folders.values() for place in folder.glob("original-*")}
    sent = {place.name: place for place in partials.everything() if place.stat().st_mtime <= long_ago}
    photos = {photo.folder: photo for photo in Photo.objects.exclude(folder="").iterator()}
    known = set(Original.objects.exclude(file="").values_list("photo__folder", "file"))
    uploads = {
        str(upload) for upload in Upload.objects.exclude(state__in=(Upload.State.DONE, Upload.State.REFUSED)).values_list("id", flat=True)
    }
    strays = [place for name, place in folders.items() if name not in photos]
    strays += [place for place, folder in kept.items() if folder in photos and (folder, place.name) not in known]
    strays += [place for name, place in sent.items() if name not in uploads]
    return Difference(
        strays=strays,
        lost_photos=[photo.id for photo in photos.values() if not files.is_readable(photo)],
        lost_originals=[
            original.id
            for original in Original.objects.exclude(file="").select_related("photo")
            if not (place := originals.path(original)) or not place.exists()
        ],
    )


def sweep() -> Difference:
    """Delete what has no row and what no album keeps any more, and report what has no file."""
    found = difference()
    for place in found.strays:
        if place.is_dir():
            files.remove_folder(place)
        else:
            place.unlink(missing_ok=True)
    if found.strays:
        logger.info("%d files of photos and uploads had no row, and are deleted.", len(found.strays))
    if found.lost_photos:
        logger.error("The files of own photos %s are missing; their owners can bring them again.", found.lost_photos[:50])
    for original in found.lost_originals:
        originals.forget_file(original)
    originals.remove_unwanted()
    return found
