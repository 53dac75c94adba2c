"""Features of a folder of photos for all methods of `evaluate`, extracted once and cached on disk. Needs torch."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from personalize.files import atomic_files, banks, images
from personalize.files.open_banks import Bank, open_bank
from personalize.files.photo_files import digest
from personalize.numerics import projection
from personalize.numerics.projection import Projection, Raw
from personalize.progress import ProgressCallback, no_progress, tracked
from personalize.research.baselines import Catalogue
from personalize.scorers.tangent_extraction import GROUPS, TangentExtractor
from personalize.scorers.task_scoring import task_scores


def make_catalogue(photos: Sequence[Path], bank: Path, cache: Path, progress: ProgressCallback = no_progress) -> Catalogue:
    """Features, task models' scores and embeddings of `photos`, in their order.

    Raises:
        BadBank: see `banks.read`.
        BadPhoto: a file is not a photo.
    """
    content = "".join(digest(photo) for photo in photos)
    cached = cache / f"{banks.read_metadata(bank).hash}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.npz"
    if cached.is_file():
        with np.load(cached, allow_pickle=False) as file:
            return Catalogue(file["features"], file["task_scores"], file["plain"], file["merged"])
    opened = open_bank(bank)
    score, raw = TangentExtractor(opened, GROUPS).raw_features(
        images.read(photo) for photo in tracked("extracting features", photos, progress)
    )
    features = _projection(opened, score, raw).apply(score, raw).astype(np.float64)
    catalogue = Catalogue(features, _task_scores(opened, photos, progress), raw["plain"], raw["merged"])
    with atomic_files.replacing(cached) as partial:
        np.savez(partial, **vars(catalogue))
    return catalogue


def _projection(bank: Bank, score: np.ndarray, raw: Raw) -> Projection:
    """The bank's projection; where it was imported without one, the principal axes of these photos. Does not use ratings."""
    if "projection/score" in bank.arrays:
        return banks.projection(bank.arrays)
    return projection.learn(score, raw, projection.SHARES)


def _task_scores(bank: Bank, photos: Sequence[Path], progress: ProgressCallback) -> np.ndarray:
    model = bank.scorer()
    return np.stack([task_scores(model, bank, task, photos, progress) for task in bank.vectors], axis=1)
