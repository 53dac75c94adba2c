"""A bank opened for work: everything in it mapped, nothing of it held until it is asked for. Needs torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor

from personalize.errors import BadBank
from personalize.files import backbones, banks
from personalize.files.banks import BankMetadata
from personalize.files.mapped_arrays import MappedArrays
from personalize.files.stored_vectors import StoredVector
from personalize.networks import merging, task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.task_vectors import Weights


@dataclass(frozen=True)
class Bank:
    """Base model, task vectors and small arrays of one bank."""

    metadata: BankMetadata
    arrays: Mapping[str, np.ndarray]  # all of them, `projection/...` and `hyperprior/...` among them; of a file, mapped
    vectors: dict[str, StoredVector]  # by task, in the metadata's order, which is that of the columns of `start`

    @property
    def holds_encoder(self) -> bool:
        """Whether the bank brings its encoder along; the base is the backbone's own otherwise, with the bank's head."""
        return any(name.startswith("base/encoder.") for name in self.arrays)

    @cached_property
    def start(self) -> Float[Tensor, "blocks tasks"]:
        """The starting coefficients: a row a block in the order of `base`."""
        return torch.from_numpy(self.arrays["start"].astype("float32"))

    @cached_property
    def base(self) -> Weights:
        """The base weights of every block, in the model's order: mapped where the bank holds its encoder, a copy in memory otherwise."""
        if self.holds_encoder:
            return StoredBase(self.arrays, tuple(task_vectors.blocks(backbones.empty(self.metadata.backbone))))
        return task_vectors.copied_blocks(self.scorer())

    def scorer(self) -> Scorer:
        """A scorer of its own with the base weights, in evaluation mode.

        Raises:
            BadBank: the bank's blocks are not those of its backbone; the first such block is named.
            MissingWeights: the bank holds no encoder, and the backbone's weights are not here.
        """
        if not self.holds_encoder:
            model = backbones.scorer(self.metadata.backbone)
            _fill(model, StoredBase(self.arrays, self._stored("base/")), self._stored("base/"))
            return model
        model = backbones.empty(self.metadata.backbone)
        _fill(model, self.base, tuple(self.base))
        for name in self._stored("buffers/"):
            model.get_buffer(name).copy_(torch.from_numpy(self.arrays[f"buffers/{name}"]))
        return model

    def merged(self, coefficients: Float[Tensor, "blocks tasks"]) -> Scorer:
        """A scorer of its own at the given coefficients; see `merging.merge_into`, which moves a scorer that is there already."""
        model = self.scorer()
        merging.merge_into(model, self.base, list(self.vectors.values()), coefficients)
        return model

    def one_hot(self, task: str) -> Float[Tensor, "blocks tasks"]:
        """The coefficients of a task's own fine-tuned model."""
        coefficients = torch.zeros_like(self.start)
        coefficients[:, list(self.vectors).index(task)] = 1
        return coefficients

    def _stored(self, prefix: str) -> tuple[str, ...]:
        return tuple(name.removeprefix(prefix) for name in self.arrays if name.startswith(prefix))


class StoredBase(Mapping[str, Tensor]):
    """Base weights of a bank, in single precision, in a given order."""

    def __init__(self, arrays: Mapping[str, np.ndarray], blocks: tuple[str, ...]) -> None:
        """Raises:
        BadBank: the bank lacks a block; it is named.
        """
        missing = [name for name in blocks if f"base/{name}" not in arrays]
        if missing:
            raise BadBank(f"The bank lacks the base weights of {missing[0]}.")
        self._arrays, self._blocks = arrays, blocks

    def __getitem__(self, block: str) -> Tensor:
        return torch.from_numpy(self._arrays[f"base/{block}"]).float()

    def __iter__(self) -> Iterator[str]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)


def open_bank(path: Path = banks.DEFAULT, *, check: bool = True) -> Bank:
    """Open the bank at `path`; with `check`, its file is read once from end to end and compared with its metadata.

    Raises:
        BadBank: missing, damaged, not the file that its metadata describe, or without a task's vector.
    """
    metadata = banks.read_metadata(path)
    if check:
        banks.check(path, metadata)
    return view(metadata, path)


def view(metadata: BankMetadata, path: Path) -> Bank:
    """The bank in a file, as its metadata describe it.

    Raises:
        BadBank: damaged, or without a task's vector.
    """
    try:
        arrays = MappedArrays(path)
    except (OSError, SafetensorError) as error:
        raise BadBank(f"{path} cannot be read: {error}.") from error
    bank = of_arrays(metadata, arrays)
    for task, vector in bank.vectors.items():
        if not vector:
            raise BadBank(f"{path} has no task vector for {task}, which its metadata name.")
    return bank


def of_arrays(metadata: BankMetadata, arrays: Mapping[str, np.ndarray]) -> Bank:
    """A bank of arrays as they lie in its file."""
    return Bank(metadata, arrays, {task: StoredVector(arrays, f"vectors/{task}/") for task in metadata.tasks})


@torch.no_grad()
def _fill(model: Scorer, weights: Weights, names: tuple[str, ...]) -> None:
    own = task_vectors.blocks(model)
    for name in names:
        if name not in own or own[name].shape != weights[name].shape:
            raise BadBank(f"The bank's base has a block {name} in a shape that its backbone does not know.")
        own[name].copy_(weights[name])
