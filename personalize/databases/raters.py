"""How single ratings are read, and who the people are that a database tests."""

import zlib
from collections import defaultdict
from pathlib import Path

from personalize.databases.database import Database, Said
from personalize.databases.tables import Row, Shelf, csv_rows
from personalize.errors import BadDatabase, NoSingleRatings

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
TESTED_SHARE = 0.5  # of all rated photos: what drawn test people may take away from the task
ENOUGH = 110  # ratings of a person who can be tested at 100 shots


def flickr_aes(folder: Path, row: Database) -> Said:
    table = folder / "FLICKR-AES_image_labeled_by_each_worker.csv"
    shelf, said = Shelf(folder, "40K"), _nobody()
    for line in csv_rows(table, ("worker", "imagePair", "score"), row.layout):
        said[line.text("worker")][shelf.photo(line.text("imagePair"), line, row.layout)] = line.number_within("score", 1, 5)
    return said


def flickr_aes_testers(folder: Path, row: Database, said: Said) -> frozenset[str]:
    """The workers of the CSV with the header ID."""
    for table in sorted(folder.glob("*.csv")):
        with table.open(encoding="utf-8-sig", errors="replace") as file:
            header = [name.strip() for name in file.readline().split(",")]
        if "ID" in header and "worker" not in header:
            lines = csv_rows(table, ("ID",), row.layout)
            for line in lines:
                if line.text("ID") not in said:
                    raise BadDatabase(f"{table} line {line.line}: ID {line.text('ID')!r} has rated no photo.")
            return frozenset(line.text("ID") for line in lines)
    raise BadDatabase(f"{folder} has no CSV of test workers, with the header ID. {row.layout}")


def amt_tables(folder: Path) -> list[Path]:
    """The CSV files of AADB's single ratings: those with a column WorkerId."""
    found = []
    for table in sorted([*folder.glob("*.csv"), *folder.glob("*/*.csv")]):
        with table.open(encoding="utf-8-sig", errors="replace") as file:
            if "WorkerId" in file.readline():
                found.append(table)
    return found


def aadb(folder: Path, row: Database) -> Said:
    shelf, said = Shelf(folder, "datasetImages_originalSize", "datasetImages_warp256"), _nobody()
    tables = amt_tables(folder)
    if not tables:
        raise BadDatabase(f"{folder} has no CSV of single ratings, with the column WorkerId. {row.layout}")
    for table in tables:
        for line in csv_rows(table, ("WorkerId", "Input.image_url1", "Answer.overallScore1"), row.layout):
            for place in range(1, 11):
                if not (line.cells.get(f"Input.image_url{place}") and line.cells.get(f"Answer.overallScore{place}")):
                    continue  # a batch may be short, and a worker may have skipped a photo
                name = line.text(f"Input.image_url{place}").split("?")[0].rsplit("/", 1)[-1]
                photo = shelf.photo(name, line, row.layout)
                said[line.text("WorkerId")][photo] = line.number_within(f"Answer.overallScore{place}", 1, 5)
    return said


def para(folder: Path, row: Database) -> Said:
    shelf, said = Shelf(folder, "imgs"), _nobody()
    for line in csv_rows(folder / "annotation/PARA-Images.csv", ("sessionId", "imageName", "userId", "aestheticScore"), row.layout):
        photo = shelf.photo(f"{line.text('sessionId')}/{line.text('imageName')}", line, row.layout)
        said[line.text("userId")][photo] = line.number_within("aestheticScore", 1, 5)
    return said


def real_cur(folder: Path, row: Database) -> Said:
    """Both layouts: `images/<worker>/<score>/<name>` with test_list.csv, and `<album>/<score>/<name>`."""
    said = _nobody()
    if (table := folder / "test_list.csv").is_file():
        shelf = Shelf(folder, "images")
        for line in csv_rows(table, ("worker", "image", "score"), row.layout):
            worker, score = line.text("worker"), line.number_within("score", 1, 5)
            name = line.text("image").rsplit("/", 1)[-1]
            said[worker][shelf.photo(f"{worker}/{score:g}/{name}", line, row.layout)] = score
        return said
    for photo in sorted(folder.glob("*/[1-5]/*")):
        if photo.suffix.lower() in SUFFIXES:
            said[photo.parts[-3]][photo] = float(photo.parts[-2])
    if not said:
        raise BadDatabase(f"{folder} has neither test_list.csv nor photos in <album>/<1..5>/. {row.layout}")
    return said


def rating_table(folder: Path, row: Database) -> Said:
    """`ratings.csv` beside `images/`, of the photos alone that are set aside for people."""
    scores = csv_rows(folder / "scores.csv", ("image",), row.layout)
    personal = {line.text("image") for line in scores if line.cells.get("split") == "personal"}
    lines = csv_rows(folder / "ratings.csv", ("rater", "image", "score"), row.layout)
    return _said([line for line in lines if line.text("image") in personal], Shelf(folder, "images"), row)


def any_csv(folder: Path, row: Database) -> Said:
    """Any table rater, image, score; where it has a split, the test photos alone."""
    table, shelf = any_table(folder)
    lines = csv_rows(table, ("image", "score"), row.layout)
    if not any("rater" in line.cells for line in lines):
        raise NoSingleRatings(f"{table} lacks a column: rater. {row.layout}")
    return _said([line for line in lines if line.cells.get("split", "test") == "test"], shelf, row)


def any_table(root: Path) -> tuple[Path, Shelf]:
    """The table, which is `root` itself or scores.csv in it, and its photos: in images/ if there is such a folder, else beside it."""
    table = root / "scores.csv" if root.is_dir() else root
    return table, Shelf(table.parent, "images", "")


def everybody(folder: Path, row: Database, said: Said) -> frozenset[str]:
    return frozenset(said)


def drawn(folder: Path, row: Database, said: Said) -> frozenset[str]:
    """Test people where the database names none: in a fixed order, as long as their photos are at most half of all, and they a fifth.

    People with enough ratings to be tested at 100 shots come first; then a hash of the name gives the order.
    """
    photos = {photo for ratings in said.values() for photo in ratings}
    people: set[str] = set()
    taken: set[Path] = set()
    for name in sorted(said, key=lambda one: (len(said[one]) < ENOUGH, zlib.crc32(one.encode()), one)):
        if len(people) + 1 <= max(1, len(said) // 5) and len(taken | said[name].keys()) <= TESTED_SHARE * len(photos):
            people.add(name)
            taken |= said[name].keys()
    if not people:
        raise BadDatabase(f"{folder}: everybody has rated more than half of the photos, so nobody can be tested without a leak.")
    return frozenset(people)


def _said(lines: list[Row], shelf: Shelf, row: Database) -> Said:
    said = _nobody()
    for line in lines:
        said[line.text("rater")][shelf.photo(line.text("image"), line, row.layout)] = line.number("score")
    return said


def _nobody() -> Said:
    return defaultdict(dict)
