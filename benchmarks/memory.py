"""Benchmark of the memory of a large bank against one plain model of its backbone: `./pav bench memory`.

Creates a synthetic bank of random numbers in a temporary folder; memory does not depend on the weights. One process opens the bank, checks
its hash, merges it at its start and scores a photo; a second one builds a plain model and scores a photo; a third one only imports. Each
reports its peak of resident memory, and the resident memory at the end, with mapped file pages separate. Linux only, as it reads /proc.
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

from personalize.bank_building.compressing import in_form, planned_vector
from personalize.bank_building.forms import Form
from personalize.files import backbones, banks
from personalize.files.mapped_arrays import ArrayWriter
from personalize.files.open_banks import open_bank
from personalize.files.stored_vectors import parts
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.task_vectors import Block, Factors, Quantised

SPREAD = 1e-3  # of the random task vectors: small enough for finite scores of the merged model


def make(path: Path, backbone: str, tasks: list[str], form: Form) -> None:
    """Write a bank of random numbers, array by array."""
    draw = torch.Generator().manual_seed(0)
    shapes = {name: value.shape for name, value in task_vectors.blocks(backbones.empty(backbone)).items()}
    start = np.full((len(shapes), len(tasks)), 1 / len(tasks), dtype=np.float32)
    planned = {"start": (start.dtype, start.shape)} | {f"base/{name}": (np.dtype("f4"), tuple(shape)) for name, shape in shapes.items()}
    for task in tasks:
        planned.update(planned_vector(shapes, form, f"vectors/{task}/"))
    with ArrayWriter(path, planned, {"format": banks.FORMAT}) as writer:
        writer.put("start", start)
        for name, shape in shapes.items():
            writer.put(f"base/{name}", (0.02 * torch.randn(shape, generator=draw)).numpy())
        for task in tasks:
            for name, shape in shapes.items():
                for part, tensor in parts(_random_block(form, shape, draw)):
                    writer.put(f"vectors/{task}/{name}/{part}", tensor.numpy())
    banks.put_metadata({"backbone": backbone, "tasks": tasks, "random": True}, path)


def _random_block(form: Form, shape: torch.Size, draw: torch.Generator) -> Block:
    """A random block in `form`. Factors are drawn, not computed: a thousand decompositions would take minutes."""
    kept = in_form(torch.empty(shape, device="meta"), form)
    if isinstance(kept, Factors):
        left, right = (torch.randn(side.shape, generator=draw).mul_(SPREAD**0.5).half() for side in (kept.left, kept.right))
        return Factors(left, right, kept.shape)
    if isinstance(kept, Quantised):
        values = torch.randint(-127, 128, kept.values.shape, generator=draw, dtype=torch.int8)
        return Quantised(values, torch.full(kept.scale.shape, SPREAD / 127), kept.shape)
    return (SPREAD * torch.randn(shape, generator=draw)).to(kept.dtype)


def bank(backbone: str, path: Path) -> object:
    opened = open_bank(path)
    return opened, _after_scoring(opened.merged(opened.start), backbone)


def plain(backbone: str, _: Path) -> object:
    return _after_scoring(backbones.untrained(backbone), backbone)


def imports(*_: object) -> object:
    """Nothing beyond this module's imports."""
    return None


PROGRAMS = {"imports alone": imports, "one plain model": plain, "the bank, merged": bank}


@torch.inference_mode()
def _after_scoring(model: Scorer, backbone: str) -> Scorer:
    side = backbones.find(backbone).preprocessing.crop
    score = model.score(torch.zeros(1, 3, side, side))
    assert torch.isfinite(score).all()
    return model


def resident() -> dict[str, float]:
    """Megabytes of resident memory, from /proc: the peak, and the current private memory and mapped pages of files."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    sizes = {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if len(words) == 3 and words[2] == "kB"}
    return {"peak": sizes["VmHWM"], "own": sizes["RssAnon"], "files": sizes["RssFile"]}


def _measured(program: str, backbone: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", "--program", program, "--backbone", backbone, "--bank", str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(output))


def _rows(options: argparse.Namespace, path: Path) -> Iterator[str]:
    yield f"{'':18}{'peak':>9}{'own':>9}{'files':>9}   MB resident"
    for program in PROGRAMS:
        sizes = _measured(program, options.backbone, path)
        yield f"{program:18}{sizes['peak']:9.0f}{sizes['own']:9.0f}{sizes['files']:9.0f}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench memory", description=__doc__)
    parser.add_argument("--backbone", default="ViT-L-14")
    parser.add_argument("--tasks", type=int, default=6)
    parser.add_argument("--form", default="factorised", choices=["full", "half", "factorised", "quantised"])
    parser.add_argument("--rank", type=int, default=Form.rank)
    parser.add_argument("--folder", type=Path, help="folder for the temporary bank; default: the system's")
    parser.add_argument("--program", choices=list(PROGRAMS), help=argparse.SUPPRESS)
    parser.add_argument("--bank", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.program:
        kept = PROGRAMS[options.program](options.backbone, options.bank)
        print(json.dumps(resident()))
        del kept  # kept alive until here, to be measured
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
