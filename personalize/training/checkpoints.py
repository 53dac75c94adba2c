"""Fine-tuned models on disk: one safetensors file each, with its training record inside."""

import json
from pathlib import Path

from safetensors.torch import save_file

from personalize.files import tensor_files
from personalize.training.train import Trained

FORMAT = "pav-task-1"


def save(trained: Trained, path: Path) -> None:
    """Write the blocks of a fine-tuned scorer; an existing file is replaced only once the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    weights = {name: value.contiguous() for name, value in trained.weights.items()}
    save_file(weights, partial, metadata={"format": FORMAT, "record": json.dumps(trained.record)})
    partial.replace(path)


def load(path: Path) -> Trained:
    """Read what `save` wrote.

    Raises:
        BadBank: the file is missing, damaged or of another format.
    """
    metadata, weights = tensor_files.read(path, FORMAT, "Make it with ./pav train_task_vector.")
    return Trained(weights, json.loads(metadata["record"]))
