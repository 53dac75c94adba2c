"""Benchmark of ONNX exports: `./pav bench exports DATASET [--root DIR] [--shots N] [--raters N] [--photos N] [--enlarged N]`.

Fits raters of a dataset as the app does, exports each fit as ONNX, and prints how far the file's scores are from those of the fit, in
standard deviations of the fit's scores over the dataset: on photos of the dataset, and on the same photos enlarged five times, where PAV
averages pixels before it resizes. The hyperprior is flat.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from personalize import datasets
from personalize.exports import model_files
from personalize.exports.fits import InstantFit
from personalize.files import banks, pixels
from personalize.numerics import metrics, projection, taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.projection import Heads
from personalize.scorers.feature_extraction import FeatureExtractor

TIMES = 5  # as wide and as high


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./pav bench exports", description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--root", type=Path, default=Path("shared/data"), help="folder of the datasets")
    parser.add_argument("--shots", type=int, default=100)
    parser.add_argument("--raters", type=int, default=5)
    parser.add_argument("--photos", type=int, default=60, help="photos to compare scores of")
    parser.add_argument("--enlarged", type=int, default=20, help="how many of them are also compared enlarged")
    options = parser.parse_args(arguments)

    table, extractor, draw = datasets.ratings(options.dataset, options.root), FeatureExtractor(), np.random.default_rng(0)
    photos = [pixels.read(path) for path in table.photos]
    raw = extractor.raw(photos)
    own = projection.learn(lambda: [raw], extractor.layout, Heads(("generic",), np.eye(extractor.layout.width)[:, -1:]))
    features = own.apply(raw)
    compared = [photos[place] for place in draw.permutation(len(photos))[: options.photos]]
    sizes = {"own size": compared, f"{TIMES} times": [_enlarged(photo) for photo in compared[: options.enlarged]]}
    expected = {name: own.apply(extractor.raw(same)) for name, same in sizes.items()}
    for number, rater in enumerate(table.raters[: options.raters]):
        shots = draw.permutation(len(rater.photos))[: options.shots]
        fitted = taste.fit(features[rater.photos[shots]], rater.ratings[shots], Hyperprior.flat())
        facts = {"method": "instant", "bank": banks.read_metadata().hash, "extractors": extractor.hash}
        spread = float((features @ fitted.weights).std())
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            path = Path(folder) / "rater.onnx"
            card = model_files.write(path, "onnx", InstantFit(facts, fitted.weights.astype(float), own), banks.DEFAULT)
            seconds, model = time.perf_counter() - begun, model_files.opened(path)
            print(f"rater {number}: written in {seconds:.1f} s, {card['bytes'] / 1e6:.1f} MB, SD of scores {spread:.2f}")
            for name, same in sizes.items():
                scores, found = expected[name] @ fitted.weights, model.score(same)
                away, order = np.abs(found - scores) / spread, metrics.srocc(found, scores)
                print(f"  {name:>8}: largest {away.max():.4f}, root mean square {np.sqrt((away**2).mean()):.4f}, SROCC {order:.5f}")


def _enlarged(photo: Image.Image) -> Image.Image:
    return photo.resize((TIMES * photo.width, TIMES * photo.height), Image.Resampling.BICUBIC)
