"""Writing of a bank's taste part: task heads, the generic score pooled over them, the bank's own projection, and the hyperprior.

Behind `./pav train_generic_score`. Needs no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from personalize import datasets
from personalize.datasets import RatedPhoto
from personalize.errors import BadOption
from personalize.files import extractors, pixels, rating_tables, taste_parts
from personalize.files.banks import BankMetadata, TasteFacts
from personalize.files.photo_files import digest, photos_in
from personalize.files.taste_parts import TastePart
from personalize.numerics import projection, task_heads
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.hyperprior import CatalogueRaters, learn_shipped
from personalize.numerics.task_heads import ScoredPhotos
from personalize.progress import ProgressCallback, no_progress
from personalize.scorers.cached_features import raw_features
from personalize.scorers.feature_extraction import FeatureExtractor

DATASETS = (
    "oasis-beauty",
    "oasis-valence",
    "oasis-arousal",
    "streetpsych-preference",
    "houses",
    "savoias-complexity",
    "technical-quality",
)
RATERS = ("oasis-beauty", "houses")
AT_ONCE = 512  # photos of a pass over raw features in memory


@dataclass(frozen=True)
class TastePlan:
    """Contents of a taste part."""

    datasets: tuple[str, ...] = DATASETS
    raters: tuple[str, ...] = RATERS  # datasets whose raters teach the hyperprior; none: flat
    most_photos: int = 2000  # of a dataset, drawn by the seed
    seed: int = 0


def train(bank: Path, root: Path, cache: Path, plan: TastePlan, progress: ProgressCallback = no_progress) -> BankMetadata:
    """Train and write the taste part of a bank that has extractors.

    Raises:
        BadBank: the bank has no extractors.
        BadDataset, NoSingleRatings: see `datasets.load` and `datasets.ratings`.
        BadOption: no dataset is named.
    """
    if not plan.datasets:
        raise BadOption("Name at least one dataset.")
    extractor = FeatureExtractor(bank)
    sets, digests = [], set()
    for name in plan.datasets:
        photos = _training_photos(name, root, plan)
        digests |= {digest(photo.path) for photo in photos}
        raw = raw_features(extractor, [(_key(photo), photo.read) for photo in photos], cache, f"extracting features of {name}", progress)
        sets.append(ScoredPhotos(name, raw, np.array([photo.score for photo in photos]), datasets.find(name).preference))
    heads = task_heads.learn(sets, extractor.layout)
    everything = np.concatenate([one.raw for one in sets])
    learned = projection.learn(partial(in_batches, everything), extractor.layout, heads)
    hyperprior, taught = _hyperprior(extractor, sets, root, cache, plan, progress)
    facts: TasteFacts = {
        "heads": {
            one.name: {
                "photos": len(one.raw),
                "pooled": one.pooled,
                "source": datasets.find(one.name).source,
                "licence": datasets.find(one.name).licence,
            }
            for one in sets
        },
        "left_out_srocc": task_heads.left_out(sets, extractor.layout),
        "strength": task_heads.STRENGTH,
        "hyperprior": {"raters_of": list(plan.raters), "photos": len(taught)} if plan.raters else "flat: learned from nobody",
    }
    return taste_parts.write(TastePart(heads, learned, hyperprior, frozenset(digests), taught, facts), bank)


def write_without_datasets(bank: Path, photos: Path | None, cache: Path, progress: ProgressCallback = no_progress) -> BankMetadata:
    """Write the taste part of a bank without datasets of mean scores: the generic score is the merged network's, the hyperprior flat.

    Without a merged network, the generic score is empty. `photos` is a folder of photos for the bank's own projection; None: without one.

    Raises:
        BadPhoto: the folder has no photos.
        BadProjection: it has too few, or they are all alike.
    """
    heads, learned = task_heads.learn((), extractors.read(bank).layout), None
    if photos:
        extractor = FeatureExtractor(bank)
        keyed = [(digest(photo), partial(pixels.read, photo)) for photo in photos_in(photos)]
        raw = raw_features(extractor, keyed, cache, "extracting features", progress)
        learned = projection.learn(partial(in_batches, raw), extractor.layout, heads)
    facts: TasteFacts = {"heads": {}, "hyperprior": "flat: learned from nobody"}
    return taste_parts.write(TastePart(heads, learned, Hyperprior.flat(), facts=facts), bank)


def in_batches(raw: np.ndarray) -> Sequence[np.ndarray]:
    """Raw features in memory, piece by piece, as a projection is learned from them."""
    return [raw[first : first + AT_ONCE] for first in range(0, len(raw), AT_ONCE)]


def _training_photos(name: str, root: Path, plan: TastePlan) -> list[RatedPhoto]:
    photos = [photo for photo in datasets.load(name, root) if photo.split != "test"]
    drawn = np.random.default_rng(plan.seed).permutation(len(photos))[: plan.most_photos]
    return [photos[place] for place in sorted(drawn)]


def _key(photo: RatedPhoto) -> str:
    return f"{digest(photo.path)} {photo.degrade or ''}"


def _hyperprior(
    extractor: FeatureExtractor, sets: Sequence[ScoredPhotos], root: Path, cache: Path, plan: TastePlan, progress: ProgressCallback
) -> tuple[Hyperprior, frozenset[str]]:
    """The hyperprior, and the digests of the photos whose raters taught it. Each dataset is one catalogue with its own projection.

    Heads of a dataset without test photos are left out of its own catalogue: there they are better than they will be on other photos.
    """
    catalogues, taught = [], set()
    for name in plan.raters:
        table = datasets.ratings(name, root)
        keyed = [(digest(photo), partial(pixels.read, photo)) for photo in table.photos]
        raw = raw_features(extractor, keyed, cache, f"extracting features of the photos that raters of {name} rated", progress)
        tested = any(photo.split == "test" for photo in datasets.load(name, root))
        heads = task_heads.learn([one for one in sets if tested or one.name != name], extractor.layout)
        features = projection.learn(partial(in_batches, raw), extractor.layout, heads).apply(raw).astype(np.float64)
        # Raters of the app choose among dislike, like and love, so the hyperprior is learned from ratings reduced to three steps.
        raters = [(features[one.photos], rating_tables.in_three_steps(one.ratings)) for one in table.raters]
        catalogues.append(CatalogueRaters(raters, len(heads.names) - 1))
        taught |= {key for key, _ in keyed}
    return learn_shipped(catalogues), frozenset(taught)
