"""Tables of individual ratings: rater, image, score. Needs no torch."""

import csv
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import numpy as np
from jaxtyping import Float

from personalize.errors import BadDataset
from personalize.files.photo_files import digest, photos_below
from personalize.numerics.ratings import RaterRatings

COLUMNS = {"rater": ("rater", "worker"), "image": ("image", "imagePair"), "score": ("score",)}  # PAV's names, then FLICKR-AES's


@dataclass(frozen=True)
class RatingTable:
    """A set of rated photos and the raters' ratings of them."""

    photos: list[Path]
    raters: list[RaterRatings]
    left_out: int  # rated photos that the bank was built with
    test_raters: frozenset[str] | None = None  # names of the test raters by the protocol; None: the caller splits
    protocol: str = "none"
    notes: tuple[str, ...] = ()  # sentences for reports, on photos that are not used
    about: str = "Individual ratings, split by the evaluation."  # one or two sentences for reports

    @property
    def tested(self) -> list[RaterRatings]:
        """The test raters; all raters where the caller splits."""
        return [one for one in self.raters if self.test_raters is None or one.rater in self.test_raters]

    def without(self, digests: frozenset[str]) -> "RatingTable":
        """The ratings without those of photos with these digests (see `photo_files.digest`).

        Raises:
            BadDataset: no ratings would remain.
        """
        if not digests:
            return self
        kept = self._with_photos([place for place, photo in enumerate(self.photos) if digest(photo) not in digests], self.raters)
        if not kept.raters:
            raise BadDataset(f"No ratings remain: the bank was built with all of the {len(self.photos)} rated photos.")
        return replace(kept, left_out=self.left_out + len(self.photos) - len(kept.photos))

    def of(self, names: Collection[str]) -> "RatingTable":
        """The ratings of these raters, and the photos that they rated."""
        raters = [one for one in self.raters if one.rater in names]
        return self._with_photos(sorted({int(place) for one in raters for place in one.photos}), raters)

    def _with_photos(self, kept: Sequence[int], raters: Sequence[RaterRatings]) -> "RatingTable":
        """These raters' ratings of the photos at these places; raters without any are left out."""
        moved = np.full(len(self.photos), -1)
        moved[list(kept)] = np.arange(len(kept))
        found = []
        for one in raters:
            places = moved[one.photos]
            if (places >= 0).any():
                found.append(RaterRatings(places[places >= 0], one.ratings[places >= 0], one.rater))
        return replace(self, photos=[self.photos[place] for place in kept], raters=found)


def gather(ratings: Mapping[str, Mapping[Path, float]], *, by_name: bool = False) -> RatingTable:
    """A table of ratings by rater and photo; raters are sorted by name, photos by path or file name."""
    photos = sorted({photo for own in ratings.values() for photo in own}, key=lambda photo: photo.name if by_name else photo)
    place = {photo: index for index, photo in enumerate(photos)}
    raters = [
        RaterRatings(np.array([place[photo] for photo in own]), np.array(list(own.values()), dtype=float), rater)
        for rater, own in sorted(ratings.items())
    ]
    return RatingTable(photos, raters, left_out=0)


def read(table: Path, folder: Path, exclude: frozenset[str] = frozenset()) -> RatingTable:
    """Read ratings, in PAV's columns or FLICKR-AES's, and find their photos below `folder`.

    `exclude` holds digests (see `photo_files.digest`) of photos that must not be used, because a task vector was trained on their scores.
    If a rater rates a photo twice, the last rating counts.

    Raises:
        BadDataset: a column, photo or number is missing; the message names the line.
    """
    if not folder.is_dir():
        raise BadDataset(f"{folder} is not a folder of photos.")
    found = {path.name: path for path in photos_below(folder)}
    rated: set[str] = set()
    ratings: dict[str, dict[Path, float]] = defaultdict(dict)
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            rater, image, score = (next((name for name in known if name in (rows.fieldnames or ())), "") for known in COLUMNS.values())
            if not (rater and image and score):
                raise BadDataset(f"{table} needs the columns rater, image, score; it has {', '.join(rows.fieldnames or ['none'])}.")
            for line, row in enumerate(rows, start=2):
                if row[image] not in found:
                    raise BadDataset(f"{table} line {line}: there is no photo {row[image]!r} below {folder}.")
                rated.add(row[image])
                ratings[row[rater]][found[row[image]]] = finite_number(row[score], score, table, line)
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataset(f"{table} cannot be read: {error}") from error
    if not ratings:
        raise BadDataset(f"{table} has no rating.")
    try:
        unrated = sorted(found.keys() - rated)
        notes = (f"Photos in {folder} without a rating, which are not used: {len(unrated)}, such as {unrated[0]}.",) if unrated else ()
        return replace(gather(ratings, by_name=True), notes=notes).without(exclude)
    except BadDataset as error:
        raise BadDataset(f"{table}: {error}") from error


def halves(count: int, seed: int) -> tuple[list[int], list[int]]:
    """Places of the raters to learn from and of the test raters, where a dataset defines no split; in the order drawn."""
    order = [int(rater) for rater in np.random.default_rng(seed).permutation(count)]
    return order[: count // 2], order[count // 2 :]


def in_three_steps(ratings: Float[np.ndarray, "ratings"]) -> Float[np.ndarray, "ratings"]:
    """A rater's ratings reduced to dislike, like, love (1, 2, 3) at the terciles of these ratings, as far as ties allow."""
    low, high = np.quantile(ratings, [1 / 3, 2 / 3])
    return 1.0 + (ratings > low) + (ratings > high) if low < high else 1.0 + (ratings > low) * 1.0 + (ratings >= high) * 1.0


def finite_number(text: str | None, column: str, table: Path, line: int) -> float:
    """The finite number in one cell of a table.

    Raises:
        BadDataset: there is none; the message names the line and the column.
    """
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadDataset(f"{table} line {line}: {column} is {text!r}, not a number.")
    return value
