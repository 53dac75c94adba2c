"""Where the files of photos lie, how they get there, and the addresses that browsers fetch them from.

A photo's files lie in a folder named after the hash of its pixels, never after anything that people typed. Two owners of the same photo
share the files; who may fetch them is decided per photo (`photo_files.py`).
"""

import contextlib
import os
import secrets
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from PIL import Image

from ratings.intake import NormalisedPhoto, page_widths
from ratings.models import Photo

MASTER = "master.jpg"
CONTENT_TYPES = {".jpg": "image/jpeg", ".webp": "image/webp"}
USUAL_WIDTH = 640
"""Pixels of the file for browsers that do not choose among widths themselves."""


def folder(sha256: str) -> Path:
    """Two levels: no folder grows so large that looking into it is slow."""
    return Path(settings.MEDIA_ROOT) / "photos" / sha256[:2] / sha256


def store_files(photo: NormalisedPhoto) -> None:
    """Write all files of a photo; those that are there already stay.

    Each is written under another name, flushed to the disk and renamed, so that a file is whole or absent, whatever happens.
    """
    place = folder(photo.sha256)
    place.mkdir(parents=True, exist_ok=True)
    files = {f"{width}.webp": data for width, data in photo.pages.items()} | {MASTER: photo.master}
    # Re-importing heals: a file that has been lost is written again.
    fresh = [name for name in files if not (place / name).exists()]
    for name in fresh:
        _write(place / name, files[name])
    if fresh:
        _flush_folder(place)


def remove_files(sha256: str) -> None:
    """All files of a photo. Whether anybody still needs them is for `photo_services.remove_files` to know."""
    shutil.rmtree(folder(sha256), ignore_errors=True)


def remove_unfinished() -> None:
    """Take away what a killed import was writing; what another import is writing just now is younger than an hour and stays."""
    long_ago = time.time() - 3600
    for path in _unfinished().glob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < long_ago:
                path.unlink()


def file_names(photo: Photo) -> list[str]:
    """Every file of a photo."""
    return [*(f"{width}.webp" for width in page_widths(photo.width)), MASTER]


def path(photo: Photo, file_name: str) -> Path:
    """Where one of the photo's `file_names` lies."""
    return folder(photo.sha256) / file_name


def opened(photo: Photo) -> Image.Image:
    """The master, the largest picture of a photo, as RGB: what models look at.

    Raises:
        FileNotFoundError: the media folder has lost it; importing the photo again mends that.
        OSError: it may not be read, or (`errno` None) is damaged.
    """
    with Image.open(path(photo, MASTER), formats=["JPEG"]) as image:
        return image.convert("RGB")


def is_readable(photo: Photo) -> bool:
    """Whether the master is there and may be read."""
    return os.access(path(photo, MASTER), os.R_OK)


def set_aside(photo: Photo) -> None:
    """Put a damaged master under another name, so that it counts as lost, and the next import of the photo writes it anew."""
    broken = path(photo, MASTER)
    with contextlib.suppress(FileNotFoundError):
        broken.rename(broken.with_name("broken-master.jpg"))


def address(photo: Photo, file_name: str) -> str:
    """Where a browser fetches a file: it holds the hash of the content, so what is behind it never changes."""
    return reverse("photo_file", args=[photo.id, photo.content_hash, file_name])


def src(photo: Photo) -> str:
    return address(photo, f"{min(photo.width, USUAL_WIDTH)}.webp")


def srcset(photo: Photo) -> str:
    """All widths, for the browser to choose by the size on screen."""
    return ", ".join(f"{address(photo, f'{width}.webp')} {width}w" for width in page_widths(photo.width))


def _write(target: Path, data: bytes) -> None:
    unfinished = _unfinished() / secrets.token_hex(16)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished() -> Path:
    """Beside the photos, so that a rename stays within one disk."""
    return Path(settings.MEDIA_ROOT) / "unfinished"


def _flush_folder(place: Path) -> None:
    # The new names belong to the folder: without this a power cut could leave a row whose files have gone.
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
