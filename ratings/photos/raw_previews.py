"""Photos inside raw camera files: the preview that the camera has embedded. Nothing is developed."""

import io
from datetime import datetime

import numpy as np
import rawpy
from PIL import Image

from ratings.photos.refusals import PhotoRefused

LARGEST_RAW = 120 * 1024 * 1024
"""Bytes."""

SUFFIXES = frozenset(
    "3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f".split()  # noqa: SIM905
)
"""Endings of the names of raw files. Only the content decides; a name decides how much space is reserved for an upload."""

_STARTS = (b"II*\x00", b"MM\x00*", b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\x00", b"\x00MRM", b"FOVb")
_TURNS = {3: 3, 5: 8, 6: 6}
"""LibRaw's flip -> EXIF orientation."""


def may_be_raw(data: bytes) -> bool:
    """Whether the content begins as raw files do; a plain TIFF does too."""
    return data.startswith(_STARTS) or data[4:12] == b"ftypcrx "


def is_raw_name(name: str) -> bool:
    """Whether a file name ends as those of raw files."""
    return name.rpartition(".")[2].lower() in SUFFIXES


def preview(data: bytes) -> tuple[bytes, int | None]:
    """The JPEG embedded in a raw file, and the EXIF orientation that the camera noted beside it.

    Raises:
        PhotoRefused: this is no raw file that LibRaw knows, such as a plain TIFF, or it has no preview.
    """
    if len(data) > LARGEST_RAW:
        raise PhotoRefused("file_too_large", {"megabytes": f"{len(data) / 2**20:.1f}", "limit": str(LARGEST_RAW // 2**20)})
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            found, flip = raw.extract_thumb(), raw.sizes.flip
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError) as error:
        raise PhotoRefused("raw_without_preview") from error
    except rawpy.LibRawError as error:
        raise PhotoRefused("other_picture", {"kind": "TIFF and unknown raw"}) from error
    if found.format == rawpy.ThumbFormat.JPEG:
        return bytes(found.data), _TURNS.get(flip)
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(found.data)).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue(), _TURNS.get(flip)


def taken_at(data: bytes) -> datetime | None:
    """When the raw file says that the photo was taken, by the camera's clock; None where it does not, or cannot be read."""
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            moment = raw.other.timestamp
    except rawpy.LibRawError:
        return None
    return moment
