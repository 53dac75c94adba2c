"""Loaders of single ratings, and the test raters of each dataset."""

import logging
import zlib
from collections import defaultdict
from pathlib import Path

from personalize.datasets.dataset import Dataset, RatingsByRater
from personalize.datasets.tables import PhotoFolder, TableRow, csv_rows, csv_rows_by_position
from personalize.errors import BadDataset, NoSingleRatings
from personalize.files.photo_files import SUFFIXES

TESTED_SHARE = 0.5  # of all rated photos: most that drawn test raters may remove from training
ENOUGH = 110  # ratings that a test at 100 shots needs
LAPIS_MISSING = 0.05  # of the ratings
LABELS = "test_list.csv"  # the label file of the code of Yun & Choo (ECCV 2024): the tested raters and their ratings


def flickr_aes(folder: Path, row: Dataset) -> RatingsByRater:
    table = folder / "FLICKR-AES_image_labeled_by_each_worker.csv"
    photo_folder, ratings = PhotoFolder(folder, "40K"), _no_ratings()
    for line in csv_rows(table, ("worker", "imagePair", "score"), row.layout):
        ratings[line.text("worker")][photo_folder.photo(line.text("imagePair"), line, row.layout)] = line.number_within("score", 1, 5)
    return ratings


def flickr_aes_testers(folder: Path, row: Dataset, ratings: RatingsByRater) -> frozenset[str]:
    """The workers listed in the CSV with the header ID."""
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
            if "WorkerId" in file.readline() and table.name != LABELS:
                found.append(table)
    return found


def aadb(folder: Path, row: Dataset) -> RatingsByRater:
    photo_folder, ratings = PhotoFolder(folder, "datasetImages_originalSize", "datasetImages_warp256"), _no_ratings()
    tables = amt_tables(folder)
    if not tables and (folder / LABELS).is_file():
        for line in _labels(folder, row):
            photo = photo_folder.photo(line.text("image").rsplit("/", 1)[-1], line, row.layout)
            ratings[line.text("worker")][photo] = line.number_within("score", 1, 5)
        return ratings
    if not tables:
        raise BadDataset(f"{folder} has no CSV of single ratings, with the column WorkerId. {row.layout}")
    for table in tables:
        for line in csv_rows(table, ("WorkerId", "Input.image_url1", "Answer.overallScore1"), row.layout):
            for place in range(1, 11):
                if not (line.cells.get(f"Input.image_url{place}") and line.cells.get(f"Answer.overallScore{place}")):
                    continue  # a batch may be short, and a worker may have skipped a photo
                name = line.text(f"Input.image_url{place}").split("?")[0].rsplit("/", 1)[-1]
                photo = photo_folder.photo(name, line, row.layout)
                ratings[line.text("WorkerId")][photo] = line.number_within(f"Answer.overallScore{place}", 1, 5)
    return ratings


def para(folder: Path, row: Dataset) -> RatingsByRater:
    photo_folder, ratings = PhotoFolder(folder, "imgs"), _no_ratings()
    for line in csv_rows(folder / "annotation/PARA-Images.csv", ("sessionId", "imageName", "userId", "aestheticScore"), row.layout):
        photo = photo_folder.photo(f"{line.text('sessionId')}/{line.text('imageName')}", line, row.layout)
        ratings[line.text("userId")][photo] = line.number_within("aestheticScore", 1, 5)
    return ratings


def real_cur(folder: Path, row: Dataset) -> RatingsByRater:
    """Load either layout: `images/<worker>/<score>/<name>` with test_list.csv, or `<album>/<score>/<name>`."""
    ratings = _no_ratings()
    if (folder / LABELS).is_file():
        photo_folder = PhotoFolder(folder, "images")
        for line in _labels(folder, row):
            worker, score = line.text("worker"), line.number_within("score", 1, 5)
            name = line.text("image").rsplit("/", 1)[-1]
            ratings[worker][photo_folder.photo(f"{worker}/{score:g}/{name}", line, row.layout)] = score
        return ratings
    for photo in sorted(folder.glob("*/[1-5]/*")):
        if photo.suffix.lower() in SUFFIXES:
            ratings[photo.parts[-3]][photo] = float(photo.parts[-2])
    if not ratings:
        raise BadDataset(f"{folder} has neither {LABELS} nor photos in <album>/<1..5>/. {row.layout}")
    return ratings


def lapis(folder: Path, row: Dataset) -> RatingsByRater:
    """Load the table of single ratings; a photo's `image_filename` may be below a folder of its genre.

    Names in the table are known to differ from those of some files: these ratings are skipped with a warning, up to `LAPIS_MISSING` of all.
    """
    photo_folder, ratings = PhotoFolder(folder, "images"), _no_ratings()
    columns = "participant_id", "image_filename", "response"
    table = folder / "annotation/LAPIS_individualratings_metaANDdemodata.csv"
    lines = [line for line in csv_rows(table, columns, row.layout) if line.cells.get("response")]  # some have no answer
    missing = [line for line in lines if not photo_folder.holds(_painting(line))]
    if missing:
        first = f"the first is line {missing[0].line}, {_painting(missing[0])}"
        message = f"{table} has {len(missing)} ratings of photos that are not in {photo_folder.folder}, {first}"
        if len(missing) > LAPIS_MISSING * len(lines):
            raise BadDataset(f"{message}; at most {LAPIS_MISSING:.0%} may be missing. {row.layout}")
        logging.getLogger(__name__).warning("%s: they are skipped.", message)
    for line in lines:
        if photo_folder.holds(_painting(line)):
            photo = photo_folder.folder / _painting(line)
            ratings[line.text("participant_id")][photo] = line.number_within("response", row.low, row.high)
    return ratings


def _painting(line: TableRow) -> str:
    return line.text("image_filename").rsplit("/", 1)[-1]


def xpass_vis(folder: Path, row: Dataset) -> RatingsByRater:
    """Load ratings of art, fashion and scenery, of which the first rating of a photo counts; scenery videos are rated by a frame."""
    photo_folder, ratings = PhotoFolder(folder, "samples"), _no_ratings()
    for line in csv_rows(folder / "maked/ratings.csv", ("user_id", "genre", "sample_file", "Aesthetic"), row.layout):
        genre, name = line.text("genre"), line.text("sample_file")
        place = "scenery_image" if genre == "scenery" else genre
        photo = photo_folder.photo(f"{place}/{name.removesuffix('.mp4')}{'.jpg' if name.endswith('.mp4') else ''}", line, row.layout)
        ratings[line.text("user_id")].setdefault(photo, line.number_within("Aesthetic", row.low, row.high))
    return ratings


def rating_table(folder: Path, row: Dataset) -> RatingsByRater:
    """Load the ratings in `ratings.csv` of the photos that are marked `personal` in `scores.csv`."""
    scores = csv_rows(folder / "scores.csv", ("image",), row.layout)
    personal = {line.text("image") for line in scores if line.cells.get("split") == "personal"}
    lines = csv_rows(folder / "ratings.csv", ("rater", "image", "score"), row.layout)
    return _by_rater([line for line in lines if line.text("image") in personal], PhotoFolder(folder, "images"), row)


def all_ratings(folder: Path, row: Dataset) -> RatingsByRater:
    """Load the ratings in `ratings.csv`."""
    return _by_rater(csv_rows(folder / "ratings.csv", ("rater", "image", "score"), row.layout), PhotoFolder(folder, "images"), row)


def any_csv(folder: Path, row: Dataset) -> RatingsByRater:
    """Load a table rater, image, score; where it has a column split, only the test photos."""
    table, photo_folder = any_table(folder)
    lines = csv_rows(table, ("image", "score"), row.layout)
    if not any("rater" in line.cells for line in lines):
        raise NoSingleRatings(f"{table} lacks a column: rater. {row.layout}")
    return _by_rater([line for line in lines if line.cells.get("split", "test") == "test"], photo_folder, row)


def any_table(root: Path) -> tuple[Path, PhotoFolder]:
    """The table (`root` itself, or scores.csv in it) and its photos: in images/ if that folder exists, else beside the table."""
    table = root / "scores.csv" if root.is_dir() else root
    return table, PhotoFolder(table.parent, "images", "")


def all_raters(folder: Path, row: Dataset, ratings: RatingsByRater) -> frozenset[str]:
    return frozenset(ratings)


def listed(folder: Path, row: Dataset, ratings: RatingsByRater) -> frozenset[str]:
    """The raters in the label file of the published code."""
    lines = _labels(folder, row)
    for line in lines:
        if line.text("worker") not in ratings:
            raise BadDataset(f"{line.table} line {line.line}: {line.text('worker')!r} has rated no photo. {row.layout}")
    return frozenset(line.text("worker") for line in lines)


def drawn(folder: Path, row: Dataset, ratings: RatingsByRater) -> frozenset[str]:
    """Test raters of a dataset that names none: drawn in a fixed order, up to a fifth of the raters and half of the photos.

    Raters with enough ratings for a test at 100 shots come first; within each group, a hash of the name gives the order.
    """
    photos = {photo for own in ratings.values() for photo in own}
    raters: set[str] = set()
    taken: set[Path] = set()
    for name in sorted(ratings, key=lambda one: (len(ratings[one]) < ENOUGH, zlib.crc32(one.encode()), one)):
        if len(raters) + 1 <= max(1, len(ratings) // 5) and len(taken | ratings[name].keys()) <= TESTED_SHARE * len(photos):
            raters.add(name)
            taken |= ratings[name].keys()
    if not raters:
        raise BadDataset(f"{folder}: every rater has rated more than half of the photos, so none can be tested without a leak.")
    return frozenset(raters)


def _labels(folder: Path, row: Dataset) -> list[TableRow]:
    return csv_rows_by_position(folder / LABELS, ("worker", "image", "score"), row.layout)


def _by_rater(lines: list[TableRow], photo_folder: PhotoFolder, row: Dataset) -> RatingsByRater:
    ratings = _no_ratings()
    for line in lines:
        ratings[line.text("rater")][photo_folder.photo(line.text("image"), line, row.layout)] = line.number("score")
    return ratings


def _no_ratings() -> RatingsByRater:
    return defaultdict(dict)
