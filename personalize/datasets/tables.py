"""Readers of dataset tables and photo folders; errors name the file, line and column."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from personalize.errors import BadDataset
from personalize.files.rating_tables import finite_number


@dataclass(frozen=True)
class TableRow:
    """One line of a table; column names and values are stripped of whitespace."""

    table: Path
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        if not (value := self.cells.get(column, "")):
            raise BadDataset(f"{self.table} line {self.line}: {column} is empty.")
        return value

    def number(self, column: str) -> float:
        return finite_number(self.cells.get(column, ""), column, self.table, self.line)

    def number_within(self, column: str, low: float, high: float) -> float:
        value = self.number(column)
        if not low <= value <= high:
            raise BadDataset(f"{self.table} line {self.line}: {column} is {value:g}, which is not on the scale {low:g} to {high:g}.")
        return value


def csv_rows(table: Path, columns: Iterable[str], layout: str) -> list[TableRow]:
    """Lines of a CSV file whose header includes `columns`."""
    lines = _lines(table, layout)
    try:
        return _with_header(table, csv.reader(lines, skipinitialspace=True), columns, layout)
    except csv.Error as error:
        raise BadDataset(f"{table} cannot be read: {error}") from error


def blank_rows(table: Path, columns: Sequence[str], layout: str) -> list[TableRow]:
    """Lines of a whitespace-separated table without a header; columns after the last named one are ignored."""
    found = []
    for number, line in enumerate(_lines(table, layout), start=1):
        if not (values := line.split()):
            continue
        if len(values) < len(columns):
            raise BadDataset(f"{table} line {number}: {columns[len(values)]} is missing ({len(values)} columns). {layout}")
        found.append(TableRow(table, number, dict(zip(columns, values, strict=False))))
    return found


def name_rows(table: Path, column: str, layout: str) -> list[TableRow]:
    """Lines of a list of names, one a line; names may contain spaces."""
    return [TableRow(table, number, {column: name}) for number, line in enumerate(_lines(table, layout), start=1) if (name := line.strip())]


def csv_rows_by_position(table: Path, columns: Sequence[str], layout: str) -> list[TableRow]:
    """Lines of a CSV file with or without a header, whose last column is a number.

    Columns with the names of `columns` are read by name. Otherwise cells are taken by position, and a first line without a number in the
    last column is a header.
    """
    lines = _lines(table, layout)
    try:
        cells = [[value.strip() for value in line] for line in csv.reader(lines, skipinitialspace=True)]
    except csv.Error as error:
        raise BadDataset(f"{table} cannot be read: {error}") from error
    if cells and set(columns) <= set(cells[0]):
        return csv_rows(table, columns, layout)
    rows = []
    for number, values in enumerate(cells, start=1):
        if any(values):
            row = TableRow(table, number, dict(zip(columns, values, strict=False)))
            if number > 1 or _is_number(row.cells.get(columns[-1], "")):
                rows.append(row)
    if not rows:
        raise BadDataset(f"{table} has no line of {', '.join(columns)}. {layout}")
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def sheet_rows(table: Path, columns: Iterable[str], layout: str) -> list[TableRow]:
    """Lines of the first sheet of an xlsx file."""
    from openpyxl import load_workbook  # imported here: other datasets do not need it
    from openpyxl.utils.exceptions import InvalidFileException

    if not table.is_file():
        raise BadDataset(f"{table} is missing. {layout}")
    try:
        book = load_workbook(table, read_only=True, data_only=True)
    except (OSError, KeyError, BadZipFile, InvalidFileException) as error:
        raise BadDataset(f"{table} cannot be read: {error}") from error
    try:
        values = [["" if cell is None else str(cell) for cell in line] for line in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    return _with_header(table, iter(values), columns, layout)


def _lines(table: Path, layout: str) -> list[str]:
    if not table.is_file():
        raise BadDataset(f"{table} is missing. {layout}")
    try:
        return table.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataset(f"{table} cannot be read: {error}") from error


def _with_header(table: Path, lines: Iterator[list[str]], columns: Iterable[str], layout: str) -> list[TableRow]:
    header = [name.strip() for name in next(lines, [])]
    if lacking := [name for name in columns if name not in header]:
        raise BadDataset(f"{table} lacks a column: {', '.join(lacking)}. {layout}")
    rows = []
    for number, values in enumerate(lines, start=2):
        if any(values):
            rows.append(TableRow(table, number, dict(zip(header, (value.strip() for value in values), strict=False))))
    if not rows:
        raise BadDataset(f"{table} has no lines below its header. {layout}")
    return rows


class PhotoFolder:
    """The photos of a folder. Lists each directory once: a file system call for each of 255,000 photos would take minutes."""

    def __init__(self, folder: Path, *candidates: str) -> None:
        """`candidates` are directories below `folder`; the first that exists contains the photos."""
        self.folder = next((folder / name for name in candidates if (folder / name).is_dir()), folder / candidates[0])
        self._listed: dict[str, frozenset[str]] = {}

    def holds(self, name: str) -> bool:
        directory, _, photo = name.rpartition("/")
        if directory not in self._listed:
            place = self.folder / directory
            self._listed[directory] = frozenset(os.listdir(place)) if place.is_dir() else frozenset()
        return photo in self._listed[directory]

    def photo(self, name: str, row: TableRow, layout: str) -> Path:
        """Path of the photo that `row` names.

        Raises:
            BadDataset: there is no such file.
        """
        path = self.folder / name
        if not self.holds(name):
            raise BadDataset(f"{row.table} line {row.line}: {path} is missing. {layout}")
        return path
