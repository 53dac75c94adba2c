"""What a large bank takes in memory beside one plain model of its backbone: `./pav bench memory`.

A bank of random numbers is made in a temporary folder (no weights are needed: memory does not depend on them), then a process of its own
opens it, checks its hash, merges it at its start and scores a photo; another process makes one plain model and scores a photo; a third only
imports. Each tells its peak of resident memory and what is resident in the end, mapped file pages apart. Linux only: /proc tells.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from personalize.bank_building.compressing import Form
from personalize.files import backbones, banks
from personalize.files.mapped_arrays import ArrayWriter
from personalize.files.open_banks import open_bank
from personalize.files.stored_vectors import parts
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.task_vectors import Block, Factors, Quantised

SPREAD = 1e-3  # of the random task vectors: small, so that the merged model still computes with finite numbers


def make(path: Path, backbone: str, tasks: list[str], form: Form) -> None:
    """A bank of random numbers, written array by array."""
    draw = torch.Generator().manual_seed(0)
    shapes = {name: value.shape for name, value in task_vectors.blocks(backbones.empty(backbone)).items()}
    start = np.full((len(shapes), len(tasks)), 1 / len(tasks), dtype=np.float32)
    planned = {"start": (start.dtype, start.shape)} | {f"base/{name}": (np.dtype("f4"), tuple(shape)) for name, shape in shapes.items()}
    for task in tasks:
        planned.update(form.planned(shapes, f"vectors/{task}/"))
    with ArrayWriter(path.with_suffix(".partial"), planned, {"format": banks.FORMAT}) as writer:
        writer.put("start", start)
        for name, shape in shapes.items():
            writer.put(f"base/{name}", (0.02 * torch.randn(shape, generator=draw)).numpy())
        for task in tasks:
            for name, shape in shapes.items():
                for part, tensor in parts(_random_block(form, shape, draw)):
                    writer.put(f"vectors/{task}/{name}/{part}", tensor.numpy())
    banks.publish(path.with_suffix(".partial"), {"backbone": backbone, "tasks": tasks, "random": True}, path)


def _random_block(form: Form, shape: torch.Size, draw: torch.Generator) -> Block:
    """A block as `form` would leave it, its factors drawn and not computed: a thousand decompositions would take minutes."""
    kept = form.of(torch.empty(shape, device="meta"))
    if isinstance(kept, Factors):
        left, right = (torch.randn(side.shape, generator=draw).mul_(SPREAD**0.5).half() for side in (kept.left, kept.right))
        return Factors(left, right, kept.shape)
    if isinstance(kept, Quantised):
        values = torch.randint(-127, 128, kept.values.shape, generator=draw, dtype=torch.int8)
        return Quantised(values, torch.full(kept.scale.shape, SPREAD / 127), kept.shape)
    return (SPREAD * torch.randn(shape, generator=draw)).to(kept.dtype)


def bank(backbone: str, path: Path) -> object:
    opened = open_bank(path)
    return opened, _having_scored(opened.merged(opened.start), backbone)


def plain(backbone: str, _: Path) -> object:
    return _having_scored(backbones.untrained(backbone), backbone)


def imports(*_: object) -> object:
    """Nothing more than what is imported above."""
    return None


PROGRAMS = {"imports alone": imports, "one plain model": plain, "the bank, merged": bank}


@torch.inference_mode()
def _having_scored(model: Scorer, backbone: str) -> Scorer:
    side = backbones.find(backbone).preprocessing.crop
    score = model.score(torch.zeros(1, 3, side, side))
    assert torch.isfinite(score).all()
    return model


def _resident() -> dict[str, float]:
    """Megabytes, from /proc: the peak, and of now the memory of its own and the mapped pages of files."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    told = {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if len(words) == 3 and words[2] == "kB"}
    return {"peak": told["VmHWM"], "own": told["RssAnon"], "files": told["RssFile"]}


def _measured(program: str, backbone: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", "--program", program, "--backbone", backbone, "--bank", str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(told))


def _rows(options: argparse.Namespace, path: Path) -> Iterator[str]:
    yield f"{'':18}{'peak':>9}{'own':>9}{'files':>9}   MB resident"
    for program in PROGRAMS:
        told = _measured(program, options.backbone, path)
        yield f"{program:18}{told['peak']:9.0f}{told['own']:9.0f}{told['files']:9.0f}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench memory", description=__doc__)
    parser.add_argument("--backbone", default="ViT-L-14")
    parser.add_argument("--tasks", type=int, default=6)
    parser.add_argument("--form", default="factorised", choices=["full", "half", "factorised", "quantised"])
    parser.add_argument("--rank", type=int, default=Form.rank)
    parser.add_argument("--folder", type=Path, help="where the bank is made for a while; else the system's temporary folder")
    parser.add_argument("--program", choices=list(PROGRAMS), help=argparse.SUPPRESS)
    parser.add_argument("--bank", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.program:
        kept = PROGRAMS[options.program](options.backbone, options.bank)
        print(json.dumps(_resident()))
        del kept  # so far it was held on purpose
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "bank.safetensors"
        make(path, options.backbone, [f"task{number}" for number in range(options.tasks)], Form(options.form, options.rank))
        opened = open_bank(path, check=False)
        vectors = sum(opened.arrays[name].nbytes for name in opened.arrays if name.startswith("vectors/"))
        base = sum(opened.arrays[name].nbytes for name in opened.arrays if name.startswith("base/"))
        print(f"{options.backbone}, {options.tasks} {options.form} task vectors: {vectors / 2**20:.0f} MB; base: {base / 2**20:.0f} MB")
        for row in _rows(options, path):
            print(row)


if __name__ == "__main__":
    main(sys.argv[1:])
