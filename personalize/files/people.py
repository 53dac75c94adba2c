"""Single ratings of people, from a table of rater, image, score."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from personalize.errors import BadDatabase

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Person:
    """One rater: which photos, and what they said of each."""

    name: str
    photos: Int[np.ndarray, "ratings"]  # places in `Ratings.photos`
    ratings: Float[np.ndarray, "ratings"]


@dataclass(frozen=True)
class Ratings:
    """A set of rated photos and the people who rated them."""

    photos: list[Path]
    people: list[Person]
    left_out: int  # rated photos that had a part in making the bank
    test_people: frozenset[str] | None = None  # who is tested, by the protocol; None: the caller splits
    protocol: str = "none"
    about: str = "People's own ratings, split by whoever measures."  # one or two sentences for reports

    @property
    def teachers(self) -> list[Person]:
        """Who may teach a prior: everybody but the test people."""
        return [one for one in self.people if one.name not in (self.test_people or ())]

    @property
    def tested(self) -> list[Person]:
        """The test people; everybody where the caller splits."""
        return [one for one in self.people if self.test_people is None or one.name in self.test_people]

    def without(self, digests: frozenset[str]) -> "Ratings":
        """The same ratings but for those of photos with these digests (see `digest`).

        Raises:
            BadDatabase: nothing would be left.
        """
        if not digests:
            return self
        kept = [place for place, photo in enumerate(self.photos) if digest(photo) not in digests]
        moved = np.full(len(self.photos), -1)
        moved[kept] = np.arange(len(kept))
        people = []
        for one in self.people:
            places = moved[one.photos]
            if (places >= 0).any():
                people.append(Person(one.name, places[places >= 0], one.ratings[places >= 0]))
        if not people:
            raise BadDatabase(f"There is no rating of a photo that the bank has not seen ({len(self.photos)} photos, all left out).")
        photos = [self.photos[place] for place in kept]
        return replace(self, photos=photos, people=people, left_out=self.left_out + len(self.photos) - len(kept))


def gather(said: Mapping[str, Mapping[Path, float]], test_people: frozenset[str] | None, protocol: str, about: str) -> Ratings:
    """Ratings from what each person said of each photo, people and photos in the order of their names."""
    photos = sorted({photo for ratings in said.values() for photo in ratings})
    place = {photo: index for index, photo in enumerate(photos)}
    people = [
        Person(name, np.array([place[photo] for photo in ratings]), np.array(list(ratings.values()), dtype=float))
        for name, ratings in sorted(said.items())
    ]
    return Ratings(photos, people, 0, test_people, protocol, about)


def read(table: Path, folder: Path, exclude: frozenset[str] = frozenset()) -> Ratings:
    """Read ratings and find their photos below `folder`.

    `exclude` holds digests (see `digest`) of photos that must not be used, because a task vector has seen their scores.
    A photo rated twice by the same person counts once, with the last rating.

    Raises:
        BadDatabase: a column, photo or number is missing; the line is named.
    """
    if not folder.is_dir():
        raise BadDatabase(f"{folder} is not a folder of photos.")
    found = {path.name: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES}
    said: dict[str, dict[str, float]] = defaultdict(dict)
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            if not {"rater", "image", "score"} <= set(rows.fieldnames or ()):
                raise BadDatabase(f"{table} needs the columns rater, image, score; it has {', '.join(rows.fieldnames or ['none'])}.")
            for number, row in enumerate(rows, start=2):
                if row["image"] not in found:
                    raise BadDatabase(f"{table} line {number}: there is no photo {row['image']!r} below {folder}.")
                said[row["rater"]][row["image"]] = _number(row["score"], table, number)
    except (OSError, UnicodeDecodeError) as error:
        raise BadDatabase(f"{table} cannot be read: {error}") from error
    names = sorted({image for images in said.values() for image in images})
    kept = [name for name in names if digest(found[name]) not in exclude]
    place = {name: index for index, name in enumerate(kept)}
    people = []
    for rater, images in sorted(said.items()):
        own = [(place[image], score) for image, score in images.items() if image in place]
        if own:
            people.append(Person(rater, np.array([index for index, _ in own]), np.array([score for _, score in own])))
    if not people:
        raise BadDatabase(f"{table} has no rating of a photo that the bank has not seen ({len(names)} photos, all left out).")
    return Ratings([found[name] for name in kept], people, len(names) - len(kept))


def halves(count: int, seed: int) -> tuple[list[int], list[int]]:
    """Places of the people who teach and of those who are tested, where a database names neither; in the order drawn."""
    order = [int(who) for who in np.random.default_rng(seed).permutation(count)]
    return order[: count // 2], order[count // 2 :]


def digest(photo: Path) -> str:
    """Short name of a photo file's content: the first 16 hexadecimal digits of its sha256."""
    return hashlib.sha256(photo.read_bytes()).hexdigest()[:16]


def seen_digests(arrays: Mapping[str, np.ndarray]) -> frozenset[str]:
    """Digests of the photos that shaped a bank, from its array `seen`; none where the bank does not know (imported ones)."""
    return frozenset(f"{int(number):016x}" for number in arrays.get("seen", ()))


def in_three_steps(ratings: Float[np.ndarray, "ratings"]) -> Float[np.ndarray, "ratings"]:
    """A person's ratings cut to dislike, like, love (1, 2, 3) at their own thirds, as far as ties allow."""
    low, high = np.quantile(ratings, [1 / 3, 2 / 3])
    return 1.0 + (ratings > low) + (ratings > high) if low < high else 1.0 + (ratings > low) * 1.0 + (ratings >= high) * 1.0


def _number(text: str | None, table: Path, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadDatabase(f"{table} line {line}: score is {text!r}, not a number.")
    return value
