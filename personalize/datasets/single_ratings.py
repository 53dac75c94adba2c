"""How single ratings are read, and who the people are that a dataset tests."""

import zlib
from collections import defaultdict
from pathlib import Path

from personalize.datasets.dataset import Dataset, RatingsByRater
from personalize.datasets.tables import Row, Shelf, csv_rows
from personalize.errors import BadDataset, NoSingleRatings
from personalize.files.photo_files import SUFFIXES

TESTED_SHARE = 0.5  # of all rated photos: what drawn test people may take away from the task
ENOUGH = 110  # ratings of a person who can be tested at 100 shots


def flickr_aes(folder: Path, row: Dataset) -> RatingsByRater:
    table = folder / "FLICKR-AES_image_labeled_by_each_worker.csv"
    shelf, ratings = Shelf(folder, "40K"), _no_ratings()
    for line in csv_rows(table, ("worker", "imagePair", "score"), row.layout):
        ratings[line.text("worker")][shelf.photo(line.text("imagePair"), line, row.layout)] = line.number_within("score", 1, 5)
    return ratings


def flickr_aes_testers(folder: Path, row: Dataset, ratings: RatingsByRater) -> frozenset[str]:
    """The workers of the CSV with the header ID."""
    for table in sorted(folder.glob("*.csv")):
        with table.open(encoding="utf-8-sig", errors="replace") as file:
            header = [name.strip() for name in file.readline().split(",")]
        if "ID" in header and "worker" not in header:
            lines = csv_rows(table, ("ID",), row.layout)
            for line in lines:
                if line.text("ID") not in ratings:
                    raise BadDataset(f"{table} line {line.line}: ID {line.text('ID')!r} has rated no photo.")
            return frozenset(line.text("ID") for line in lines)
    raise BadDataset(f"{folder} has no CSV of test workers, with the header ID. {row.layout}")


def amt_tables(folder: Path) -> list[Path]:
    """The CSV files of AADB's single ratings: those with a column WorkerId."""
    found = []
    for table in sorted([*folder.glob("*.csv"), *folder.glob("*/*.csv")]):
        with table.open(encoding="utf-8-sig", errors="replace") as file:
            if "WorkerId" in file.readline():
                found.append(table)
    return found


def aadb(folder: Path, row: Dataset) -> RatingsByRater:
    shelf, ratings = Shelf(folder, "datasetImages_originalSize", "datasetImages_warp256"), _no_ratings()
    tables = amt_tables(folder)
    if not tables:
        raise BadDataset(f"{folder} has no CSV of single ratings, with the column WorkerId. {row.layout}")
    for table in tables:
        for line in csv_rows(table, ("WorkerId", "Input.image_url1", "Answer.overallScore1"), row.layout):
            for place in range(1, 11):
                if not (line.cells.get(f"Input.image_url{place}") and line.cells.get(f"Answer.overallScore{place}")):
                    continue  # a batch may be short, and a worker may have skipped a photo
                name = line.text(f"Input.image_url{place}").split("?")[0].rsplit("/", 1)[-1]
                photo = shelf.photo(name, line, row.layout)
                ratings[line.text("WorkerId")][photo] = line.number_within(f"Answer.overallScore{place}", 1, 5)
    return ratings


def para(folder: Path, row: Dataset) -> RatingsByRater:
    shelf, ratings = Shelf(folder, "imgs"), _no_ratings()
    for line in csv_rows(folder / "annotation/PARA-Images.csv", ("sessionId", "imageName", "userId", "aestheticScore"), row.layout):
        photo = shelf.photo(f"{line.text('sessionId')}/{line.text('imageName')}", line, row.layout)
        ratings[line.text("userId")][photo] = line.number_within("aestheticScore", 1, 5)
    return ratings


def real_cur(folder: Path, row: Dataset) -> RatingsByRater:
    """Both layouts: `images/<worker>/<score>/<name>` with test_list.csv, and `<album>/<score>/<name>`."""
    ratings = _no_ratings()
    if (table := folder / "test_list.csv").is_file():
        shelf = Shelf(folder, "images")
        for line in csv_rows(table, ("worker", "image", "score"), row.layout):
            worker, score = line.text("worker"), line.number_within("score", 1, 5)
            name = line.text("image").rsplit("/", 1)[-1]
            ratings[worker][shelf.photo(f"{worker}/{score:g}/{name}", line, row.layout)] = score
        return ratings
    for photo in sorted(folder.glob("*/[1-5]/*")):
        if photo.suffix.lower() in SUFFIXES:
            ratings[photo.parts[-3]][photo] = float(photo.parts[-2])
    if not ratings:
        raise BadDataset(f"{folder} has neither test_list.csv nor photos in <album>/<1..5>/. {row.layout}")
    return ratings


def rating_table(folder: Path, row: Dataset) -> RatingsByRater:
    """`ratings.csv` beside `images/`, of the photos alone that are set aside for people."""
    scores = csv_rows(folder / "scores.csv", ("image",), row.layout)
    personal = {line.text("image") for line in scores if line.cells.get("split") == "personal"}
    lines = csv_rows(folder / "ratings.csv", ("rater", "image", "score"), row.layout)
    return _by_rater([line for line in lines if line.text("image") in personal], Shelf(folder, "images"), row)


def any_csv(folder: Path, row: Dataset) -> RatingsByRater:
    """Any table rater, image, score; where it has a split, the test photos alone."""
    table, shelf = any_table(folder)
    lines = csv_rows(table, ("image", "score"), row.layout)
    if not any("rater" in line.cells for line in lines):
        raise NoSingleRatings(f"{table} lacks a column: rater. {row.layout}")
    return _by_rater([line for line in lines if line.cells.get("split", "test") == "test"], shelf, row)


def any_table(root: Path) -> tuple[Path, Shelf]:
    """The table, which is `root` itself or scores.csv in it, and its photos: in images/ if there is such a folder, else beside it."""
    table = root / "scores.csv" if root.is_dir() else root
    return table, Shelf(table.parent, "images", "")


def everybody(folder: Path, row: Dataset, ratings: RatingsByRater) -> frozenset[str]:
    return frozenset(ratings)


def drawn(folder: Path, row: Dataset, ratings: RatingsByRater) -> frozenset[str]:
    """Test people where the dataset names none: in a fixed order, as long as their photos are at most half of all, and they a fifth.

    People with enough ratings to be tested at 100 shots come first; then a hash of the name gives the order.
    """
    photos = {photo for own in ratings.values() for photo in own}
    raters: set[str] = set()
    taken: set[Path] = set()
    for name in sorted(ratings, key=lambda one: (len(ratings[one]) < ENOUGH, zlib.crc32(one.encode()), one)):
        if len(raters) + 1 <= max(1, len(ratings) // 5) and len(taken | ratings[name].keys()) <= TESTED_SHARE * len(photos):
            raters.add(name)
            taken |= ratings[name].keys()
    if not raters:
        raise BadDataset(f"{folder}: everybody has rated more than half of the photos, so nobody can be tested without a leak.")
    return frozenset(raters)


def _by_rater(lines: list[Row], shelf: Shelf, row: Dataset) -> RatingsByRater:
    ratings = _no_ratings()
    for line in lines:
        ratings[line.text("rater")][shelf.photo(line.text("image"), line, row.layout)] = line.number("score")
    return ratings


def _no_ratings() -> RatingsByRater:
    return defaultdict(dict)
