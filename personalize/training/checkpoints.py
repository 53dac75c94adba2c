"""What training leaves on the disk, a safetensors file each: fine-tuned models, and the state of a run that is not at its end.

A file is replaced as a whole, so a killed run leaves the last whole one. The state holds the model, the moments of AdamW and the best
weights so far, by parameter name, and in the header what the run is and how far it got. Nothing random needs keeping: what is drawn depends
on the seed and the step alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Required, TypedDict

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from personalize.errors import BadCheckpoint
from personalize.files import atomic_files
from personalize.files.banks import Origin
from personalize.networks.task_vectors import blocks

FORMAT = "pav-task-1"
STATE_FORMAT = "pav-run-1"
MOMENTS = ("exp_avg", "exp_avg_sq")
ANEW = "Train without --resume to begin anew."


class RunFacts(TypedDict):
    """What a run is: all that must be the same when it goes on. The names are keys in files."""

    database: str
    protocol: str
    backbone: str
    recipe: dict[str, float]


class Record(Origin, total=False):
    """How a model was fine-tuned, and how it did. The names are keys in files."""

    backbone: Required[str]
    protocol: str
    recipe: dict[str, float]
    about: str
    pav_version: str
    photos: dict[str, int]  # by split
    processes: int
    epoch: int
    validation_srocc: float
    test_srocc: float
    test_plcc: float


@dataclass(frozen=True)
class Trained:
    """A fine-tuned model and how it did."""

    weights: dict[str, Tensor]  # the blocks of the fine-tuned scorer
    record: Record


@dataclass
class RunProgress:
    """How far a run is."""

    epoch: int = 0  # of the step that comes next, from 0
    step: int = 0  # within the epoch
    best_epoch: int = 0  # from 1; 0 before the first validation
    best_srocc: float = -2.0


def save(trained: Trained, path: Path) -> None:
    """Write the blocks of a fine-tuned scorer."""
    _write(path, trained.weights, FORMAT, {"record": json.dumps(trained.record)})


def load(path: Path) -> Trained:
    """Read what `save` wrote.

    Raises:
        BadCheckpoint: the file is missing, damaged or of another format.
    """
    metadata, weights = _read(path, FORMAT, "Make it with ./pav train_task_vector.")
    return Trained(weights, json.loads(metadata["record"]))


def save_state(
    path: Path, run: RunFacts, progress: RunProgress, model: torch.nn.Module, optimizer: torch.optim.Optimizer, best: Mapping[str, Tensor]
) -> None:
    """Write the state of a run."""
    tensors = {f"model/{name}": value.detach().cpu() for name, value in blocks(model).items()}
    tensors |= {f"best/{name}": value.cpu() for name, value in best.items()}
    for name, value in blocks(model).items():
        for moment, kept in optimizer.state.get(value, {}).items():
            tensors[f"{moment}/{name}"] = torch.as_tensor(kept).detach().cpu().clone()
    _write(path, tensors, STATE_FORMAT, {"what": json.dumps(run), "progress": json.dumps(vars(progress))})


def load_state(
    path: Path, run: RunFacts, model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[RunProgress, dict[str, Tensor]]:
    """Put the state back into a model and an optimizer just made; how far the run was, and its best weights.

    Raises:
        BadCheckpoint: missing, damaged, or the state of another run; what differs is named.
    """
    metadata, tensors = _read(path, STATE_FORMAT, ANEW)
    before: dict[str, object] = json.loads(metadata["what"])
    for name, value in run.items():
        if before.get(name) != value:
            raise BadCheckpoint(f"{path} is of a run with {name} {before.get(name)!r}, not {value!r}. {ANEW}")
    with torch.no_grad():
        for name, block in blocks(model).items():
            block.copy_(tensors[f"model/{name}"])
            kept = {moment: tensors[f"{moment}/{name}"].to(block.device) for moment in MOMENTS if f"{moment}/{name}" in tensors}
            if kept:
                optimizer.state[block] = {"step": tensors[f"step/{name}"], **kept}
    best = {name.removeprefix("best/"): value for name, value in tensors.items() if name.startswith("best/")}
    return RunProgress(**json.loads(metadata["progress"])), best


def _write(path: Path, tensors: Mapping[str, Tensor], file_format: str, metadata: Mapping[str, str]) -> None:
    with atomic_files.replacing(path) as partial:
        save_file({name: value.contiguous() for name, value in tensors.items()}, partial, metadata={"format": file_format, **metadata})


def _read(path: Path, file_format: str, advice: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What the file's header says, and its tensors by name.

    Raises:
        BadCheckpoint: missing or damaged, with the `advice` what to do; or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise BadCheckpoint(f"{path} cannot be read: {error}. {advice}") from error
    if metadata.get("format") != file_format:
        raise BadCheckpoint(f"{path} has format {metadata.get('format')!r}, expected {file_format!r}.")
    return metadata, tensors
