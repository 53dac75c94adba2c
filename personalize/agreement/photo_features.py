"""Features of rated photos as the app would have them, from a folder of photo files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from personalize.bank_building.generic_score import in_batches
from personalize.errors import BadDataset
from personalize.files import pixels, taste_parts
from personalize.files.photo_files import digest, photos_below
from personalize.numerics import projection
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.progress import ProgressCallback
from personalize.scorers.cached_features import raw_features
from personalize.scorers.feature_extraction import FeatureExtractor


@dataclass(frozen=True)
class RatedPhotoFeatures:
    """Features of the rated photos, nan where there are none, and the hyperprior that fits to them use."""

    features: Float[np.ndarray, "photos features"]
    hyperprior: Hyperprior
    notes: Sequence[str]


def photo_features(
    names: Sequence[str], folder: Path, bank: Path, cache: Path, progress: ProgressCallback, *, flat: bool = False
) -> RatedPhotoFeatures:
    """Find the photos below `folder` by file name, and extract their features; the projection is learned from these photos.

    Photos that the bank was trained on are left out, because scores of theirs are in it. Where raters of these photos taught the bank's
    hyperprior, or with `flat`, a flat one takes its place. Photos are known by the content of their files: for copies in another size,
    `flat` is the caller's to choose.

    Raises:
        BadDataset: none of the photos is in the folder, or the bank was trained on all of them.
        BadBank, BadProjection, BadPhoto: see `FeatureExtractor`, `projection.learn`.
    """
    files = {path.name: path for path in photos_below(folder)}
    found = [(place, files[name]) for place, name in enumerate(names) if name in files]
    if not found:
        raise BadDataset(f"None of the {len(names)} rated photos is below {folder}; the first is {names[0]!r}.")
    part = taste_parts.read(bank)
    keyed = [(place, path, digest(path)) for place, path in found]
    seen = taste_parts.photos_seen(bank)
    usable = [one for one in keyed if one[2] not in seen]
    notes = []
    if len(found) < len(names):
        notes.append(f"{len(names) - len(found)} rated photos are not below {folder}, and are left out of what personalization adds.")
    if len(usable) < len(found):
        notes.append(f"{len(found) - len(usable)} photos trained the bank, and are left out of what personalization adds.")
    if not usable:
        raise BadDataset(f"The bank was trained on all of the {len(found)} rated photos: nothing can be measured on them.")
    taught = any(key in part.hyperprior_of for _, _, key in usable)
    if taught:
        notes.append("Raters of these photos taught the bank's hyperprior, so that a flat one takes its place.")
    extractor = FeatureExtractor(bank)
    raw = raw_features(extractor, [(key, partial(pixels.read, path)) for _, path, key in usable], cache, "extracting features", progress)
    learned = projection.learn(partial(in_batches, raw), extractor.layout, part.heads)
    own = learned.apply(raw).astype(np.float16).astype(np.float64)  # the app stores features in half precision
    features = np.full((len(names), own.shape[1]), np.nan)
    features[[place for place, _, _ in usable]] = own
    heads = len(learned.directions) - 1
    return RatedPhotoFeatures(features, Hyperprior.flat(heads) if taught or flat else replace(part.hyperprior, heads=heads), notes)
