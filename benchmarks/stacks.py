"""Benchmark of stacks, whether near-duplicates fold and no others: `./pav bench stacks --images DIR`.

Of photos in a folder, which should show different things, it makes three more each, like several pictures of one scene: the next
frame (a little closer, a little brighter), one from further to the right, and another framing. Stacks of an album's best photos
should then hold the pictures of one scene each. Extracts features with the bank that comes with PAV; a minute for 48 photos.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from personalize.files import taste_parts
from personalize.scorers.feature_extraction import FeatureExtractor
from ratings.albums.best import stacks

FOLDS = (0, 0.25, 0.5, 0.75, 1)
APART_SECONDS, BURST_SECONDS = 100, 2  # between scenes, and between the pictures of one


def pictures(photo: Image.Image) -> Iterator[Image.Image]:
    """A photo, and three more of its scene."""
    width, height = photo.size

    def framed(left: float, top: float, right: float, bottom: float) -> Image.Image:
        return photo.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    yield photo
    yield ImageEnhance.Brightness(framed(0.04, 0.04, 0.96, 0.96)).enhance(1.08)
    yield framed(0.12, 0, 1, 0.9)
    yield framed(0, 0.2, 0.75, 1)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./pav bench stacks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder of photos of different things")
    parser.add_argument("--count", type=int, default=48, help="photos to take from it, evenly")
    options = parser.parse_args(arguments)
    files = sorted(path for path in options.images.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    chosen = files[:: max(1, len(files) // options.count)][: options.count]
    extractor, projection = FeatureExtractor(), taste_parts.read().projection
    if projection is None:
        raise SystemExit("This bank has no projection of its own.")
    axes = np.stack([_axes(extractor, projection, path) for path in chosen])  # scenes x pictures x axes
    scenes, taken = axes.shape[:2]
    print(f"{scenes} photos of different things, and {taken} pictures of each\n")
    print("| fold | stacks of the photos alone | stacks of all pictures | of one scene only | within bursts |\n|---|---|---|---|---|")
    for fold in FOLDS:
        alone = _fold(axes[:, 0], np.full(scenes, np.nan), fold)
        together = _fold(axes.reshape(scenes * taken, -1), np.full(scenes * taken, np.nan), fold)
        times = (APART_SECONDS * np.arange(scenes)[:, None] + BURST_SECONDS * np.arange(taken)).ravel().astype(float)
        bursts = _fold(axes.reshape(scenes * taken, -1), times, fold)
        pure = sum(len({place // taken for place in stack}) == 1 for stack in together)
        print(f"| {fold} | {len(alone)} | {len(together)} | {pure} | {len(bursts)} |")


def _axes(extractor: FeatureExtractor, projection: taste_parts.Projection, path: Path) -> np.ndarray:
    with Image.open(path) as image:
        raw = extractor.raw(list(pictures(image.convert("RGB"))))
    return projection.apply(raw)[:, len(projection.directions) :]


def _fold(axes: np.ndarray, seconds: np.ndarray, fold: float) -> list[list[int]]:
    scores = np.random.default_rng(0).normal(size=len(axes))
    return stacks(scores, axes, seconds, count=len(axes), fold=fold, variety=0)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
