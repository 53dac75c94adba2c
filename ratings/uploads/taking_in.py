"""Taking files in: bytes -> the intake that imports use -> an own photo of an album. Workers and commands do this, web processes never."""

import hashlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError, connection

from ratings.photos import files
from ratings.photos.file_facts import facts_of
from ratings.photos.intake import NormalisedPhoto, normalise
from ratings.photos.models import Photo
from ratings.photos.raw_previews import LARGEST_RAW, may_be_raw
from ratings.photos.refusals import PhotoRefused
from ratings.photos.scopes import UnknownAlbum
from ratings.photos.services import add_file_rating, add_own
from ratings.uploads import originals, partials, services
from ratings.uploads.models import Upload

logger = logging.getLogger(__name__)

BUSY_SECONDS = 10  # of one task; then the next task goes on, and other work of the queue gets its turn
LINES = 2  # files that a worker reads at once: one is decoded while another waits for the disk or the database


@dataclass(frozen=True)
class TakenIn:
    """A file is a photo of the album; `was_known` where the owner had it before."""

    photo: Photo
    was_known: bool


def work(lines: int = 1) -> bool:
    """Take in uploads that wait, each owner in turn, so many at once; True if more wait.

    One that was being read when a worker died is read alone: should it end this one, too, no other file is suspected with it.
    """
    until = time.monotonic() + BUSY_SECONDS
    if not _work_until(until, again=True):
        return False
    if lines == 1:
        return _work_until(until)
    with ThreadPoolExecutor(lines, "intake") as pool:
        return any(pool.map(_line, [until] * lines))


def _line(until: float) -> bool:
    try:
        return _work_until(until)
    finally:
        connection.close()  # of this thread


def _work_until(until: float, *, again: bool = False) -> bool:
    """Take uploads in until a time or until none is left; with `again` those that are read for the second time, else the others.

    False where none is left to be read for the first time, or where this machine cannot store photos at the moment.
    """
    while time.monotonic() < until:
        upload = services.claim_next(again=again)
        if upload is None:
            return again
        with services.reading(upload.id):
            if not _take_in(upload):
                return False
    return True


def _take_in(upload: Upload) -> bool:
    """Take one upload in; False where this machine cannot store photos at the moment."""
    try:
        place = partials.path(upload.id)
        taken = take_in(owner_id=upload.owner_id, album_id=upload.album_id, name=upload.name, data=_read(place), source=place)
    except PhotoRefused as refusal:
        services.refuse(upload, refusal)
    except (UnknownAlbum, IntegrityError):  # album or owner were deleted meanwhile, and the upload with them
        partials.remove(upload.id)
    except OSError as error:
        logger.error("An upload could not be stored, and waits: %s", error.strerror)
        services.put_back(upload)
        return False
    else:
        services.store_done(upload, taken.photo, was_known=taken.was_known)
    return True


def take_in(*, owner_id: UUID, album_id: UUID, name: str, data: bytes, source: Path | None = None) -> TakenIn:
    """Make a file a photo of an album. Where the album keeps originals, `source`, a file with these bytes, is moved to the photo.

    Raises:
        PhotoRefused: the file is no photo.
        UnknownAlbum: the album is gone.
        OSError: the photo cannot be stored, such as on a full disk; nothing is left half-stored.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    known = originals.known(owner_id, sha256)
    decoded = None if known and files.is_readable(known.photo) else normalise(data, name)
    with services.alone(owner_id):  # so that two files of one shot, and one file that two tabs bring, become one photo
        known = originals.known(owner_id, sha256)
        if known is None:
            photo, is_new = _photo_of(owner_id, name, decoded or normalise(data, name), data)
        else:
            photo, is_new = known.photo, False
            if decoded and not files.is_readable(photo):  # lost, and now restored
                files.store_files(decoded, files.folder(photo))
        services.bring_into(owner_id=owner_id, album_id=album_id, photo_ids=[photo.id])
        original = known or originals.record(photo=photo, sha256=sha256, name=name, size_bytes=len(data), is_raw=may_be_raw(data))
        if source and originals.is_wanted(photo.id):
            originals.keep(original, source)
    return TakenIn(photo, was_known=not is_new)


def _photo_of(owner_id: UUID, name: str, photo: NormalisedPhoto, data: bytes) -> tuple[Photo, bool]:
    facts = facts_of(data)
    shot = originals.shot_of(owner_id=owner_id, name=name, is_raw=may_be_raw(data), taken_at=facts.taken_at)
    if shot:
        add_file_rating(photo_id=shot.id, file_rating=facts.rating)
        return shot, False
    return add_own(photo=photo, owner_id=owner_id, taken_at=facts.taken_at, file_rating=facts.rating)


def _read(place: Path) -> bytes:
    """The bytes of an upload, at most one more than any photo may have.

    Raises:
        PhotoRefused: they are gone.
        OSError: they cannot be read.
    """
    try:
        with place.open("rb") as file:
            return file.read(LARGEST_RAW + 1)
    except FileNotFoundError as error:
        raise PhotoRefused("unreadable") from error
