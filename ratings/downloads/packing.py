"""Packing a ZIP of own photos, without compression, since photos do not compress. Workers do this."""

import csv
import io
import logging
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from ratings.deck.models import Value
from ratings.downloads import selectors, services
from ratings.downloads.models import Download
from ratings.downloads.services import Choices
from ratings.downloads.stars import Wanted, marked, stars_by_place
from ratings.photos import files, jpeg_segments, xmp
from ratings.photos.models import Photo
from ratings.photos.selectors import photos_by_id
from ratings.uploads import originals
from ratings.uploads.models import Original
from ratings.uploads.selectors import originals_of

logger = logging.getLogger(__name__)

STORED_EVERY = 20  # photos between two notes of the progress
CSV_COLUMNS = ("file", "place", "stars", "source", "said", "taken")


@dataclass(frozen=True)
class _Entry:
    """A file of the ZIP."""

    name: str
    data: bytes


def pack(download_id: UUID) -> None:
    """Pack a download. One that is packed twice at once, or was deleted, leaves one ZIP, or none."""
    row = services.under_way(download_id)
    if row is None:
        return
    partial = services.unfinished_archive(download_id)
    try:
        packed = _write(row)
    except OSError as error:
        logger.error("A download could not be packed: %s", error.strerror)
        services.finish(row, problem=services.NO_DISK)
        packed = False
    if packed and row.done_count == row.left_out:
        services.finish(row, problem=services.NOTHING_LEFT)
    elif packed:
        size = partial.stat().st_size
        partial.replace(services.archive(download_id))
        if not services.finish(row, size_bytes=size):  # deleted meanwhile
            services.remove_files(download_id)
    partial.unlink(missing_ok=True)


def _write(row: Download) -> bool:
    """Write the ZIP; False where the download was deleted meanwhile."""
    choices: Choices = row.choices
    row.done_count = row.left_out = row.reduced = 0
    if not services.store_progress(row):
        return False
    stars = stars_by_place(len(row.photos), choices["shares"])
    said = selectors.ratings_of(row.owner_id, row.photos)
    table, names = [], _Names()
    with zipfile.ZipFile(services.unfinished_archive(row.id), "w", zipfile.ZIP_STORED) as archive:
        for place, (number, photo_stars) in enumerate(zip(row.photos, stars, strict=True), start=1):
            photo = photos_by_id([number]).get(number)
            entries = list(_entries(row, photo, photo_stars, said.get(number), names)) if photo else []
            for entry in entries:
                archive.writestr(entry.name, entry.data)
            if photo and entries:
                table.append(_line(entries[0].name, place, photo_stars, said.get(number), photo, choices))
            row.done_count, row.left_out = place, row.left_out + (not entries)
            if place % STORED_EVERY == 0 and not services.store_progress(row):
                return False
        if choices["csv"]:
            archive.writestr("pav.csv", _table(table))
    return services.store_progress(row)


def _entries(row: Download, photo: Photo, stars: int, said: int | None, names: "_Names") -> Iterator[_Entry]:
    """The files of one photo: each original, or the reduced one, and a sidecar where stars are not embedded. None where files are lost."""
    choices: Choices = row.choices
    wanted = Wanted(reject=choices["reject"], label=choices["label"], keywords=choices["keywords"])
    packet = marked(stars, said, wanted, photo.taken_at.strftime("%Y-%m-%dT%H:%M:%S") if photo.taken_at else "")
    sidecars = set()
    for name, data in _files(row, photo):
        lacks_stars = choices["stars"] != "none"
        if choices["stars"] == "embedded":
            with suppress(jpeg_segments.UnusableJpeg):
                data = jpeg_segments.with_packet(data, lambda kept: xmp.with_stars(kept, packet))
                lacks_stars = False
        packed = names.free(name)
        yield _Entry(packed, data)
        sidecar = f"{packed if choices['sidecar_names'] == 'whole' else _stem(packed)}.xmp"
        if lacks_stars and sidecar not in sidecars:  # a raw file and a JPEG of one stem share theirs
            sidecars.add(sidecar)
            yield _Entry(names.free(sidecar), xmp.with_stars(None, packet))


def _files(row: Download, photo: Photo) -> list[tuple[str, bytes]]:
    """Names and contents of a photo's files: its originals where they were asked for and are kept, or else the reduced one."""
    choices: Choices = row.choices
    if choices["size"] == "originals":
        kept = originals_of(row.owner_id, [photo.id]).get(photo.id, [])
        found = [(one.name, data) for one in kept if (data := _original(one, choices["without_place"])) is not None]
        if found:
            return found
        row.reduced += 1
    try:
        return [(f"{_stem(photo.name)}.jpg", files.read(photo, files.MASTER))]
    except OSError:
        return []


def _original(original: Original, without_place: bool) -> bytes | None:
    """The bytes of an original; None where it is not kept, or its place cannot be removed: that is done in JPEG files alone."""
    path = originals.path(original)
    if path is None or not path.exists():
        return None
    data = path.read_bytes()
    if not without_place:
        return data
    try:
        return jpeg_segments.without_place(data)
    except jpeg_segments.UnusableJpeg:
        return None


def _line(name: str, place: int, stars: int, said: int | None, photo: Photo, choices: Choices) -> list[object]:
    rejected = choices["reject"] and said == Value.DISLIKE
    taken_at = photo.taken_at.strftime("%Y-%m-%d %H:%M:%S") if photo.taken_at else ""
    return [
        name,
        place,
        xmp.FEWEST if rejected else stars,
        xmp.RATED if rejected else xmp.PREDICTED,
        Value(said).label if said else "",
        taken_at,
    ]


def _table(lines: list[list[object]]) -> bytes:
    """The table of all photos, with a byte order mark for spreadsheets."""
    text = io.StringIO()
    csv.writer(text).writerows([CSV_COLUMNS, *lines])
    return ("\ufeff" + text.getvalue()).encode()


def _stem(name: str) -> str:
    stem, dot, _ending = name.rpartition(".")
    return stem if dot else name


class _Names:
    """Names in a ZIP, each once, also on disks that do not tell large letters from small ones."""

    def __init__(self) -> None:
        self._used: set[str] = {"pav.csv"}

    def free(self, name: str) -> str:
        """The name, or with a number behind its stem where it is used."""
        stem, _dot, ending = name.rpartition(".")
        found, number = name, 1
        while found.lower() in self._used:
            number += 1
            found = f"{stem} ({number}).{ending}" if stem else f"{name} ({number})"
        self._used.add(found.lower())
        return found
