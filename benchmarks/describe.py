"""Benchmark of feature extraction: `./pav bench describe [--photos N] [--side PIXELS] [--rounds N] [--threads N] [--json OUT]`.

By network and in all, milliseconds per photo of resizing, of ONNX Runtime, and of plain forward passes of the same networks in torch.
`before` is the extraction of version 0.1: score, tangents and embeddings of one network in torch, resizing included. The parts alternate in
one run, so that other load on the machine affects all; a ratio is the median over the rounds. Photos are synthetic, 3:2.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from personalize.bank_building import onnx_extractors
from personalize.bank_building.extractor_networks import ExtractorNetwork
from personalize.files import backbones, images
from personalize.files.open_banks import open_bank
from personalize.networks.tangents import Tangents
from personalize.scorers.feature_extraction import FeatureExtractor, run

GOAL = 1.5  # times the extraction before

Parts = dict[str, Callable[[], object]]
Seconds = dict[str, list[float]]


def synthetic_photos(count: int, side: int) -> list[Image.Image]:
    """Photos of `side` x 2/3 `side` pixels; no time depends on their content."""
    draw = np.random.default_rng(0)
    return [Image.fromarray(draw.integers(0, 256, (side * 2 // 3, side, 3), dtype=np.uint8)) for _ in range(count)]


def torch_networks() -> list[ExtractorNetwork]:
    """The networks of the shipped extractors, in their order."""
    bank = open_bank()
    whole = [onnx_extractors.stages_network(one.name, one.backbone) for one in onnx_extractors.WHOLE]
    return [onnx_extractors.merged_network(bank, (0.0, 1.0)).eval(), *(network.eval() for network in whole)]


def extraction_before(photos: list[Image.Image]) -> Callable[[], object]:
    """Score, tangents and embedding of the merged network, and the embedding of the plain one."""
    bank = open_bank()
    tangents, plain = Tangents(bank.merged(bank.start), list(bank.vectors.values())), bank.scorer().encoder
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing

    def extract() -> object:
        batch = images.to_input(np.stack([images.to_pixels(photo, preprocessing) for photo in photos]), preprocessing)
        linearised = tangents.compute(batch)
        with torch.inference_mode():
            return linearised, plain(batch)

    return extract


def parts(photos: list[Image.Image], extractor: FeatureExtractor) -> Parts:
    """What is timed, by name; each takes all photos."""
    found: Parts = {}
    for network, plain in zip(extractor.networks, torch_networks(), strict=True):
        name, rule = plain.names[0], network.extractor.size
        pixels = np.stack([rule.pixels(photo) for photo in photos])
        found[f"{name} resizing"] = lambda rule=rule: [rule.pixels(photo) for photo in photos]
        found[f"{name} onnx"] = lambda network=network, pixels=pixels: run(network, list(pixels))
        inputs = torch.from_numpy(pixels)
        found[f"{name} torch"] = lambda plain=plain, inputs=inputs: torch.inference_mode()(plain)(inputs)
    return found | {"all": lambda: extractor.raw(photos), "before": extraction_before(photos)}


def timed(work: Parts, rounds: int) -> Seconds:
    """Seconds of each part in each round; the parts alternate."""
    taken: Seconds = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, part in work.items():
            began = time.perf_counter()
            part()
            if turn:  # the first turn is a warm-up
                taken[name].append(time.perf_counter() - began)
    return taken


def ratio(taken: Seconds, one: list[str], other: list[str]) -> float:
    """Median over the rounds of the time of some parts as a multiple of that of others."""
    sums = (zip(*(taken[name] for name in names), strict=True) for names in (one, other))
    return statistics.median(sum(first) / sum(second) for first, second in zip(*sums, strict=True))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench describe", description=__doc__)
    parser.add_argument("--photos", type=int, default=8, help="photos whose features are extracted together")
    parser.add_argument("--side", type=int, default=2048, help="longer side of the photos in pixels")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    extractor = FeatureExtractor(threads=options.threads)
    work = parts(synthetic_photos(options.photos, options.side), extractor)
    taken = timed(work, options.rounds)
    each = {name: 1000 * statistics.median(seconds) / options.photos for name, seconds in taken.items()}

    print(f"{platform.processor() or platform.machine()}, {options.threads} threads, photos of {options.side} x {options.side * 2 // 3}")
    print(f"{'ms per photo':<12}{'resizing':>10}{'ONNX Runtime':>14}{'torch':>9}{'torch / ONNX Runtime':>22}")
    names = [name.removesuffix(" onnx") for name in work if name.endswith(" onnx")]
    kinds = ("resizing", "onnx", "torch")
    for name in (*names, "sum"):
        rows = {kind: [f"{one} {kind}" for one in (names if name == "sum" else [name])] for kind in kinds}
        sums = {kind: sum(each[row] for row in rows[kind]) for kind in kinds}
        figures = f"{sums['resizing']:>10.1f}{sums['onnx']:>14.1f}{sums['torch']:>9.1f}{ratio(taken, rows['torch'], rows['onnx']):>22.2f}"
        print(f"{name:<12}{figures}")
    cost = ratio(taken, ["all"], ["before"])
    print(f"all groups {each['all']:.1f} ms, before {each['before']:.1f} ms, ratio {cost:.2f}; goal: at most {GOAL}")
    if options.json:
        results = {"milliseconds": each, "all / before": cost, "photos": options.photos, "side": options.side, "threads": options.threads}
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
