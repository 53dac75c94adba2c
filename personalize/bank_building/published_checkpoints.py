"""Reader of the checkpoints that Yun & Choo (ECCV 2024) published. Needs torch.

Each is a PyTorch file with a dict, whose key `model` contains `backbone.*` (a whole OpenCLIP model, of which PAV keeps the image tower) and
`score_predictor.projection.{0,3}.{weight,bias}`. Beside it there may be the options of the training run (`argparse.Namespace`) and the
state of its optimiser. The last word of the file name is the dataset.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from personalize.errors import BadCheckpoint, IncompatibleTaskVector
from personalize.files import weight_files
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer

DATASETS = {"ava": "AVA", "aes": "FLICKR-AES", "tad": "TAD66K", "para": "PARA", "koniq": "KonIQ-10k", "spaq": "SPAQ"}  # by file name
ENCODER, HEAD = "backbone.visual.", "score_predictor.projection."
OTHER = "Was it fine-tuned from another --backbone?"
TEXT = ("transformer.", "text", "token_embedding.", "positional_embedding", "ln_final.", "logit_scale", "logit_bias", "attn_mask")


def task_names(files: Sequence[str]) -> dict[str, Path]:
    """Files by task: named by the last word of the file name (`clip_L_3fc_ava.pth` is `ava`), or explicitly, as `NAME=FILE`.

    Raises:
        BadCheckpoint: two files have the same name, or a file does not exist.
    """
    named: dict[str, Path] = {}
    for given in files:
        name, _, file = given.rpartition("=")
        path = Path(file)
        task = name or path.stem.rsplit("_", 1)[-1]
        if not task or "/" in task:
            raise BadCheckpoint(f"{task!r} is not a valid name of a task: use letters, digits, - and _.")
        if task in named:
            raise BadCheckpoint(f"{named[task]} and {path} are both named {task}: name them with NAME=FILE.")
        if not path.is_file():
            raise BadCheckpoint(f"There is no file {path}.")
        named[task] = path
    return named


def aligned(held: Mapping[str, Tensor], base: Scorer, path: Path) -> dict[str, Tensor]:
    """A checkpoint's tensors by PAV's names of blocks, in PAV's order, without text tower and temperature.

    Raises:
        IncompatibleTaskVector: a key is missing, unknown, of another shape or not finite, or a buffer differs from the base; names the
            first one.
    """
    found = {name: value for key, value in held.items() if (name := _block_name(key, path))}
    own, others = task_vectors.blocks(base), buffers(base)
    for name, value in (own | others).items():
        if name not in found:
            raise IncompatibleTaskVector(f"{path} lacks {their_name(name)}. {OTHER}")
        if found[name].shape != value.shape:
            shapes = f"{tuple(found[name].shape)}, the base has {tuple(value.shape)}"
            raise IncompatibleTaskVector(f"{path}: {their_name(name)} has shape {shapes}. {OTHER}")
    for name, value in others.items():
        if not name.endswith("num_batches_tracked") and not torch.equal(found[name], value):
            raise IncompatibleTaskVector(f"{path}: {their_name(name)} differs from the base, but a task vector changes parameters only.")
    unknown = [name for name in found if name not in own and name not in others]
    if unknown:
        raise IncompatibleTaskVector(f"{path} has {their_name(unknown[0])}, which the base does not have. {OTHER}")
    for name in own:
        if not bool(torch.isfinite(found[name]).all()):
            raise IncompatibleTaskVector(f"{path}: {their_name(name)} contains numbers that are not finite.")
    return {name: found[name] for name in own}


def buffers(base: Scorer) -> dict[str, Tensor]:
    """Tensors of a weights file that are not blocks: statistics of batch norms."""
    own = task_vectors.blocks(base)
    return {name: value for name, value in base.state_dict().items() if name not in own}


def _block_name(key: str, path: Path) -> str | None:
    if key.startswith(ENCODER):
        return f"encoder.{key.removeprefix(ENCODER)}"
    if key.startswith(HEAD):
        return f"head.{key.removeprefix(HEAD)}"
    if key.startswith("backbone.") and key.removeprefix("backbone.").startswith(TEXT):
        return None
    raise IncompatibleTaskVector(f"{path} has {key}, which belongs to neither the image tower, the text tower nor the head.")


def their_name(name: str) -> str:
    """The key of a block or a buffer in a published checkpoint."""
    part, _, rest = name.partition(".")
    return f"{ENCODER if part == 'encoder' else HEAD}{rest}"


@torch.no_grad()
def put_mean_head(base: Scorer, checkpoints: Mapping[str, Path]) -> None:
    """Set the base's head to the mean of the task heads. Checks all checkpoints before the bank is written.

    Raises:
        IncompatibleTaskVector: see `aligned`.
    """
    sums: dict[str, Tensor] = {}
    for path in checkpoints.values():
        for name, value in aligned(weight_files.read(path), base, path).items():
            if name.startswith("head."):
                sums[name] = sums.get(name, torch.zeros(())) + value.double() / len(checkpoints)
    for name, value in base.head.named_parameters(prefix="head"):
        value.copy_(sums[name])
