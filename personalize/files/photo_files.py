"""Photo files: listing a folder, and digests of their content. Needs no torch."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt64

from personalize.errors import BadPhoto

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff"}


def photos_below(folder: Path) -> list[Path]:
    """The photos of a folder and its subfolders, sorted by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def photos_in(folder: Path) -> list[Path]:
    """Like `photos_below`, but at least one.

    Raises:
        BadPhoto: there are none.
    """
    found = photos_below(folder)
    if not found:
        raise BadPhoto(f"There are no photos in {folder} ({', '.join(sorted(SUFFIXES))}).")
    return found


def digest(photo: Path) -> str:
    """Digest of a photo file's content: the first 16 hexadecimal digits of its sha256."""
    return hashlib.sha256(photo.read_bytes()).hexdigest()[:16]


def digest_array(digests: Iterable[str]) -> UInt64[np.ndarray, "photos"]:
    """Digests as numbers, sorted, for an array file."""
    return np.array(sorted(int(one, 16) for one in digests), dtype=np.uint64)


def digests_of_array(array: Iterable[np.uint64]) -> frozenset[str]:
    """The digests in an array of `digest_array`."""
    return frozenset(f"{int(number):016x}" for number in array)
