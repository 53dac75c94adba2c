"""From the bytes of any file to a photo as PAV keeps it, or a sentence that says why not. Pure: no database, no disk, no Django.

What comes out is newly written from pixels alone: upright, sRGB, eight bits, opaque, at most 2048 pixels, and without a byte of what else
was in the file (place, camera, comments, thumbnails, colour profile). Of animations and bursts the first picture is taken.
"""

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import ExifTags, Image

from ratings.photos.colours import eight_bit, on_paper, to_srgb
from ratings.photos.file_kinds import photo_format
from ratings.photos.names import display_name
from ratings.photos.refusals import PhotoRefused
from ratings.photos.thumbhash import thumbhash

LARGEST_FILE = 25 * 1024 * 1024
"""Bytes."""

MOST_PIXELS = 8192 * 6144
"""50.3 megapixels: the full picture of a 50-megapixel phone. Read from the header, before anything is decoded."""

LONGEST_SIDE = 20_000
"""Pixels. A panorama of this width is taken and made smaller; longer sides are refused."""

SHORTEST_SIDE = 64
"""Pixels, as it comes and also after the longer side has been brought down to `MASTER_SIDE`."""

MOST_SCANS = 100
"""Layers of a progressive JPEG. Cameras and programs write about ten; thousands of them keep a decoder busy for minutes."""

MASTER_SIDE = 2048
"""Pixels of the longer side of the picture that all others are made from, and that the model looks at."""

WIDTHS = (320, 640, 1280)
"""Pixels. Widths that the page can choose from; a photo narrower than one of them gets its own width instead."""

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

# Pillow warns of large pictures and damaged EXIF on the terminal; what is to be done about either is decided here.
warnings.filterwarnings("ignore", module=r"PIL\.(Image|TiffImagePlugin)$")

# Two photos are read at once on two cores: more threads inside one of them would only get in the way.
pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


@dataclass(frozen=True)
class NormalisedPhoto:
    """A photo ready to be stored; everything in it is made here, nothing is copied from the file."""

    name: str  # safe to show
    width: int  # pixels of the master
    height: int
    sha256: str  # of size and pixels of the master: the same photo in another wrapping has the same
    thumbhash: bytes
    master: bytes  # JPEG
    pages: dict[int, bytes]  # width in pixels -> WebP, for the page


def normalise(data: bytes, name: str) -> NormalisedPhoto:
    """Read a photo from the bytes of a file.

    The kind of the file is found from its content; `name` is for people only and may be anything.
    JPEG, PNG, WebP, HEIC/HEIF and AVIF are read. `docs/photos.md` says what becomes of each peculiarity.

    Raises:
        PhotoRefused: with a sentence that says what is wrong and what to do.
    """
    if len(data) > LARGEST_FILE:
        values = {"megabytes": f"{len(data) / 2**20:.1f}", "limit": str(LARGEST_FILE // 2**20)}
        raise PhotoRefused("file_too_large", values)
    kind = photo_format(data)
    if kind == "JPEG":
        _check_scans(data)
    image = _decoding(lambda: Image.open(io.BytesIO(data), formats=[kind]))
    with image:
        _check_size(*image.size)
        return from_image(_decoding(lambda: _upright_pixels(image)), name)


def from_image(image: Image.Image, name: str) -> NormalisedPhoto:
    """A photo from pixels that are in memory already: an upright RGB image in sRGB."""
    size = _fitted(*image.size)
    fitted = image if image.size == size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    # From here on there is a picture without a past: `info`, where Pillow keeps metadata that it would write again, is empty.
    pixels = fitted.tobytes()
    master = Image.frombytes("RGB", fitted.size, pixels)
    width, height = master.size
    return NormalisedPhoto(
        name=display_name(name),
        width=width,
        height=height,
        sha256=hashlib.sha256(f"{width}x{height}\n".encode() + pixels).hexdigest(),
        thumbhash=thumbhash(master),
        master=_written(master, _MASTER_JPEG),
        pages={wide: _written(_narrowed(master, wide), _PAGE_WEBP) for wide in page_widths(width)},
    )


def page_widths(width: int) -> list[int]:
    """Widths of the files made for the page from a photo of this width, rising; none is wider than the photo."""
    return sorted({min(width, wide) for wide in WIDTHS})


def _decoding(step: Callable[[], Image.Image]) -> Image.Image:
    """Run a step of a decoder; whatever it stumbles over is a damaged file, told in one sentence.

    Decoders meet hostile bytes here and raise nearly every kind of exception over them, so all kinds are caught.
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
    # Inside compressed JPEG data a byte FF is always followed by 00 or a restart mark, so this counts starts of scans.
    scans = data.count(b"\xff\xda")
    if scans > MOST_SCANS:
        raise PhotoRefused("too_many_scans", {"scans": str(scans)})


def _check_size(width: int, height: int) -> None:
    """Refuse by the size in the header: nothing has been decoded yet."""
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
    """The size within a square of `MASTER_SIDE`; small photos keep theirs."""
    scale = min(1.0, MASTER_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _upright_pixels(image: Image.Image) -> Image.Image:
    size = _fitted(*image.size)
    # A JPEG can be decoded at a half, a quarter or an eighth of its size for a fraction of the time.
    image.draft(image.mode, size) if image.format in {"JPEG", "MPO"} else None
    image.load()
    orientation, profile = _orientation(image), image.info.get("icc_profile")
    small = on_paper(eight_bit(image).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    turned = small.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else small
    return to_srgb(turned, profile)


def _orientation(image: Image.Image) -> int:
    """How the camera was held (1 upright to 8), 1 where the photo does not say or its EXIF is damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1


def _narrowed(master: Image.Image, width: int) -> Image.Image:
    if width == master.width:
        return master
    return master.resize((width, max(1, round(master.height * width / master.width))), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _written(image: Image.Image, settings: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **settings)
    return buffer.getvalue()
