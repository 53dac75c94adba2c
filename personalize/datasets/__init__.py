"""Rated photo datasets: a registry of rows, their photos with mean scores and splits, and single people's ratings.

Splits are by photo and fixed: `train` may shape a task vector, `validation` picks its epoch, `test` is only ever reported.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from personalize.datasets.dataset import Dataset, RatedPhoto, Split
from personalize.datasets.registry import REGISTRY
from personalize.datasets.synthetic import degraded_in_steps
from personalize.errors import BadDataset, NoSingleRatings, UnknownName
from personalize.files.rating_tables import RatingTable, gather

__all__ = ["PROTOCOLS", "REGISTRY", "Dataset", "DatasetProtocol", "RatedPhoto", "Split", "find", "load", "ratings"]

DatasetProtocol = Literal["leak-free", "published"]
PROTOCOLS: dict[str, str] = {
    "leak-free": "No photo that a test person rated trains or validates a task vector, and no test person teaches a prior.",
    "published": "Task vectors learn from the dataset's usual split whoever rated it, as Yun & Choo 2024 did, so scores can leak.",
}


def find(name: str) -> Dataset:
    """Look a dataset up by name.

    Raises:
        UnknownName: no such row; the known ones are listed.
    """
    if name not in REGISTRY:
        raise UnknownName("dataset", name, list(REGISTRY))
    return REGISTRY[name]


def load(name: str, root: Path, protocol: DatasetProtocol = "leak-free") -> list[RatedPhoto]:
    """All photos of a dataset with mean score, split and, where more than a mean is published, distribution over 1..10.

    `root` is the folder of all datasets or the dataset's own. Distributions on other scales are laid over 1..10 by
    `photos.on_ten_levels`. No photo is opened.

    Raises:
        UnknownName: no such dataset or protocol.
        BadDataset: a file, column, photo or number is missing; it is named, with the layout that was expected.
    """
    row, folder = _opened(name, root, protocol)
    photos = row.photos(folder, row)
    if row.degraded:
        return [degraded for photo in photos for degraded in degraded_in_steps(photo)]
    if protocol == "published" or row.testers is None or row.ratings is None:
        return photos
    if name == "aadb" and not any(photo.distribution for photo in photos):
        return photos  # AADB's single ratings are given out apart; without them there is nobody to test
    by_rater = row.ratings(folder, row)
    tested = {photo for rater in row.testers(folder, row, by_rater) for photo in by_rater[rater]}
    return [replace(photo, split="test") if photo.path in tested else photo for photo in photos]


def ratings(name: str, root: Path, protocol: DatasetProtocol = "leak-free") -> RatingTable:
    """Single ratings of a dataset, with its test raters where it has any.

    Raises:
        UnknownName: no such dataset or protocol.
        NoSingleRatings: the dataset has none.
        BadDataset: see `load`.
    """
    row, folder = _opened(name, root, protocol)
    if row.ratings is None:
        known = ", ".join(sorted(one.name for one in REGISTRY.values() if one.ratings))
        raise NoSingleRatings(f"{name} has no single people's ratings. These have: {known}.")
    by_rater = row.ratings(folder, row)
    if not by_rater:
        raise BadDataset(f"{folder} has no rating of a photo that is set aside for people. {row.layout}")
    testers = row.testers(folder, row, by_rater) if row.testers else None
    who = (
        f"{len(testers)} of {len(by_rater)} people are tested"
        if testers is not None
        else f"{len(by_rater)} people, split by whoever measures"
    )
    draws = " in 10 random splits at 10 or 100 shots, the rest of their photos tested" if name == "flickr-aes" else ""
    about = f"{row.source}, protocol {protocol}: {who}{draws}. {PROTOCOLS[protocol]}"
    return replace(gather(by_rater), test_raters=testers, protocol=protocol, about=about)


def _opened(name: str, root: Path, protocol: str) -> tuple[Dataset, Path]:
    row = find(name)
    if protocol not in get_args(DatasetProtocol):
        raise UnknownName("protocol", protocol, list(PROTOCOLS))
    return row, root / row.folder if (root / row.folder).is_dir() else root
