"""Raw features of photo files, computed once and kept on disk. Needs no torch."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from PIL import Image

from personalize.files import atomic_files
from personalize.progress import ProgressCallback, tracked
from personalize.scorers.feature_extraction import FeatureExtractor

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

    def extract() -> np.ndarray:
        return extractor.raw(opened() for _, opened in tracked(what, photos, progress)).astype(np.float16)

    return kept_array(cache, f"raw-{extractor.hash}", [key for key, _ in photos], extract).astype(np.float32)


def kept_array(folder: Path, name: str, photos: Sequence[str], compute: Callable[[], np.ndarray]) -> np.ndarray:
    """An array about photos with these keys, from its file in `folder`; computed and written there the first time."""
    content = hashlib.sha256("\n".join(photos).encode()).hexdigest()[:16]
    path = folder / f"{name}-{content}.npy"
    if path.is_file():
        return np.asarray(np.load(path, allow_pickle=False))
    array = compute()
    with atomic_files.replacing(path) as partial, partial.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    return array
