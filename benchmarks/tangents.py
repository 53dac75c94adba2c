"""Benchmark of tangents against a plain forward pass: `./pav bench tangents [--photos N] [--device cpu] [--json OUT]`.

One pass (`described` in the JSON) computes a photo's score, its tangents in all coefficients and its embedding. The baseline is
the same scorer in inference mode on the same batch; the two alternate, so that other load on the machine affects both. Models:
EfficientNet-Lite0 from the shipped bank, and OpenCLIP's ViT-B-16 with random weights (as fast as trained ones), with six task vectors each,
whole and factorised (rank 16). `autograd` is the naive way: one photo at a time, each weight gradient multiplied by each task vector.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from personalize.files import backbones
from personalize.files.open_banks import open_bank
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.tangents import Tangents
from personalize.networks.task_vectors import Vector
from personalize.scorers.freed_memory import keep_freed_memory

TASKS, RANK = 6, 16
GOALS = {"whole": 3.5, "factorised": 2.5}  # forward passes


def seconds(ways: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each way; the ways alternate."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            _wait(device)
            began = time.perf_counter()
            way()
            _wait(device)
            if turn:  # the first turn is a warm-up
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in taken.items()}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def autograd(model: Scorer, vectors: Sequence[Vector], photo: Tensor) -> Tensor:
    blocks = task_vectors.blocks(model)
    gradients = torch.autograd.grad(model.score(photo)[0], list(blocks.values()))
    return torch.stack([torch.stack([(g * v[name]).sum() for v in vectors]) for g, name in zip(gradients, blocks, strict=True)])


def lite0() -> tuple[Scorer, list[Vector]]:
    bank = open_bank()
    return bank.merged(bank.start), list(bank.vectors.values())


def vit_b_16() -> tuple[Scorer, list[Vector]]:
    model = backbones.untrained("ViT-B-16", seed=0)
    draw = torch.Generator().manual_seed(0)
    vectors: list[Vector] = []
    for _ in range(TASKS):
        vectors.append({name: _factors(value, draw) for name, value in task_vectors.copied_blocks(model).items()})
    return model.eval(), vectors


def _factors(value: Tensor, draw: torch.Generator) -> Tensor | task_vectors.Factors:
    if value.ndim < 2 or RANK * (value.shape[0] + value[0].numel()) >= value.numel():
        return 0.01 * torch.randn(value.shape, generator=draw)
    sides = (value.shape[0], RANK), (RANK, value[0].numel())
    left, right = (0.03 * torch.randn(shape, generator=draw) for shape in sides)
    return task_vectors.Factors(left, right, tuple(value.shape))


def measure(model: Scorer, vectors: list[Vector], batch: int, rounds: int, device: torch.device) -> dict[str, float]:
    """Milliseconds per photo: plain in a batch and alone, feature extraction in a batch; and the ratio of the two in a batch."""
    photos = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(1)).to(device)
    if device.type == "cpu":
        photos = photos.contiguous(memory_format=torch.channels_last)
    model = model.to(device)
    tangents = Tangents(model, vectors)
    plain = torch.inference_mode()(model.score)
    ways = {"plain": lambda: plain(photos), "plain alone": lambda: plain(photos[:1]), "described": lambda: tangents.compute(photos)}
    found = {name: 1000 * value for name, value in seconds(ways, rounds, device).items()}
    found = {"plain": found["plain"] / batch, "plain alone": found["plain alone"], "described": found["described"] / batch}
    return found | {"ratio": found["described"] / found["plain"]}


def measure_autograd(model: Scorer, vectors: list[Vector], device: torch.device) -> float:
    """Milliseconds for one photo the naive way."""
    photo = torch.randn(1, 3, 224, 224).to(device)
    here: list[Vector] = [{name: value.to(device) for name, value in task_vectors.whole(vector).items()} for vector in vectors]
    return 1000 * seconds({"autograd": lambda: autograd(model, here, photo)}, 3, device)["autograd"]


def main(arguments: list[str]) -> None:
    models = {"efficientnet_lite0": lite0, "ViT-B-16": vit_b_16}
    parser = argparse.ArgumentParser(prog="pav bench tangents", description=__doc__)
    parser.add_argument("--photos", type=int, default=8, help="photos in a batch")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--models", nargs="+", default=list(models), choices=list(models))
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    keep_freed_memory()

    where = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor()
    results: dict[str, Any] = {"device": where, "photos": options.photos}
    print(f"{'model, task vectors':<36}{'plain ms':>10}{'alone':>8}{'features':>11}{'passes':>8}{'goal':>6}")
    for name in options.models:
        model, factorised = models[name]()
        whole: list[Vector] = [dict(task_vectors.whole(vector)) for vector in factorised]
        for form, vectors in (("factorised", factorised), ("whole", whole)):
            results[f"{name} {form}"] = found = measure(model, vectors, options.photos, options.rounds, device)
            figures = f"{found['plain']:>10.2f}{found['plain alone']:>8.2f}{found['described']:>11.2f}{found['ratio']:>8.2f}"
            print(f"{name + ', ' + form:<36}{figures}{GOALS[form]:>6}", flush=True)
        results[f"{name} autograd"] = alone = measure_autograd(model, whole, device)
        print(f"{name + ', autograd one by one':<36}{'':>18}{alone:>11.2f}{alone / found['plain']:>8.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
