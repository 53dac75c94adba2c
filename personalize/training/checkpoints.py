"""Checkpoints of training, as safetensors files: fine-tuned models, and the state of unfinished runs.

Files are replaced atomically, so a killed run leaves its last complete state. The state contains the model, the moments of AdamW and the
best weights so far, by parameter name; its header contains the facts and the progress of the run. It needs no state of random generators,
because every draw depends on the seed and the step only.
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
START_OVER = "Train without --resume to start over."


class RunFacts(TypedDict):
    """Identity of a run: everything that must be the same when it is resumed. The names are keys in files."""

    dataset: str
    protocol: str
    backbone: str
    recipe: dict[str, float]


class Record(Origin, total=False):
    """How a model was fine-tuned, and its accuracy. The names are keys in files."""

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
    """A fine-tuned model and its record."""

    weights: dict[str, Tensor]  # the blocks of the fine-tuned scorer
    record: Record


@dataclass
class RunProgress:
    """Progress of a run."""

    epoch: int = 0  # of the next step, from 0
    step: int = 0  # the next step, within the epoch
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
    metadata, weights = _read(path, FORMAT, "Create it with ./pav train_task_vector.")
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
    """Restore the state into a new model and a new optimizer. Returns the progress of the run and its best weights.

    Raises:
        BadCheckpoint: missing, damaged, or the state of another run; the message names what differs.
    """
    metadata, tensors = _read(path, STATE_FORMAT, START_OVER)
    before: dict[str, object] = json.loads(metadata["what"])
    before.setdefault("dataset", before.get("database"))  # its earlier name
    for name, value in run.items():
        if before.get(name) != value:
            raise BadCheckpoint(f"{path} is of a run with {name} {before.get(name)!r}, not {value!r}. {START_OVER}")
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
    """Metadata of the file's header, and its tensors by name.

    Raises:
        BadCheckpoint: missing or damaged, with `advice` on what to do; or of another format.
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
