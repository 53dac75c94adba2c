"""Photo normalisation: turns the bytes of a file into a photo, or refuses it with a reason. Uses no database, disk or Django.

The result is encoded from pixels only: upright, sRGB, 8-bit, opaque, at most 2048 pixels on the longer side, and without any metadata
(location, camera, comments, thumbnails, colour profile). Of animations and bursts, the first frame is used.
"""

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import ExifTags, Image

from ratings.photos.colours import eight_bit, flattened, to_srgb
from ratings.photos.file_kinds import photo_format
from ratings.photos.names import display_name
from ratings.photos.raw_previews import may_be_raw, preview
from ratings.photos.refusals import PhotoRefused
from ratings.photos.thumbhash import thumbhash

LARGEST_FILE = 25 * 1024 * 1024
"""Bytes."""

MOST_PIXELS = 8192 * 6144
"""50.3 megapixels: the full resolution of a 50-megapixel phone. Checked in the header, before decoding."""

LONGEST_SIDE = 20_000
"""Pixels. A panorama of this width is accepted and reduced; longer sides are refused."""

SHORTEST_SIDE = 64
"""Pixels, both in the file and after the longer side is reduced to `MASTER_SIDE`."""

MOST_SCANS = 100
"""Scans of a progressive JPEG. Cameras and programs write about ten; thousands keep a decoder busy for minutes."""

MASTER_SIDE = 2048
"""Pixels of the longer side of the master, from which all other files are made and features are extracted."""

WIDTHS = (320, 640, 960, 1280)
"""Pixels. Widths for the page's `srcset`: a place of the ranking, a card on a phone, the same with a sharp screen, a card on a wide screen.
A photo narrower than one of them has its own width instead."""

_MASTER_JPEG: dict[str, Any] = {"format": "JPEG", "quality": 92, "subsampling": 0, "optimize": False}
_PAGE_WEBP: dict[str, Any] = {"format": "WEBP", "quality": 82, "method": 2}

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow prints warnings about large images and damaged EXIF; this module handles both.
warnings.filterwarnings("ignore", module=r"PIL\.(Image|TiffImagePlugin)$")

# An import already reads two photos in parallel; more threads per photo would compete for the cores.
pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


@dataclass(frozen=True)
class NormalisedPhoto:
    """A photo ready to be stored; no bytes are copied from the original file."""

    name: str  # safe to show
    width: int  # pixels of the master
    height: int
    sha256: str  # of the master's size and pixels: independent of the file format
    thumbhash: bytes
    master: bytes  # JPEG
    pages: dict[int, bytes]  # width in pixels -> WebP, for the page

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return len(self.master) + sum(map(len, self.pages.values()))


def normalise(data: bytes, name: str) -> NormalisedPhoto:
    """Read a photo from the bytes of a file.

    The file type is detected from the content; `name` is only for display and may be any text.
    JPEG, PNG, WebP, HEIC/HEIF and AVIF are accepted, and of raw files the embedded preview. `docs/photos.md` lists special cases.

    Raises:
        PhotoRefused: the file is not an accepted photo; the message says why and what to do.
    """
    noted = None
    if may_be_raw(data):
        data, noted = preview(data)
    elif len(data) > LARGEST_FILE:
        values = {"megabytes": f"{len(data) / 2**20:.1f}", "limit": str(LARGEST_FILE // 2**20)}
        raise PhotoRefused("file_too_large", values)
    kind = photo_format(data)
    if kind == "JPEG":
        _check_scans(data)
    image = _decoded(lambda: Image.open(io.BytesIO(data), formats=[kind]))
    with image:
        _check_size(*image.size)
        return from_image(_decoded(lambda: _upright_pixels(image, noted)), name)


def from_image(image: Image.Image, name: str) -> NormalisedPhoto:
    """Normalise an image in memory, which must be upright and RGB in sRGB."""
    size = _fitted(*image.size)
    fitted = image if image.size == size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    # Rebuilding the image from pixels strips the metadata: Pillow would write parts of `info` to the new files.
    pixels = fitted.tobytes()
    master = Image.frombytes("RGB", fitted.size, pixels)
    width, height = master.size
    return NormalisedPhoto(
        name=display_name(name),
        width=width,
        height=height,
        sha256=hashlib.sha256(f"{width}x{height}\n".encode() + pixels).hexdigest(),
        thumbhash=thumbhash(master),
        master=_encoded(master, _MASTER_JPEG),
        pages={wide: page_file(master, wide) for wide in page_widths(width)},
    )


def page_widths(width: int) -> list[int]:
    """Widths of the page's files for a photo of this width, ascending; none is wider than the photo."""
    return sorted({min(width, wide) for wide in WIDTHS})


def page_file(master: Image.Image, width: int) -> bytes:
    """WebP of this width, for the page."""
    return _encoded(_resized(master, width), _PAGE_WEBP)


def _decoded(step: Callable[[], Image.Image]) -> Image.Image:
    """Run a decoding step and turn its errors into refusals.

    Decoders raise nearly every kind of exception on malformed input, so all kinds are caught.
    """
    try:
        return step()
    except PhotoRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as bomb:
        raise _too_many_pixels() from bomb
    except Exception as error:
        raise PhotoRefused("broken") from error


def _check_scans(data: bytes) -> None:
    # In compressed JPEG data FF is always followed by 00 or a restart marker, so this counts the starts of scans.
    scans = data.count(b"\xff\xda")
    if scans > MOST_SCANS:
        raise PhotoRefused("too_many_scans", {"scans": str(scans)})


def _check_size(width: int, height: int) -> None:
    """Check the size in the header, before decoding."""
    size = {"width": str(width), "height": str(height)}
    if max(width, height) > LONGEST_SIDE:
        raise PhotoRefused("side_too_long", size | {"limit": str(LONGEST_SIDE)})
    if width * height > MOST_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < SHORTEST_SIDE:
        raise PhotoRefused("too_small", size | {"limit": str(SHORTEST_SIDE)})
    if min(_fitted(width, height)) < SHORTEST_SIDE:
        raise PhotoRefused("too_narrow", size)


def _too_many_pixels() -> PhotoRefused:
    return PhotoRefused("too_many_pixels", {"megapixels": str(MOST_PIXELS // 10**6)})


def _fitted(width: int, height: int) -> tuple[int, int]:
    """The size reduced to fit a square of `MASTER_SIDE`; smaller photos keep their size."""
    scale = min(1.0, MASTER_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _upright_pixels(image: Image.Image, noted: int | None) -> Image.Image:
    """The pixels of a photo, upright by its own EXIF orientation, or else by the one that was `noted` beside it."""
    size = _fitted(*image.size)
    # Decoding a JPEG at a half, a quarter or an eighth of its size takes a fraction of the time.
    image.draft(image.mode, size) if image.format in {"JPEG", "MPO"} else None
    image.load()
    orientation, profile = _orientation(image) or noted or 1, image.info.get("icc_profile")
    small = flattened(eight_bit(image).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    turned = small.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else small
    return to_srgb(turned, profile)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 0 where EXIF has none, or is damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 0))
    except Exception:
        return 0


def _resized(master: Image.Image, width: int) -> Image.Image:
    if width == master.width:
        return master
    return master.resize((width, max(1, round(master.height * width / master.width))), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _encoded(image: Image.Image, settings: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **settings)
    return buffer.getvalue()
