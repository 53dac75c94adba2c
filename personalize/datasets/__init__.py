"""Datasets of rated photos: the registry, photos with mean scores and splits, and ratings by rater.

Splits are by photo and fixed: `train` trains a task vector, `validation` selects its epoch, `test` is for reported results only.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from personalize.datasets.dataset import Dataset, RatedPhoto, Split
from personalize.datasets.loaders import degraded_in_steps
from personalize.datasets.registry import REGISTRY
from personalize.errors import BadDataset, NoSingleRatings, UnknownName
from personalize.files.rating_tables import RatingTable, gather

__all__ = ["PROTOCOLS", "REGISTRY", "Dataset", "DatasetProtocol", "RatedPhoto", "Split", "find", "load", "ratings"]

DatasetProtocol = Literal["leak-free", "published"]
PROTOCOLS: dict[str, str] = {
    "leak-free": "No photo that a test rater rated trains or validates a task vector, and no prior is learned from a test rater.",
    "published": "Task vectors use the dataset's usual split, even photos that test raters rated, as in Yun & Choo 2024: scores can leak.",
}


def find(name: str) -> Dataset:
    """Look up a dataset by name.

    Raises:
        UnknownName: no such dataset; the message lists the known ones.
    """
    if name not in REGISTRY:
        raise UnknownName("dataset", name, list(REGISTRY))
    return REGISTRY[name]


def load(name: str, root: Path, protocol: DatasetProtocol = "leak-free") -> list[RatedPhoto]:
    """All photos of a dataset with mean score, split and, where more than a mean is published, distribution over 1..10.

    `root` is the folder of all datasets or of this one. `dataset.on_ten_levels` maps distributions on other scales to 1..10. Does not
    open photos.

    Raises:
        UnknownName: no such dataset or protocol.
        BadDataset: a file, column, photo or number is missing; the message names it, with the expected layout.
    """
    row, folder = _opened(name, root, protocol)
    photos = row.photos(folder, row)
    if row.degraded:
        return [degraded for photo in photos for degraded in degraded_in_steps(photo)]
    if protocol == "published" or row.testers is None or row.ratings is None:
        return photos
    if name == "aadb" and not any(photo.distribution for photo in photos):
        return photos  # AADB's single ratings are distributed separately; without them there are no raters to test
    by_rater = row.ratings(folder, row)
    tested = {photo for rater in row.testers(folder, row, by_rater) for photo in by_rater[rater]}
    return [replace(photo, split="test") if photo.path in tested else photo for photo in photos]


def ratings(name: str, root: Path, protocol: DatasetProtocol = "leak-free") -> RatingTable:
    """Single ratings of a dataset, with its test raters where it defines any.

    Raises:
        UnknownName: no such dataset or protocol.
        NoSingleRatings: the dataset has mean scores only.
        BadDataset: see `load`.
    """
    row, folder = _opened(name, root, protocol)
    if row.ratings is None:
        known = ", ".join(sorted(one.name for one in REGISTRY.values() if one.ratings))
        raise NoSingleRatings(f"{name} has mean scores, but no ratings by rater. These have: {known}.")
    by_rater = row.ratings(folder, row)
    if not by_rater:
        raise BadDataset(f"{folder} has no rating of a photo that is set aside to test raters. {row.layout}")
    select = (row.published_testers if protocol == "published" else None) or row.testers
    testers = select(folder, row, by_rater) if select else None
    raters = (
        f"{len(testers)} of {len(by_rater)} raters are tested"
        if testers is not None
        else f"{len(by_rater)} raters, split by the evaluation"
    )
    draws = " in 10 random splits at 10 or 100 shots, on the rest of their photos" if name == "flickr-aes" else ""
    about = f"{row.source}, protocol {protocol}: {raters}{draws}. {PROTOCOLS[protocol]}"
    return replace(gather(by_rater), test_raters=testers, protocol=protocol, about=about)


def _opened(name: str, root: Path, protocol: str) -> tuple[Dataset, Path]:
    row = find(name)
    if protocol not in get_args(DatasetProtocol):
        raise UnknownName("protocol", protocol, list(PROTOCOLS))
    return row, root / row.folder if (root / row.folder).is_dir() else root
