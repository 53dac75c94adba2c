"""The registry of rated photo databases: rows of data, one loader.

A database yields photos with one mean score each and a split. Splits are by photo and fixed: `train` may shape a task vector,
`validation` picks its epoch, `test` is only ever reported. Photos that a database sets aside for measuring people are `test` here.
"""

import csv
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from personalize import images
from personalize.errors import BadDatabase, UnknownName

Split = Literal["train", "validation", "test"]
Degrade = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class RatedPhoto:
    """One photo with its mean opinion score (MOS), on the database's own scale."""

    path: Path
    score: float
    split: Split
    distribution: tuple[float, ...] | None = None  # probability of each score 1..10, where the database tells more than a mean
    degrade: Degrade | None = None  # for made databases: what is done to the photo before it is shown

    def read(self) -> Image.Image:
        photo = images.read(self.path)
        return self.degrade(photo) if self.degrade else photo


@dataclass(frozen=True)
class Database:
    """One task as a row of the registry."""

    name: str
    folder: str  # below the root that holds all databases
    column: str  # of scores.csv
    low: float  # the end of the scale that becomes score 1
    high: float  # the end that becomes score 10
    spread: float  # of single raters around the mean, on 1..10
    about: str
    source: str
    degraded: bool = False  # scores are made by degrading the photos in graded steps


OASIS = "OASIS, Kurdi, Lozano & Banaji 2017"
REGISTRY: dict[str, Database] = {
    row.name: row
    for row in (
        Database("oasis-beauty", "oasis", "beauty_mean", 1, 7, 1.8, "mean beauty", f"Brielmann & Pelli 2019, on {OASIS}"),
        Database("oasis-valence", "oasis", "valence_mean", 1, 7, 1.8, "how pleasant", OASIS),
        Database("oasis-arousal", "oasis", "arousal_mean", 1, 7, 1.8, "how exciting", OASIS),
        Database("streetpsych-preference", "streetpsych", "preference", -6, 6, 1.5, "preferred street view", "StreetPsych, Kang"),
        Database("savoias-complexity", "savoias", "complexity", 0, 100, 1.5, "visual complexity", "Savoias, Saraee, Jalal & Betke 2020"),
        Database(
            "technical-quality", "oasis", "beauty_mean", 0, 5, 1.0, "blur, JPEG, noise and exposure in five steps", OASIS, degraded=True
        ),
    )
}


def find(name: str) -> Database:
    """Look a database up by name.

    Raises:
        UnknownName: no such row; the known ones are listed.
    """
    if name not in REGISTRY:
        raise UnknownName("database", name, list(REGISTRY))
    return REGISTRY[name]


def load(name: str, root: Path) -> list[RatedPhoto]:
    """All photos of a database with their scores and splits.

    Photos marked `personal` in a `split` column are test photos; of all others a fixed tenth (by a hash of the file name) is
    for validation, and where no photo is set aside a fixed fifth for the test.

    Raises:
        UnknownName: no such database.
        BadDatabase: a file, column or number is missing; it is named, with the layout that was expected.
    """
    database = find(name)
    folder = root / database.folder
    photos = list(_scored_photos(folder, database))
    if not database.degraded:
        return photos
    return [made for photo in photos for made in _degraded_in_steps(photo)]


def _scored_photos(folder: Path, database: Database) -> Iterator[RatedPhoto]:
    table = folder / "scores.csv"
    expected = f"{folder} should hold scores.csv with the columns image and {database.column}, and the photos in images/."
    if not table.is_file():
        raise BadDatabase(f"{table} is missing. {expected}")
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"image", database.column} <= rows[0].keys():
        raise BadDatabase(f"{table} lacks a column. {expected}")
    set_aside = any(row.get("split") == "personal" for row in rows)
    for number, row in enumerate(rows, start=2):
        path = folder / "images" / row["image"]
        if not path.is_file():
            raise BadDatabase(f"{table} line {number}: {path} is missing. {expected}")
        try:
            score = float(row[database.column])
        except ValueError as error:
            raise BadDatabase(f"{table} line {number}: {database.column} is {row[database.column]!r}, not a number.") from error
        if row.get("split") == "personal":
            if not database.degraded:
                yield RatedPhoto(path, score, "test")
            continue
        # Made databases test on photos of their own, since the set-aside ones carry people's scores alone.
        yield RatedPhoto(path, score, _fixed_split(row["image"], with_test=database.degraded or not set_aside))


def _fixed_split(image: str, with_test: bool) -> Split:
    draw = zlib.crc32(image.encode()) % 100
    if with_test and draw < 20:
        return "test"
    return "validation" if draw >= 90 else "train"


def _degraded_in_steps(photo: RatedPhoto) -> Iterator[RatedPhoto]:
    """The untouched photo (score 5) and four kinds of damage in steps 1 to 5 (scores 4 to 0)."""
    yield replace(photo, score=5.0)
    for kind in (_blurred, _compressed, _noisy, _badly_exposed):
        for step in range(1, 6):
            yield replace(photo, score=5.0 - step, degrade=_Step(kind, step, photo.path.name))


@dataclass(frozen=True)
class _Step:
    kind: Callable[[Image.Image, int, np.random.Generator], Image.Image]
    step: int
    name: str

    def __call__(self, photo: Image.Image) -> Image.Image:
        return self.kind(photo, self.step, np.random.default_rng(zlib.crc32(self.name.encode()) + self.step))


def _blurred(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(0.5 * 1.6 ** (step - 1)))


def _compressed(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=(45, 28, 16, 9, 4)[step - 1])
    return Image.open(file).convert("RGB")


def _noisy(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(photo, dtype=np.float32)
    noise = rng.normal(scale=6 * 1.7 ** (step - 1), size=pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _badly_exposed(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    stops = 0.5 * step * (1 if rng.random() < 0.5 else -1)
    linear = (np.asarray(photo, dtype=np.float32) / 255) ** 2.2 * 2.0**stops
    return Image.fromarray((np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
