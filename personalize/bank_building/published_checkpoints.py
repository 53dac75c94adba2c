"""The checkpoints that Yun & Choo (ECCV 2024) published, as they lie in their files. Needs torch.

Each is a PyTorch file, a dict whose key `model` holds `backbone.*` (a whole OpenCLIP model, of which the image tower is kept) and
`score_predictor.projection.{0,3}.{weight,bias}`. They name their dataset by the last word of the file's name.
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
TEXT = ("transformer.", "text", "token_embedding.", "positional_embedding", "ln_final.", "logit_scale", "logit_bias", "attn_mask")


def task_names(files: Sequence[str]) -> dict[str, Path]:
    """Tasks by the last word of their files' names: `clip_L_3fc_ava.pth` is `ava`; or as given, `NAME=FILE`.

    Raises:
        BadCheckpoint: two files of one name, or a file that is not there.
    """
    named: dict[str, Path] = {}
    for given in files:
        name, _, file = given.rpartition("=")
        path = Path(file)
        task = name or path.stem.rsplit("_", 1)[-1]
        if not task or "/" in task:
            raise BadCheckpoint(f"{task!r} is no name for a task: letters, digits, - and _ make one.")
        if task in named:
            raise BadCheckpoint(f"{named[task]} and {path} are both named {task}: tell them apart with NAME=FILE.")
        if not path.is_file():
            raise BadCheckpoint(f"There is no file {path}.")
        named[task] = path
    return named


def aligned(held: Mapping[str, Tensor], base: Scorer, path: Path) -> dict[str, Tensor]:
    """A checkpoint's tensors by the names of our blocks, in our order; text tower and temperature are left out.

    Raises:
        IncompatibleTaskVector: the first key that is missing, unknown, of another shape, or that no task vector can carry.
    """
    found = {name: value for key, value in held.items() if (name := _our_name(key, path))}
    own, others = task_vectors.blocks(base), buffers(base)
    for name, value in (own | others).items():
        if name not in found:
            raise IncompatibleTaskVector(f"{path} lacks {their_name(name)}.")
        if found[name].shape != value.shape:
            shapes = f"{tuple(found[name].shape)}, the base has {tuple(value.shape)}"
            raise IncompatibleTaskVector(f"{path}: {their_name(name)} has shape {shapes}.")
    for name, value in others.items():
        if not name.endswith("num_batches_tracked") and not torch.equal(found[name], value):
            raise IncompatibleTaskVector(f"{path}: {their_name(name)} differs from the base, and a task vector moves parameters alone.")
    unknown = [name for name in found if name not in own and name not in others]
    if unknown:
        raise IncompatibleTaskVector(f"{path} has {their_name(unknown[0])}, which the base has not.")
    return {name: found[name] for name in own}


def buffers(base: Scorer) -> dict[str, Tensor]:
    """What a weights file brings beside the blocks: statistics of batch norms."""
    own = task_vectors.blocks(base)
    return {name: value for name, value in base.state_dict().items() if name not in own}


def _our_name(key: str, path: Path) -> str | None:
    if key.startswith(ENCODER):
        return f"encoder.{key.removeprefix(ENCODER)}"
    if key.startswith(HEAD):
        return f"head.{key.removeprefix(HEAD)}"
    if key.startswith("backbone.") and key.removeprefix("backbone.").startswith(TEXT):
        return None
    raise IncompatibleTaskVector(f"{path} has {key}, which is neither of the image tower, of the text tower nor of the head.")


def their_name(name: str) -> str:
    """The key of a block, or of a statistic, in a published checkpoint."""
    part, _, rest = name.partition(".")
    return f"{ENCODER if part == 'encoder' else HEAD}{rest}"


@torch.no_grad()
def put_mean_head(base: Scorer, checkpoints: Mapping[str, Path]) -> None:
    """Give the base the mean of the task heads. All checkpoints are checked on the way (see `aligned`), before anything is written."""
    sums: dict[str, Tensor] = {}
    for path in checkpoints.values():
        for name, value in aligned(weight_files.read(path), base, path).items():
            if name.startswith("head."):
                sums[name] = sums.get(name, torch.zeros(())) + value.double() / len(checkpoints)
    for name, value in base.head.named_parameters(prefix="head"):
        value.copy_(sums[name])
