"""How photos and mean scores are read: one function for each kind of layout."""

import logging
from collections import Counter, defaultdict
from pathlib import Path

from personalize.datasets import single_ratings
from personalize.datasets.dataset import Dataset, RatedPhoto, RatingsByRater, Split, fixed_split, on_ten_levels
from personalize.datasets.tables import Shelf, blank_rows, csv_rows, sheet_rows
from personalize.errors import BadDataset

AVA_MISSING = 0.05  # AVA's photos were collected from a site that has lost some; above this share a copy is refused as broken
SETS: dict[str, Split] = {"train": "train", "training": "train", "validation": "validation", "val": "validation", "test": "test"}
HALF_STEPS = [1 + step / 2 for step in range(9)]


def scores_csv(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """`scores.csv` and `images/`; photos marked `personal` are test photos, and synthetic datasets do not use them at all."""
    lines = csv_rows(folder / "scores.csv", ("image", row.column), row.layout)
    shelf = Shelf(folder, "images")
    set_aside = any(line.cells.get("split") == "personal" for line in lines)
    photos = []
    for line in lines:
        name = line.text("image")
        path, score = shelf.photo(name, line, row.layout), line.number(row.column)
        if line.cells.get("split") != "personal":
            # Synthetic datasets test on photos of their own, since the set-aside ones carry people's scores alone.
            photos.append(RatedPhoto(path, score, fixed_split(name, with_test=row.degraded or not set_aside)))
        elif not row.degraded:
            photos.append(RatedPhoto(path, score, "test"))
    return photos


def any_csv(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """A table image, score[, split][, rater]; with raters, the mean and distribution of what they ratings of each photo."""
    table, shelf = single_ratings.any_table(folder)
    ratings: dict[str, list[float]] = defaultdict(list)
    splits: dict[str, Split] = {}
    paths: dict[str, Path] = {}
    rated = False
    for line in csv_rows(table, ("image", "score"), row.layout):
        name, rated = line.text("image"), rated or "rater" in line.cells
        paths[name] = shelf.photo(name, line, row.layout)
        ratings[name].append(line.number_within("score", row.low, row.high))
        split = line.cells.get("split", "")
        if split and split not in SETS:
            raise BadDataset(f"{table} line {line.line}: split is {split!r}, not train, validation or test.")
        own = SETS[split] if split else fixed_split(name)
        if splits.setdefault(name, own) != own:
            raise BadDataset(f"{table} line {line.line}: {name} is in the split {splits[name]} on an earlier line, and {own} here.")
    return [
        RatedPhoto(paths[name], sum(own) / len(own), splits[name], on_ten_levels(Counter(own), row.low, row.high) if rated else None)
        for name, own in ratings.items()
    ]


def ava(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """AVA.txt. Photos that are not there are left out and counted, up to a twentieth of all."""
    counts = [f"count{score}" for score in range(1, 11)]
    lines = blank_rows(folder / "AVA.txt", ["index", "image", *counts, "tag1", "tag2", "challenge"], row.layout)
    shelf = Shelf(folder, "images", "image", "")
    photos = []
    for line in lines:
        name = f"{line.cells['image']}.jpg"
        if not shelf.holds(name):
            continue
        ratings = [line.number_within(count, 0, 1e9) for count in counts]
        if not (total := sum(ratings)):
            raise BadDataset(f"{line.table} line {line.line}: count1 to count10 are all 0.")
        score = sum(level * count for level, count in enumerate(ratings, start=1)) / total
        photos.append(RatedPhoto(shelf.folder / name, score, fixed_split(name), tuple(count / total for count in ratings)))
    if missing := len(lines) - len(photos):
        told = f"{missing} of the {len(lines)} photos of {folder / 'AVA.txt'} are not in {shelf.folder}"
        if missing > AVA_MISSING * len(lines):
            raise BadDataset(f"{told}; at most {AVA_MISSING:.0%} may be missing. {row.layout}")
        logging.getLogger(__name__).warning("%s: they are left out.", told)
    return photos


def tad66k(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """The published lists train and test; a fixed tenth of train is for validation."""
    shelf = Shelf(folder, "TAD66K", "images", "")
    return [
        RatedPhoto(
            shelf.photo(line.text("image"), line, row.layout),
            line.number("score"),
            "test" if part == "test" else _held_out(line.text("image")),
        )
        for part in ("train", "test")
        for line in csv_rows(folder / f"labels/merge/{part}.csv", ("image", "score"), row.layout)
    ]


def koniq(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """The published sets. The score is MOS where that column is on 1 to 5, else (it is also spread on 0 to 100) the counts' mean."""
    counts = ["c1", "c2", "c3", "c4", "c5"]
    lines = csv_rows(folder / "koniq10k_distributions_sets.csv", ("image_name", *counts, "MOS", "set"), row.layout)
    shelf = Shelf(folder, "1024x768", "512x384")
    on_five = all(1 <= line.number("MOS") <= 5 for line in lines)
    photos = []
    for line in lines:
        ratings = {float(step): line.number_within(count, 0, 1e9) for step, count in enumerate(counts, start=1)}
        if not (total := sum(ratings.values())):
            raise BadDataset(f"{line.table} line {line.line}: c1 to c5 are all 0.")
        if line.text("set") not in SETS:
            raise BadDataset(f"{line.table} line {line.line}: set is {line.text('set')!r}, not training, validation or test.")
        score = line.number("MOS") if on_five else sum(step * count for step, count in ratings.items()) / total
        path = shelf.photo(line.text("image_name"), line, row.layout)
        photos.append(RatedPhoto(path, score, SETS[line.text("set")], on_ten_levels(ratings, row.low, row.high)))
    return photos


def spaq(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """The workbook of mean scores."""
    shelf = Shelf(folder, "TestImage")
    lines = sheet_rows(folder / "Annotations" / "MOS and Image attribute scores.xlsx", ("Image name", "MOS"), row.layout)
    return [
        RatedPhoto(shelf.photo(line.text("Image name"), line, row.layout), line.number("MOS"), fixed_split(line.text("Image name")))
        for line in lines
    ]


def kadid(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """All damaged copies of a reference photo are in one split."""
    shelf = Shelf(folder, "images")
    return [
        RatedPhoto(shelf.photo(line.text("dist_img"), line, row.layout), line.number("dmos"), fixed_split(line.text("ref_img")))
        for line in csv_rows(folder / "dmos.csv", ("dist_img", "ref_img", "dmos"), row.layout)
    ]


def flickr_aes(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Mean scores 0 to 1, with the distribution of the workers' ratings."""
    shelf = Shelf(folder, "40K")
    ratings = _by_photo(single_ratings.flickr_aes(folder, row))
    photos = []
    for line in blank_rows(folder / "FLICKR-AES_image_score.txt", ("image", "score"), row.layout):
        path = shelf.photo(line.cells["image"], line, row.layout)
        levels = on_ten_levels(ratings[path], 1, 5) if path in ratings else None
        photos.append(RatedPhoto(path, line.number("score"), fixed_split(line.cells["image"]), levels))
    return photos


def aadb(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """The published lists, with the distribution of single ratings where their table is there."""
    shelf = Shelf(folder, "datasetImages_originalSize", "datasetImages_warp256")
    ratings = _by_photo(single_ratings.aadb(folder, row)) if single_ratings.amt_tables(folder) else {}
    photos = []
    for part in ("Train", "Validation", "Test"):
        for line in blank_rows(folder / f"imgListFiles_label/imgList{part}Regression_score.txt", ("image", "score"), row.layout):
            path = shelf.photo(line.cells["image"], line, row.layout)
            levels = on_ten_levels(ratings[path], 1, 5) if path in ratings else None
            photos.append(RatedPhoto(path, line.number("score"), SETS[part.lower()], levels))
    return photos


def para(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """The published train and test tables; a fixed tenth of train is for validation."""
    columns = [f"aestheticScore_{step:.1f}" for step in HALF_STEPS]
    shelf = Shelf(folder, "imgs")
    photos = []
    for part in ("Train", "Test"):
        table = folder / f"annotation/PARA-Giaa{part}.csv"
        for line in csv_rows(table, ("sessionId", "imageName", "aestheticScore_mean", *columns), row.layout):
            name = f"{line.text('sessionId')}/{line.text('imageName')}"
            ratings = {step: line.number_within(column, 0, 1e9) for step, column in zip(HALF_STEPS, columns, strict=True)}
            levels = on_ten_levels(ratings, row.low, row.high) if any(ratings.values()) else None
            split: Split = "test" if part == "Test" else _held_out(name)
            photos.append(RatedPhoto(shelf.photo(name, line, row.layout), line.number("aestheticScore_mean"), split, levels))
    return photos


def real_cur(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Every photo belongs to one of the people who are tested, so all are test photos."""
    means = _by_photo(single_ratings.real_cur(folder, row))
    return [
        RatedPhoto(path, sum(step * n for step, n in ratings.items()) / ratings.total(), "test", on_ten_levels(ratings, row.low, row.high))
        for path, ratings in sorted(means.items())
    ]


def _held_out(name: str) -> Split:
    return fixed_split(name, with_test=False)


def _by_photo(ratings: RatingsByRater) -> dict[Path, Counter[float]]:
    found: dict[Path, Counter[float]] = defaultdict(Counter)
    for own in ratings.values():
        for photo, rating in own.items():
            found[photo][rating] += 1
    return found
