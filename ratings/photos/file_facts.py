"""What a photo's file says beside its pixels: when it was taken, and the stars that it brings along. The place is not read."""

import contextlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import ExifTags, Image

from ratings.photos import raw_previews, xmp
from ratings.photos.file_kinds import photo_format
from ratings.photos.refusals import PhotoRefused

_RATING = 0x4746  # EXIF tag that Windows introduced


@dataclass(frozen=True)
class FileFacts:
    """Both may be unknown."""

    taken_at: datetime | None = None  # by the camera's clock, written as UTC: the order of photos is what it is for
    rating: int | None = None  # stars, -1 (rejected) to 5


def facts_of(data: bytes) -> FileFacts:
    """What the bytes of an accepted file say. Damaged metadata say nothing; they are no reason to refuse a photo."""
    noted = None
    try:
        if raw_previews.may_be_raw(data):
            noted = raw_previews.taken_at(data)
            data, _orientation = raw_previews.preview(data)
        with Image.open(io.BytesIO(data), formats=[photo_format(data)]) as image:
            exif, packet = image.getexif(), image.info.get("xmp")
            taken_at, rating = _taken_at(exif), _rating(exif, packet)
    except PhotoRefused:
        raise
    except Exception:  # decoders raise nearly every kind of exception on malformed input
        taken_at, rating = None, None
    return FileFacts(taken_at or (noted.replace(tzinfo=UTC) if noted and noted.year > 1970 else None), rating)


def _taken_at(exif: Image.Exif) -> datetime | None:
    details: dict[int, Any] = exif.get_ifd(ExifTags.IFD.Exif)
    for text in (
        details.get(ExifTags.Base.DateTimeOriginal),
        details.get(ExifTags.Base.DateTimeDigitized),
        exif.get(ExifTags.Base.DateTime),
    ):
        with contextlib.suppress(ValueError, TypeError):
            moment = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
            return moment.replace(microsecond=_microseconds(details.get(ExifTags.Base.SubsecTimeOriginal)))
    return None


def _microseconds(text: object) -> int:
    digits = str(text or "").strip("\0 ")
    return int(digits[:6].ljust(6, "0")) if digits.isascii() and digits.isdigit() else 0


def _rating(exif: Image.Exif, packet: bytes | str | None) -> int | None:
    """Stars of the XMP packet, or else of EXIF; none where no stars are given, which both write as 0."""
    found = xmp.stars_of(packet.encode() if isinstance(packet, str) else packet) if packet else None
    if found is None:
        with contextlib.suppress(ValueError, TypeError):
            number = int(exif.get(_RATING, 0))
            found = number if xmp.FEWEST <= number <= xmp.MOST else None
    return found or None
