"""Bytes of uploads on disk, until a worker has read them. The length of a file is how far its upload is."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings


class InUse(Exception):
    """Another request writes to this upload."""


def folder() -> Path:
    """Where uploads lie: next to the photos, so that keeping an original is a rename. Other users of the machine have no access."""
    place = Path(settings.MEDIA_ROOT) / "uploads"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def path(upload_id: UUID) -> Path:
    return folder() / str(upload_id)


def offset(upload_id: UUID) -> int:
    """How many bytes have arrived."""
    try:
        return path(upload_id).stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def appending(upload_id: UUID) -> Iterator[BinaryIO]:
    """The file of an upload, open at its end; one request at a time.

    Raises:
        InUse: another request has it open.
    """
    with path(upload_id).open("ab", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the file, also that of a killed process
        except OSError as error:
            raise InUse from error
        yield file


def flush(file: BinaryIO) -> None:
    """Write everything to the disk: a whole upload must outlast a power cut, because the browser forgets it."""
    os.fsync(file.fileno())


def remove(upload_id: UUID) -> None:
    path(upload_id).unlink(missing_ok=True)


def everything() -> list[Path]:
    """All files of uploads."""
    return [place for place in folder().iterdir() if place.is_file()]
