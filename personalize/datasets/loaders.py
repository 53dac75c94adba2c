"""Loaders of photos and mean scores, one per dataset layout; photos degraded in steps, for the synthetic dataset."""

import io
import logging
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from personalize.datasets import single_ratings
from personalize.datasets.dataset import Dataset, RatedPhoto, RatingsByRater, Split, fixed_split, on_ten_levels
from personalize.datasets.tables import PhotoFolder, blank_rows, csv_rows, name_rows, sheet_rows
from personalize.errors import BadDataset

AVA_MISSING = 0.05  # some of AVA's photos are no longer available; a copy that lacks more than this share is treated as broken
SETS: dict[str, Split] = {"train": "train", "training": "train", "validation": "validation", "val": "validation", "test": "test"}
HALF_STEPS = [1 + step / 2 for step in range(9)]


def scores_csv(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load `scores.csv` and `images/`. Photos marked `personal` are test photos; synthetic datasets skip them."""
    lines = csv_rows(folder / "scores.csv", ("image", row.column), row.layout)
    photo_folder = PhotoFolder(folder, "images")
    set_aside = any(line.cells.get("split") == "personal" for line in lines)
    photos = []
    for line in lines:
        name = line.text("image")
        path, score = photo_folder.photo(name, line, row.layout), line.number(row.column)
        if line.cells.get("split") != "personal":
            # Synthetic datasets need a test split here, because they skip the photos that are set aside.
            photos.append(RatedPhoto(path, score, fixed_split(name, with_test=row.degraded or not set_aside)))
        elif not row.degraded:
            photos.append(RatedPhoto(path, score, "test"))
    return photos


def houses(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load `ratings.csv`: a photo's score is its mean over raters, each rater's ratings standardised. No photo is a test photo."""
    standard: dict[Path, list[float]] = defaultdict(list)
    for own in single_ratings.all_ratings(folder, row).values():
        values = np.array(list(own.values()))
        for photo, value in zip(own, (values - values.mean()) / (values.std() or 1), strict=True):
            standard[photo].append(float(value))
    return [RatedPhoto(photo, sum(own) / len(own), fixed_split(photo.name, with_test=False)) for photo, own in sorted(standard.items())]


def any_csv(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load a table image, score[, split][, rater]; with raters, each photo gets the mean and distribution of its ratings."""
    table, photo_folder = single_ratings.any_table(folder)
    ratings: dict[str, list[float]] = defaultdict(list)
    splits: dict[str, Split] = {}
    paths: dict[str, Path] = {}
    rated = False
    for line in csv_rows(table, ("image", "score"), row.layout):
        name, rated = line.text("image"), rated or "rater" in line.cells
        paths[name] = photo_folder.photo(name, line, row.layout)
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
    """Load AVA.txt. Missing photos are skipped with a warning, up to `AVA_MISSING` of all."""
    counts = [f"count{score}" for score in range(1, 11)]
    lines = blank_rows(folder / "AVA.txt", ["index", "image", *counts, "tag1", "tag2", "challenge"], row.layout)
    photo_folder = PhotoFolder(folder, "images", "image", "")
    photos = []
    for line in lines:
        name = f"{line.cells['image']}.jpg"
        if not photo_folder.holds(name):
            continue
        ratings = [line.number_within(count, 0, 1e9) for count in counts]
        if not (total := sum(ratings)):
            raise BadDataset(f"{line.table} line {line.line}: count1 to count10 are all 0.")
        score = sum(level * count for level, count in enumerate(ratings, start=1)) / total
        photos.append(RatedPhoto(photo_folder.folder / name, score, fixed_split(name), tuple(count / total for count in ratings)))
    if missing := len(lines) - len(photos):
        message = f"{missing} of the {len(lines)} photos of {folder / 'AVA.txt'} are not in {photo_folder.folder}"
        if missing > AVA_MISSING * len(lines):
            raise BadDataset(f"{message}; at most {AVA_MISSING:.0%} may be missing. {row.layout}")
        logging.getLogger(__name__).warning("%s: they are skipped.", message)
    return photos


def tad66k(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the published lists train and test; a fixed tenth of train is the validation split."""
    photo_folder = PhotoFolder(folder, "TAD66K", "images", "")
    return [
        RatedPhoto(
            photo_folder.photo(line.text("image"), line, row.layout),
            line.number("score"),
            "test" if part == "test" else _held_out(line.text("image")),
        )
        for part in ("train", "test")
        for line in csv_rows(folder / f"labels/merge/{part}.csv", ("image", "score"), row.layout)
    ]


def koniq(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the published sets. The score is MOS if that column is on 1 to 5; in copies on 0 to 100, the mean of the counts."""
    counts = ["c1", "c2", "c3", "c4", "c5"]
    lines = csv_rows(folder / "koniq10k_distributions_sets.csv", ("image_name", *counts, "MOS", "set"), row.layout)
    photo_folder = PhotoFolder(folder, "1024x768", "512x384")
    on_five = all(1 <= line.number("MOS") <= 5 for line in lines)
    photos = []
    for line in lines:
        ratings = {float(step): line.number_within(count, 0, 1e9) for step, count in enumerate(counts, start=1)}
        if not (total := sum(ratings.values())):
            raise BadDataset(f"{line.table} line {line.line}: c1 to c5 are all 0.")
        if line.text("set") not in SETS:
            raise BadDataset(f"{line.table} line {line.line}: set is {line.text('set')!r}, not training, validation or test.")
        score = line.number("MOS") if on_five else sum(step * count for step, count in ratings.items()) / total
        path = photo_folder.photo(line.text("image_name"), line, row.layout)
        photos.append(RatedPhoto(path, score, SETS[line.text("set")], on_ten_levels(ratings, row.low, row.high)))
    return photos


def spaq(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the workbook of mean scores."""
    photo_folder = PhotoFolder(folder, "TestImage")
    lines = sheet_rows(folder / "Annotations" / "MOS and Image attribute scores.xlsx", ("Image name", "MOS"), row.layout)
    return [
        RatedPhoto(photo_folder.photo(line.text("Image name"), line, row.layout), line.number("MOS"), fixed_split(line.text("Image name")))
        for line in lines
    ]


def kadid(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load dmos.csv. All distorted copies of a reference photo are in one split."""
    photo_folder = PhotoFolder(folder, "images")
    return [
        RatedPhoto(photo_folder.photo(line.text("dist_img"), line, row.layout), line.number("dmos"), fixed_split(line.text("ref_img")))
        for line in csv_rows(folder / "dmos.csv", ("dist_img", "ref_img", "dmos"), row.layout)
    ]


def flickr_aes(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load mean scores 0 to 1, with the distribution of the workers' ratings."""
    photo_folder = PhotoFolder(folder, "40K")
    ratings = _by_photo(single_ratings.flickr_aes(folder, row))
    photos = []
    for line in blank_rows(folder / "FLICKR-AES_image_score.txt", ("image", "score"), row.layout):
        path = photo_folder.photo(line.cells["image"], line, row.layout)
        levels = on_ten_levels(ratings[path], 1, 5) if path in ratings else None
        photos.append(RatedPhoto(path, line.number("score"), fixed_split(line.cells["image"]), levels))
    return photos


def aadb(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the published lists, with the distribution of single ratings where their table exists."""
    photo_folder = PhotoFolder(folder, "datasetImages_originalSize", "datasetImages_warp256")
    ratings = _by_photo(single_ratings.aadb(folder, row)) if single_ratings.amt_tables(folder) else {}
    photos = []
    for part in ("Train", "Validation", "Test"):
        for line in blank_rows(folder / f"imgListFiles_label/imgList{part}Regression_score.txt", ("image", "score"), row.layout):
            path = photo_folder.photo(line.cells["image"], line, row.layout)
            levels = on_ten_levels(ratings[path], 1, 5) if path in ratings else None
            photos.append(RatedPhoto(path, line.number("score"), SETS[part.lower()], levels))
    return photos


def para(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the published train and test tables; a fixed tenth of train is the validation split."""
    columns = [f"aestheticScore_{step:.1f}" for step in HALF_STEPS]
    photo_folder = PhotoFolder(folder, "imgs")
    photos = []
    for part in ("Train", "Test"):
        table = folder / f"annotation/PARA-Giaa{part}.csv"
        for line in csv_rows(table, ("sessionId", "imageName", "aestheticScore_mean", *columns), row.layout):
            name = f"{line.text('sessionId')}/{line.text('imageName')}"
            ratings = {step: line.number_within(column, 0, 1e9) for step, column in zip(HALF_STEPS, columns, strict=True)}
            levels = on_ten_levels(ratings, row.low, row.high) if any(ratings.values()) else None
            split: Split = "test" if part == "Test" else _held_out(name)
            photos.append(RatedPhoto(photo_folder.photo(name, line, row.layout), line.number("aestheticScore_mean"), split, levels))
    return photos


def real_cur(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the albums. Every photo belongs to a tested rater, so all are test photos."""
    ratings = _by_photo(single_ratings.real_cur(folder, row))
    return [_rated(path, own, "test", row) for path, own in sorted(ratings.items())]


def lapis(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the published lists of paintings, with the mean and distribution of their ratings."""
    ratings = {photo.name: (photo, own) for photo, own in _by_photo(single_ratings.lapis(folder, row)).items()}
    photos = []
    for part in ("Train", "Val", "Test"):
        for line in name_rows(folder / f"imageset/{part}ImageSet.txt", "image", row.layout):
            if line.cells["image"] in ratings:
                path, own = ratings[line.cells["image"]]
                photos.append(_rated(path, own, SETS[part.lower()], row))
    if not photos:
        raise BadDataset(f"{folder}/imageset lists no painting that has a rating. {row.layout}")
    return photos


def xpass_vis(folder: Path, row: Dataset) -> list[RatedPhoto]:
    """Load the photos of all three domains, with the mean and distribution of their ratings."""
    ratings = _by_photo(single_ratings.xpass_vis(folder, row))
    return [_rated(path, own, fixed_split(path.name), row) for path, own in sorted(ratings.items())]


def degraded_in_steps(photo: RatedPhoto) -> Iterator[RatedPhoto]:
    """The original photo (score 5), and four kinds of degradation in steps 1 to 5 (scores 4 to 0)."""
    yield replace(photo, score=5.0)
    for kind in (_blurred, _compressed, _noisy, _badly_exposed):
        for step in range(1, 6):
            yield replace(photo, score=5.0 - step, degrade=_Degradation(kind, step, photo.path.name))


@dataclass(frozen=True)
class _Degradation:
    kind: Callable[[Image.Image, int, np.random.Generator], Image.Image]
    step: int
    name: str

    def __str__(self) -> str:
        """The same in every process: part of the keys of cached features."""
        return f"{self.kind.__name__} {self.step}"

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


def _rated(path: Path, ratings: Counter[float], split: Split, row: Dataset) -> RatedPhoto:
    """A photo with the mean and the distribution of its single ratings."""
    mean = sum(rating * count for rating, count in ratings.items()) / ratings.total()
    return RatedPhoto(path, mean, split, on_ten_levels(ratings, row.low, row.high))


def _held_out(name: str) -> Split:
    return fixed_split(name, with_test=False)


def _by_photo(ratings: RatingsByRater) -> dict[Path, Counter[float]]:
    found: dict[Path, Counter[float]] = defaultdict(Counter)
    for own in ratings.values():
        for photo, rating in own.items():
            found[photo][rating] += 1
    return found
