"""Rated photo databases: a registry of rows, their photos with mean scores and splits, and single people's ratings.

Splits are by photo and fixed: `train` may shape a task vector, `validation` picks its epoch, `test` is only ever reported.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from personalize.databases.database import Database
from personalize.databases.made import degraded_in_steps
from personalize.databases.photos import RatedPhoto, Split
from personalize.databases.rows import REGISTRY
from personalize.errors import BadDatabase, NoSingleRatings, UnknownName
from personalize.files.people import Ratings, gather

__all__ = ["PROTOCOLS", "REGISTRY", "Database", "ProtocolName", "RatedPhoto", "Split", "find", "load", "people"]

ProtocolName = Literal["leak-free", "published"]
PROTOCOLS: dict[str, str] = {
    "leak-free": "No photo that a test person rated trains or validates a task vector, and no test person teaches a prior.",
    "published": "Task vectors learn from the database's usual split whoever rated it, as Yun & Choo 2024 did, so scores can leak.",
}


def find(name: str) -> Database:
    """Look a database up by name.

    Raises:
        UnknownName: no such row; the known ones are listed.
    """
    if name not in REGISTRY:
        raise UnknownName("database", name, list(REGISTRY))
    return REGISTRY[name]


def load(name: str, root: Path, protocol: ProtocolName = "leak-free") -> list[RatedPhoto]:
    """All photos of a database with mean score, split and, where more than a mean is published, distribution over 1..10.

    `root` is the folder of all databases or the database's own. Distributions on other scales are laid over 1..10 by
    `photos.on_ten_levels`. No photo is opened.

    Raises:
        UnknownName: no such database or protocol.
        BadDatabase: a file, column, photo or number is missing; it is named, with the layout that was expected.
    """
    row, folder = _opened(name, root, protocol)
    photos = row.photos(folder, row)
    if row.degraded:
        return [made for photo in photos for made in degraded_in_steps(photo)]
    if protocol == "published" or row.testers is None or row.ratings is None:
        return photos
    if name == "aadb" and not any(photo.distribution for photo in photos):
        return photos  # AADB's single ratings are given out apart; without them there is nobody to test
    said = row.ratings(folder, row)
    tested = {photo for person in row.testers(folder, row, said) for photo in said[person]}
    return [replace(photo, split="test") if photo.path in tested else photo for photo in photos]


def people(name: str, root: Path, protocol: ProtocolName = "leak-free") -> Ratings:
    """Single ratings of a database, with its test people where it has any.

    Raises:
        UnknownName: no such database or protocol.
        NoSingleRatings: the database has none.
        BadDatabase: see `load`.
    """
    row, folder = _opened(name, root, protocol)
    if row.ratings is None:
        known = ", ".join(sorted(one.name for one in REGISTRY.values() if one.ratings))
        raise NoSingleRatings(f"{name} has no single people's ratings. These have: {known}.")
    said = row.ratings(folder, row)
    if not said:
        raise BadDatabase(f"{folder} has no rating of a photo that is set aside for people. {row.layout}")
    testers = row.testers(folder, row, said) if row.testers else None
    who = f"{len(testers)} of {len(said)} people are tested" if testers is not None else f"{len(said)} people, split by whoever measures"
    draws = " in 10 random splits at 10 or 100 shots, the rest of their photos tested" if name == "flickr-aes" else ""
    return gather(said, testers, protocol, f"{row.source}, protocol {protocol}: {who}{draws}. {PROTOCOLS[protocol]}")


def _opened(name: str, root: Path, protocol: str) -> tuple[Database, Path]:
    row = find(name)
    if protocol not in get_args(ProtocolName):
        raise UnknownName("protocol", protocol, list(PROTOCOLS))
    return row, root / row.folder if (root / row.folder).is_dir() else root
