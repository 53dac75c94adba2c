"""Photo files: storage, reading, writing and URLs.

The files of a photo in the catalogue are in a folder named by the hash of its pixels, never by user input. Each own photo has a folder of
its own with a random name: neither time nor size nor an address tells whether somebody else has the same photo. Access is checked per
photo (`views.py`).
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

from ratings.photos.intake import NormalisedPhoto, page_file, page_widths
from ratings.photos.models import Photo

MASTER = "master.jpg"
CONTENT_TYPES = {".jpg": "image/jpeg", ".webp": "image/webp"}
USUAL_WIDTH = 640
"""Width in pixels of the file for browsers without `srcset`."""


def shared_folder(sha256: str) -> Path:
    """The folder of a catalogue photo's files. Two levels keep each folder small enough to list quickly."""
    return Path(settings.MEDIA_ROOT) / "photos" / sha256[:2] / sha256


def own_folders() -> Path:
    """Where the folders of own photos are."""
    return Path(settings.MEDIA_ROOT) / "own"


def own_folder(name: str) -> Path:
    """The folder of an own photo's files and originals, by `Photo.folder`."""
    return own_folders() / name[:2] / name


def folder(photo: Photo) -> Path:
    """The folder of a photo's files."""
    return own_folder(photo.folder) if photo.folder else shared_folder(photo.sha256)


def store_files(photo: NormalisedPhoto, place: Path | None = None) -> None:
    """Write all files of a photo, except those that exist, by default into the folder of the catalogue."""
    place = place or shared_folder(photo.sha256)
    place.mkdir(parents=True, exist_ok=True)
    files = {f"{width}.webp": data for width, data in photo.pages.items()} | {MASTER: photo.master}
    # Importing a photo again restores lost files.
    fresh = [name for name in files if not (place / name).exists()]
    for name in fresh:
        write(place / name, files[name])
    if fresh:
        _flush_folder(place)


def remove_folder(place: Path) -> None:
    """Delete all files of a photo. `services.remove_files` first checks that no other row needs them."""
    shutil.rmtree(place, ignore_errors=True)


def remove_unfinished() -> None:
    """Delete unfinished files of killed imports. Files younger than an hour stay: a running import may be writing them."""
    long_ago = time.time() - 3600
    for path in _unfinished().glob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < long_ago:
                path.unlink()


def file_names(photo: Photo) -> list[str]:
    """Every file of a photo."""
    return [*(f"{width}.webp" for width in page_widths(photo.width)), MASTER]


def path(photo: Photo, file_name: str) -> Path:
    """Path of one of the photo's `file_names`."""
    return folder(photo) / file_name


def read(photo: Photo, file_name: str) -> bytes:
    """The content of one of the photo's `file_names`. In the catalogue a missing width is made from the master: older versions wrote
    fewer widths. Own photos came with all of them, and web processes never decode those.

    Raises:
        FileNotFoundError: the file is missing, and of the catalogue so is the master; importing the photo again restores both.
        OSError: the master is needed and cannot be read.
    """
    place = path(photo, file_name)
    try:
        return place.read_bytes()
    except FileNotFoundError:
        if file_name == MASTER or photo.folder:
            raise
    content = page_file(open_master(photo), int(place.stem))
    write(place, content)
    return content


def open_master(photo: Photo) -> Image.Image:
    """Open the master, the largest file of a photo, as RGB: the input of models.

    Raises:
        FileNotFoundError: the file is missing; importing the photo again restores it.
        OSError: the file cannot be read, or (with `errno` None) is damaged.
    """
    with Image.open(path(photo, MASTER), formats=["JPEG"]) as image:
        return image.convert("RGB")


def is_readable(photo: Photo) -> bool:
    """Whether the master exists and can be read."""
    return os.access(path(photo, MASTER), os.R_OK)


def set_aside(photo: Photo) -> None:
    """Rename a damaged master, so that it counts as missing and the next import of the photo writes it again."""
    broken = path(photo, MASTER)
    with contextlib.suppress(FileNotFoundError):
        broken.rename(broken.with_name("broken-master.jpg"))


def address(photo: Photo, file_name: str) -> str:
    """URL of a file. It contains the hash of the content (of an own photo a random word), so browsers may cache it forever."""
    return reverse("photo_file", args=[photo.id, photo.content_hash, file_name])


def src(photo: Photo) -> str:
    return address(photo, f"{min(photo.width, USUAL_WIDTH)}.webp")


def srcset(photo: Photo) -> str:
    """All widths, for the browser to choose from."""
    return ", ".join(f"{address(photo, f'{width}.webp')} {width}w" for width in page_widths(photo.width))


def write(target: Path, data: bytes) -> None:
    """Write a file of PAV_VAR under a temporary name, flush it to disk and rename it: it is complete or absent even after a crash."""
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
    """The folder of unfinished files, next to the photos so that a rename stays on one file system."""
    return Path(settings.MEDIA_ROOT) / "unfinished"


def _flush_folder(place: Path) -> None:
    # The folder holds the new names: without this, a power cut could leave a row without its files.
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
