"""Benchmark of strong encoders: time and memory of their import as a bank, and of the published fit: `./pav bench encoders`.

Weights are random, which changes neither. For each backbone, one process imports random weights by the path of `./pav import_bank`, and one
takes five steps of the published fit in a bank of six random task vectors; 500 steps are extrapolated from them. Processor time is what an
idle machine would take on one core. Linux only, as it reads /proc.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from benchmarks import memory
from personalize.bank_building.encoder_banks import EncoderPlan, import_encoder
from personalize.bank_building.forms import Form
from personalize.files import backbones
from personalize.files.open_banks import open_bank
from personalize.networks.published_fit import STEPS as PUBLISHED_STEPS
from personalize.networks.published_fit import Procedure
from personalize.scorers.rater_fitting import RaterFitter

TASKS, SHOTS, STEPS = 6, 32, 5

Figures = dict[str, float]


def write_weights(backbone: str, folder: Path, _: str) -> Figures:
    """In a process of its own, whose memory is not that of the import."""
    encoder = backbones.untrained(backbone).encoder
    save_file({name: value.contiguous() for name, value in encoder.state_dict().items()}, _weights(backbone, folder))
    return {}


def import_it(backbone: str, folder: Path, _: str) -> Figures:
    started = time.perf_counter(), time.process_time()
    metadata = import_encoder(EncoderPlan(backbone, _weights(backbone, folder)), folder / f"{backbone}-bank.safetensors")
    (row,) = metadata.facts["extractors"]
    return {"seconds": time.perf_counter() - started[0], "cpu": time.process_time() - started[1], "megabytes": row["bytes"] / 1e6}


def fit(backbone: str, folder: Path, form: str) -> Figures:
    """Per step of the published fit of one rater with random ratings."""
    path = folder / f"{backbone}-vectors.safetensors"
    memory.make(path, backbone, [f"task-{number}" for number in range(TASKS)], Form(form))
    fitter = RaterFitter(open_bank(path, check=False))
    side, draw = fitter.preprocessing.crop, np.random.default_rng(0)
    shots = fitter.shots(list(draw.integers(0, 256, (SHOTS, side, side, 3), dtype=np.uint8)), draw.integers(1, 4, SHOTS).tolist())
    procedure = Procedure(fitter.network, shots, seed=0, start=fitter.start)
    procedure.step()
    started = time.perf_counter(), time.process_time()
    for _ in range(STEPS):
        procedure.step()
    return {"seconds": (time.perf_counter() - started[0]) / STEPS, "cpu": (time.process_time() - started[1]) / STEPS}


PROGRAMS = {"weights": write_weights, "import": import_it, "fit": fit}


def _weights(backbone: str, folder: Path) -> Path:
    return folder / f"{backbone}.safetensors"


def _measured(program: str, backbone: str, folder: Path, options: argparse.Namespace) -> Figures:
    chosen = ["--form", options.form, "--folder", str(folder), "--threads", str(options.threads)]
    command = [sys.executable, "-m", "benchmarks.encoders", "--program", program, "--backbones", backbone, *chosen]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]))


def _measure_all(options: argparse.Namespace, folder: Path) -> None:
    for backbone in options.backbones:
        if "import" in options.what:
            _measured("weights", backbone, folder, options)
            found = _measured("import", backbone, folder, options)
            times = f"{found['seconds']:.0f} s by the clock, {found['cpu']:.0f} s of processor time"
            print(f"{backbone} import: {times}, peak {found['peak']:.0f} MB, extractor {found['megabytes']:.0f} MB", flush=True)
        if "fit" in options.what:
            found = _measured("fit", backbone, folder, options)
            times = f"{found['seconds']:.1f} s by the clock, {found['cpu']:.1f} s of processor time"
            whole = f"{PUBLISHED_STEPS} steps: {found['cpu'] * PUBLISHED_STEPS / 3600:.1f} h of processor time, extrapolated"
            print(f"{backbone} published fit, a step of {SHOTS}: {times}, peak {found['peak']:.0f} MB; {whole}", flush=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench encoders", description=__doc__)
    parser.add_argument("--backbones", nargs="+", default=["ViT-B-16", "ViT-L-14"])
    parser.add_argument("--what", nargs="+", choices=["import", "fit"], default=["import", "fit"])
    parser.add_argument("--form", default="quantised", choices=["full", "half", "factorised", "quantised"], help="of the task vectors")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--folder", type=Path, help="folder for temporary banks; default: the system's")
    parser.add_argument("--program", choices=list(PROGRAMS), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.program:
        found = PROGRAMS[options.program](options.backbones[0], options.folder, options.form)
        print(json.dumps(found | {"peak": memory.resident()["peak"]}))
        return
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="pav-encoders-") as folder:
        _measure_all(options, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
