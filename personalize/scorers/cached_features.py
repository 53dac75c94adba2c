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
    content = hashlib.sha256("\n".join(key for key, _ in photos).encode()).hexdigest()[:16]
    cached = cache / f"raw-{extractor.hash}-{content}.npy"
    if cached.is_file():
        return np.load(cached, allow_pickle=False).astype(np.float32)
    raw = extractor.raw(opened() for _, opened in tracked(what, photos, progress)).astype(np.float16)
    with atomic_files.replacing(cached) as partial, partial.open("wb") as file:
        np.save(file, raw, allow_pickle=False)
    return raw.astype(np.float32)
