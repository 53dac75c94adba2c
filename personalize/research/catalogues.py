"""A folder of photos as the app would see it: raw features, and the projection learned from these photos without any rating."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from personalize.bank_building.generic_score import in_batches
from personalize.files import atomic_files, banks, pixels, taste_parts
from personalize.files.photo_files import digest
from personalize.numerics import projection
from personalize.numerics.projection import group_scale
from personalize.numerics.raw_features import RawLayout
from personalize.progress import ProgressCallback, no_progress
from personalize.scorers.cached_features import raw_features
from personalize.scorers.feature_extraction import FeatureExtractor


@dataclass(frozen=True)
class Catalogue:
    """Features, raw groups and task models' scores of all photos."""

    features: Float[np.ndarray, "photos 256"]
    heads: int  # task heads among the features, after the generic score
    groups: Mapping[str, Float[np.ndarray, "photos numbers"]]  # normalised and centred, mean square length 1
    task_scores: Callable[[], Float[np.ndarray, "photos tasks"]]  # by the task models, whose network is loaded when called

    @cached_property
    def joined(self) -> Float[np.ndarray, "photos numbers"]:
        """All groups side by side with equal shares, mean square length 1."""
        return np.concatenate(list(self.groups.values()), axis=1) / np.sqrt(len(self.groups))


def make_catalogue(photos: Sequence[Path], bank: Path, folder: Path, progress: ProgressCallback = no_progress) -> Catalogue:
    """The catalogue of `photos`, in their order; raw features are kept in `folder`.

    Raises:
        BadBank: the bank has no extractors or no taste part.
        BadProjection: there are too few photos, or they are all alike.
        BadPhoto: a file is not a photo.
    """
    part, extractor = taste_parts.read(bank), FeatureExtractor(bank)
    keyed = [(digest(photo), partial(pixels.read, photo)) for photo in photos]
    raw = raw_features(extractor, keyed, folder, "extracting features", progress)
    learned = projection.learn(partial(in_batches, raw), extractor.layout, part.heads)
    # The app stores features in half precision.
    features = learned.apply(raw).astype(np.float16).astype(np.float64)
    scores = partial(_task_scores, bank, tuple(photos), folder, progress)
    return Catalogue(features, len(learned.directions) - 1, _groups(raw, extractor.layout), scores)


def _groups(raw: Float[np.ndarray, "photos raw"], layout: RawLayout) -> dict[str, np.ndarray]:
    scaled = (raw - raw.mean(axis=0)) * group_scale(layout, raw.var(axis=0)) * np.sqrt(len(layout.groups))
    return {group.name: scaled[:, place].astype(np.float64) for group, place in layout.slices()}


@cache
def _task_scores(bank: Path, photos: tuple[Path, ...], folder: Path, progress: ProgressCallback) -> np.ndarray:
    """Scores of all photos by each task's own network, kept in a folder."""
    content = hashlib.sha256("\n".join(digest(photo) for photo in photos).encode()).hexdigest()[:16]
    kept = folder / f"tasks-{banks.read_metadata(bank).sha256[:16]}-{content}.npy"
    if kept.is_file():
        return np.asarray(np.load(kept, allow_pickle=False))
    from personalize.files.open_banks import open_bank  # needs torch, as the task models do
    from personalize.scorers.task_scoring import task_scores

    opened = open_bank(bank)
    model = opened.scorer()
    scores = np.stack([task_scores(model, opened, task, photos, progress) for task in opened.vectors], axis=1)
    with atomic_files.replacing(kept) as partial_file, partial_file.open("wb") as file:
        np.save(file, scores, allow_pickle=False)
    return scores
