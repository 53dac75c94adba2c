"""Raw features of photo files, computed once and kept on disk; a stopped run continues after its last piece. Needs no torch."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from PIL import Image

from personalize.files import atomic_files
from personalize.progress import ProgressCallback
from personalize.scorers.feature_extraction import FeatureExtractor

PIECE = 512  # photos of one file until all are computed: some 30 seconds of work on two cores

Opened = Callable[[], Image.Image]


def raw_features(
    extractor: FeatureExtractor,
    photos: Sequence[tuple[str, Opened]],
    cache: Path,
    what: str,
    progress: ProgressCallback,
) -> Float32[np.ndarray, "photos raw"]:
    """Raw features of photos, each with a key that says what it shows, in half precision as the app stores them.

    `cache` is a folder; another extractor or another list of photos gets another file.

    Raises:
        BadPhoto, BadBank: see `FeatureExtractor.raw`.
    """

    def opened(piece: range) -> Iterator[Image.Image]:
        for place in piece:
            progress(what, place + 1, len(photos))
            yield photos[place][1]()

    def extract(piece: range) -> np.ndarray:
        return extractor.raw(opened(piece)).astype(np.float16)

    return kept_array(cache, f"raw-{extractor.hash}", [key for key, _ in photos], extract).astype(np.float32)


def kept_array(folder: Path, name: str, photos: Sequence[str], compute: Callable[[range], np.ndarray]) -> np.ndarray:
    """An array with a row for each of the photos with these keys, from its file in `folder`; computed and written there the first time.

    `compute` gets the places of some photos. Until all rows are there, each piece has its own file, from which a stopped run continues.
    """
    content = hashlib.sha256("\n".join(photos).encode()).hexdigest()[:16]
    path, unfinished = folder / f"{name}-{content}.npy", folder / f"{name}-{content}.unfinished"
    if path.is_file():
        return np.asarray(np.load(path, allow_pickle=False))
    pieces = []
    for first in range(0, len(photos), PIECE) or [0]:
        piece = unfinished / f"{first}.npy"
        if piece.is_file():
            pieces.append(np.load(piece, allow_pickle=False))
        else:
            pieces.append(compute(range(first, min(first + PIECE, len(photos)))))
            _write(piece, pieces[-1])
    array = np.concatenate(pieces)
    _write(path, array)
    shutil.rmtree(unfinished, ignore_errors=True)
    return array


def _write(path: Path, array: np.ndarray) -> None:
    with atomic_files.replacing(path) as partial, partial.open("wb") as file:
        np.save(file, array, allow_pickle=False)
