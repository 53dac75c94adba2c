"""The state of a training run on disk: one safetensors file, replaced as a whole, so a killed run leaves the last whole one.

Holds the model, the moments of AdamW and the best weights so far, by parameter name, and in the header what the run is and how far it got.
Nothing random needs keeping: what is drawn depends on the seed and the step alone.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from personalize.errors import BadBank
from personalize.files import tensor_files
from personalize.networks.task_vectors import blocks

FORMAT = "pav-run-1"
MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass
class Progress:
    """How far a run is."""

    epoch: int = 0  # of the step that comes next, from 0
    step: int = 0  # within the epoch
    best_epoch: int = 0  # from 1; 0 before the first validation
    best_srocc: float = -2.0


def save(path: Path, what: dict[str, Any], progress: Progress, model: torch.nn.Module, optimizer: Any, best: dict[str, Tensor]) -> None:
    """Write the state; `what` names all that must be the same when the run goes on."""
    tensors = {f"model/{name}": value.detach().cpu().contiguous() for name, value in blocks(model).items()}
    tensors |= {f"best/{name}": value.cpu().contiguous() for name, value in best.items()}
    for name, value in blocks(model).items():
        for moment, kept in optimizer.state.get(value, {}).items():
            tensors[f"{moment}/{name}"] = torch.as_tensor(kept).detach().cpu().clone().contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"format": FORMAT, "what": json.dumps(what), "progress": json.dumps(vars(progress))})
    partial.replace(path)


def load(path: Path, what: dict[str, Any], model: torch.nn.Module, optimizer: Any) -> tuple[Progress, dict[str, Tensor]]:
    """Put the state back into a model and an optimizer just made; how far the run was, and its best weights.

    Raises:
        BadBank: missing, damaged, or the state of another run; what differs is named.
    """
    metadata, tensors = tensor_files.read(path, FORMAT, "Train without --resume to begin anew.")
    before = json.loads(metadata["what"])
    for name, value in what.items():
        if before.get(name) != value:
            raise BadBank(f"{path} is of a run with {name} {before.get(name)!r}, not {value!r}. Train without --resume to begin anew.")
    with torch.no_grad():
        for name, value in blocks(model).items():
            value.copy_(tensors[f"model/{name}"])
            kept = {moment: tensors[f"{moment}/{name}"].to(value.device) for moment in MOMENTS if f"{moment}/{name}" in tensors}
            if kept:
                optimizer.state[value] = {"step": tensors[f"step/{name}"], **kept}
    best = {name.removeprefix("best/"): value for name, value in tensors.items() if name.startswith("best/")}
    return Progress(**json.loads(metadata["progress"])), best
