"""Benchmark of the instant fit against the published procedure and the acquisition, on the same photos: `./pav bench fit`.

A step of the procedure (Yun & Choo, ECCV 2024): merge the task vectors with the rater's coefficients, score a batch of at most 32 photos,
Bradley-Terry loss between its halves, gradient in the coefficients, AdamW. The procedure takes 500 steps. Photos are random pixels, because
no time depends on their content.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image
from threadpoolctl import threadpool_limits

from personalize.files import backbones, banks, images, taste_parts
from personalize.files.open_banks import open_bank
from personalize.networks.coefficient_fits import CoefficientNetwork, NetworkShots
from personalize.networks.published_fit import STEPS, Procedure
from personalize.numerics import acquisition, taste
from personalize.scorers.feature_extraction import FeatureExtractor

PHOTOS, CANDIDATES = 10, 128  # as in the app's acquisition after a fit


def _median_seconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))  # the first is a warm-up


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench fit", description=__doc__)
    parser.add_argument("--ratings", type=int, nargs="+", default=[10, 30, 100, 300])
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    bank, part, extractor = open_bank(), taste_parts.read(), FeatureExtractor()
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing
    photos = [Image.fromarray(rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)) for _ in range(max(options.ratings))]
    inputs = images.to_input(np.stack([images.to_pixels(photo, preprocessing) for photo in photos]), preprocessing)
    start = time.perf_counter()
    features = np.concatenate([part.projection.apply(extractor.raw([photo])) for photo in photos])
    seconds = (time.perf_counter() - start) / len(photos)
    candidates = rng.normal(size=(CANDIDATES, features.shape[1])) * features.std(axis=0)

    print(f"Bank {banks.read_metadata().hash}, {torch.get_num_threads()} threads for torch, 1 for the instant fit.")
    print(f"Features of one photo, extracted once for all raters: {1000 * seconds:.0f} ms.\n")
    photos_of = f"choosing {PHOTOS} of {CANDIDATES} photos | its ratio to the fit"
    print(f"| ratings | instant fit | {photos_of} | one published step | ratio of 500 steps to the fit |\n|---|---|---|---|---|---|")
    for count in options.ratings:
        ratings = rng.integers(1, 4, count).astype(np.float64)
        with threadpool_limits(1, user_api="blas"):
            instant = _median_seconds(partial(taste.fit, features[:count], ratings, part.hyperprior), 20)
            covariance = taste.fit(features[:count], ratings, part.hyperprior).covariance
            choosing = _median_seconds(partial(acquisition.next_photos, covariance, candidates, PHOTOS, rng), 20)
        network = CoefficientNetwork(bank.scorer(), bank.base, list(bank.vectors.values()))
        shots = NetworkShots(inputs[:count], torch.from_numpy(ratings).float())
        procedure = Procedure(network, shots, seed=0, start=bank.start)
        step = _median_seconds(procedure.step, 3)
        chosen = f"{1000 * choosing:.1f} ms | {choosing / instant:.2f}"
        print(f"| {count} | {1000 * instant:.1f} ms | {chosen} | {step:.2f} s | {STEPS * step / instant:,.0f} |")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
