"""Reader of tables of single ratings: any separator, byte order marks, decimal commas, files of any size.

Lines are read one at a time and kept as numbers, 40 bytes for each rating, so that large files need no memory for their text.
"""

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from personalize.agreement.single_ratings import SingleRatings
from personalize.errors import BadDataset
from personalize.progress import ProgressCallback, no_progress

COLUMNS = {  # accepted names of a column, the first one is PAV's; FLICKR-AES has worker, imagePair, score
    "rater": ("rater", "worker", "participant", "subject", "user"),
    "image": ("image", "imagepair", "photo", "item", "stimulus"),
    "score": ("score", "rating"),
    "block": ("block", "repetition", "session"),
    "category": ("category", "kind"),
    "trial": ("trial", "order", "seq"),
    "seconds": ("seconds",),
}
NEEDED = ("rater", "image", "score")
NO_VALUE = {"", "na", "n/a", "nan", "null", "none", "-", "."}
SEPARATORS = (",", ";", "\t")
MOST_RATINGS = 5_000_000  # an analysis of more needs more than 4 GB of memory
SHOWN = 3  # places that a note names


@dataclass(frozen=True)
class ReadRatings:
    """The ratings of a table, and what was left out of it."""

    ratings: SingleRatings
    notes: Sequence[str]


@dataclass(frozen=True)
class Line:
    """One line of a table: its number, and the values of the known columns."""

    table: Path
    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        if not (value := self.cells.get(column, "").strip()):
            raise BadDataset(f"{self.table} line {self.number}, column {column}: it is empty.")
        return value

    def number_of(self, column: str) -> float:
        """The number in a cell; nan where there is none.

        Raises:
            BadDataset: there is something else; the message names line and column.
        """
        text = self.cells.get(column, "").strip()
        if text.lower() in NO_VALUE:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            try:
                value = float(text.replace(",", ".")) if text.count(",") == 1 and "." not in text else math.inf
            except ValueError:
                value = math.inf
        if math.isinf(value) or "_" in text:
            raise BadDataset(f"{self.table} line {self.number}, column {column}: {text!r} is not a number.")
        return value


def read(table: Path, progress: ProgressCallback = no_progress) -> ReadRatings:
    """Read a table with the columns rater, image, score, and optionally block (or repetition), category, trial and seconds.

    Ratings without a score are left out. If a rater rates a photo twice in a block, the last rating counts, as in `./pav evaluate`. The
    notes say both.

    Raises:
        BadDataset: the file cannot be read, a column is missing, a cell is not what it must be, or there is no rating; the message names
            line and column.
    """
    reader = _Ratings()
    for line in lines(table, COLUMNS, NEEDED, progress):
        reader.add(line)
    return reader.finished(table)


@contextmanager
def opened(table: Path) -> Iterator[TextIO]:
    """The text of a table: UTF-8, or UTF-16 where a byte order mark says so, as Excel writes it.

    Raises:
        BadDataset: the file cannot be read.
    """
    try:
        with table.open("rb") as file:
            start = file.read(2)
        with table.open(newline="", encoding="utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig") as text:
            yield text
    except (UnicodeError, csv.Error) as error:
        raise BadDataset(f"{table} cannot be read: {error}. Save it as CSV in UTF-8.") from error
    except OSError as error:
        raise BadDataset(f"{table} cannot be read: {error.strerror}.") from error


def lines(
    table: Path, columns: dict[str, tuple[str, ...]], needed: Sequence[str], progress: ProgressCallback = no_progress
) -> Iterator[Line]:
    """The lines below the header, with the known columns under PAV's names.

    Raises:
        BadDataset: see `opened`; a needed column is missing, or a line has more cells than the header.
    """
    size = table.stat().st_size if table.is_file() else 0
    with opened(table) as text:
        header_text = text.readline()
        separator = max(SEPARATORS, key=header_text.count)
        header = next(csv.reader([header_text], delimiter=separator, skipinitialspace=True), [])
        places = _places(table, header, columns, needed)
        done = len(header_text)
        for cells in (rows := csv.reader(text, delimiter=separator, skipinitialspace=True)):
            number = rows.line_num + 1
            done += sum(map(len, cells)) + len(cells) + 1
            if number % 100_000 == 0:
                progress(f"reading {table.name}", min(done, size), size)
            if not any(cells):
                continue
            if len(cells) > len(header) and any(cells[len(header) :]):
                raise BadDataset(
                    f"{table} line {number}, column {len(header) + 1}: the header has {len(header)} columns, this line {len(cells)}. "
                    "Decimal commas need quotes, or semicolons between the columns."
                )
            yield Line(table, number, {name: cells[place] for name, place in places.items() if place < len(cells)})


def _places(table: Path, header: Sequence[str], columns: dict[str, tuple[str, ...]], needed: Sequence[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    places = {column: names.index(known) for column, accepted in columns.items() for known in reversed(accepted) if known in names}
    if missing := [column for column in needed if column not in places]:
        found = ", ".join(filter(None, map(str.strip, header))) or "none"
        raise BadDataset(f"{table} line 1: a column is missing: {', '.join(missing)}. It has {found}.")
    return places


class Names:
    """Names in the order in which they come first, and the number of each."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))

    def __len__(self) -> int:
        return len(self.numbers)

    def sorted(self, codes: "array[int]") -> tuple[np.ndarray, list[str]]:
        """The codes for names in natural order (2 before 10), and these names."""
        names = sorted(self.numbers, key=_natural)
        place = np.empty(len(names), dtype=np.int64)
        place[[self.numbers[name] for name in names]] = np.arange(len(names))
        return place[np.frombuffer(codes, dtype=np.int32)] if codes else np.zeros(0, dtype=np.int64), names


def _natural(name: str) -> tuple[int, float, str]:
    try:
        return (0, float(name), name) if math.isfinite(float(name)) else (1, 0.0, name)
    except ValueError:
        return 1, 0.0, name


class _Ratings:
    """Ratings as they are read."""

    def __init__(self) -> None:
        self.names = {column: Names() for column in ("rater", "image", "block", "category")}
        self.codes = {column: array("i") for column in self.names}
        self.numbers = {column: array("d") for column in ("score", "trial", "seconds")}
        self.line_numbers = array("i")
        self.columns: set[str] = set()
        self.without_score: list[int] = []
        self.unscored = 0
        self.category_of: dict[int, int] = {}

    def add(self, line: Line) -> None:
        self.columns = self.columns or set(line.cells)
        score = line.number_of("score")
        if math.isnan(score):
            self.unscored += 1
            if len(self.without_score) < SHOWN:
                self.without_score.append(line.number)
            return
        for column, names in self.names.items():
            value = line.text(column) if column in ("rater", "image") or column in line.cells else ""
            self.codes[column].append(names.number(value))
        image, category = self.codes["image"][-1], self.codes["category"][-1]
        if self.category_of.setdefault(image, category) != category:
            raise BadDataset(f"{line.table} line {line.number}, column category: {line.text('image')} had another category before.")
        self.numbers["score"].append(score)
        for column in ("trial", "seconds"):
            self.numbers[column].append(line.number_of(column) if column in line.cells else math.nan)
        if self.numbers["seconds"][-1] < 0:
            raise BadDataset(f"{line.table} line {line.number}, column seconds: {line.cells['seconds']} is below 0.")
        self.line_numbers.append(line.number)
        if len(self.line_numbers) > MOST_RATINGS:
            raise BadDataset(
                f"{line.table} line {line.number}: more than {MOST_RATINGS:,} ratings. Draw some of the raters, and try again."
            )

    def finished(self, table: Path) -> ReadRatings:
        notes = []
        if self.unscored:
            notes.append(f"{self.unscored} lines without a score are left out ({_some(self.without_score, self.unscored)}).")
        if not self.line_numbers:
            raise BadDataset(f"{table} has no rating with a score.")
        coded = {column: names.sorted(self.codes[column]) for column, names in self.names.items()}
        score, trial, seconds = (np.frombuffer(self.numbers[column], dtype=np.float64) for column in ("score", "trial", "seconds"))
        has_blocks, has_categories = "block" in self.columns, "category" in self.columns
        ratings = SingleRatings(
            coded["rater"][0], coded["image"][0], score, coded["rater"][1], coded["image"][1],
            coded["block"][0] if has_blocks else None, coded["block"][1] if has_blocks else (),
            coded["category"][0] if has_categories else None, coded["category"][1] if has_categories else (),
            trial if np.isfinite(trial).all() else None, seconds if np.isfinite(seconds).any() else None,
        )  # fmt: skip
        if "trial" in self.columns and ratings.trial is None:
            notes.append("Some lines have no trial, so the order of the ratings is not used.")
        ratings, twice = _last_only(ratings, np.frombuffer(self.line_numbers, dtype=np.int32))
        return ReadRatings(ratings, [*notes, *twice])


def _last_only(ratings: SingleRatings, line_numbers: np.ndarray) -> tuple[SingleRatings, list[str]]:
    """The last rating of each photo by each rater in each block, and a note of those left out."""
    block = ratings.block if ratings.block is not None else np.zeros(len(ratings), dtype=np.int64)
    key = (ratings.rater * len(ratings.photos) + ratings.photo) * (int(block.max()) + 1) + block
    _, last = np.unique(key[::-1], return_index=True)
    if len(last) == len(ratings):
        return ratings, []
    kept = np.zeros(len(ratings), dtype=bool)
    kept[len(ratings) - 1 - last] = True
    left_out = np.flatnonzero(~kept)
    where = _some(line_numbers[left_out[:SHOWN]].tolist(), len(left_out))
    without = "without a column block" if ratings.block is None else "in the same block"
    note = (
        f"{len(left_out)} ratings are left out because the rater rated the photo again {without}; the last rating counts ({where}). "
        "If they are repetitions, number them in a column block."
    )
    return ratings.only(kept), [note]


def _some(numbers: Sequence[int], count: int) -> str:
    shown = ", ".join(map(str, numbers))
    return f"line {shown}" if count == 1 else f"lines {shown}{', ...' if count > len(numbers) else ''}"
