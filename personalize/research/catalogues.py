"""A folder of photos as the app would see it: the projection is learned from these photos, without any rating.

Only the scores of single tasks need torch; they are computed when a method asks for them.
"""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from personalize.bank_building.generic_score import in_batches
from personalize.files import banks, pixels, taste_parts
from personalize.files.photo_files import digest
from personalize.numerics import projection
from personalize.numerics.projection import equal_shares, group_scale
from personalize.numerics.raw_features import RawLayout
from personalize.progress import ProgressCallback, no_progress
from personalize.research.baselines import Catalogue
from personalize.scorers.cached_features import kept_array, raw_features
from personalize.scorers.feature_extraction import FeatureExtractor


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
    scaled = (raw - raw.mean(axis=0)) * group_scale(layout, raw.var(axis=0), equal_shares(layout)) * np.sqrt(len(layout.groups))
    return {group.name: scaled[:, place].astype(np.float64) for group, place in layout.slices()}


@cache
def _task_scores(bank: Path, photos: tuple[Path, ...], folder: Path, progress: ProgressCallback) -> np.ndarray:
    """Scores of all photos by each task's own network, kept in a folder."""
    from personalize.files.open_banks import Bank, open_bank  # these need torch
    from personalize.networks.scorer import Scorer
    from personalize.scorers.task_scoring import task_scores

    @cache
    def opened() -> tuple[Bank, Scorer]:
        found = open_bank(bank)
        return found, found.scorer()

    def score(piece: range) -> np.ndarray:
        found, model = opened()
        some = photos[piece.start : piece.stop]
        return np.stack([task_scores(model, found, task, some, progress) for task in found.vectors], axis=1)

    return kept_array(folder, f"tasks-{banks.read_metadata(bank).sha256[:16]}", [digest(photo) for photo in photos], score)
