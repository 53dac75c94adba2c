"""Opened banks: memory-mapped arrays and task vectors, loaded on access. Needs torch."""

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
    arrays: Mapping[str, np.ndarray]  # all, including `projection/...` and `hyperprior/...`; mapped if read from a file
    vectors: dict[str, StoredVector]  # by task, in the order of the metadata and of the columns of `start`

    @property
    def holds_encoder(self) -> bool:
        """Whether the bank contains its encoder; otherwise the base is the backbone's encoder with the bank's head."""
        return any(name.startswith("base/encoder.") for name in self.arrays)

    @cached_property
    def start(self) -> Float[Tensor, "blocks tasks"]:
        """The starting coefficients: one row per block, in the order of `base`. None at all without task vectors."""
        if not self.vectors:
            return torch.zeros(0, 0)
        return torch.from_numpy(self.arrays["start"].astype("float32"))

    @cached_property
    def base(self) -> Weights:
        """The base weights of every block, in the model's order: mapped if the bank contains its encoder, else a copy in memory."""
        if self.holds_encoder:
            return StoredBase(self.arrays, tuple(task_vectors.blocks(backbones.empty(self.metadata.backbone))))
        return task_vectors.copied_blocks(self.scorer())

    def scorer(self) -> Scorer:
        """A new scorer with the base weights, in evaluation mode.

        Raises:
            BadBank: the bank's blocks are not those of its backbone; the message names the first such block.
            MissingWeights: the bank contains no encoder, and the backbone's weights are missing.
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
        """A new scorer at the given coefficients; see `merging.merge_into` for an existing scorer."""
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
        BadBank: the bank lacks a block; the message names it.
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
    """Open the bank at `path`; with `check`, read the whole file once and compare it with the metadata.

    Raises:
        BadBank: the file is missing, damaged, not the one in the metadata, or lacks a task vector.
    """
    metadata = banks.read_metadata(path)
    if check:
        banks.check(path, metadata)
    return view(metadata, path)


def view(metadata: BankMetadata, path: Path) -> Bank:
    """The bank in a file, given its metadata.

    Raises:
        BadBank: the file is damaged, or lacks a task vector.
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
    """A bank of arrays that are named as in its file."""
    return Bank(metadata, arrays, {task: StoredVector(arrays, f"vectors/{task}/") for task in metadata.tasks})


@torch.no_grad()
def _fill(model: Scorer, weights: Weights, names: tuple[str, ...]) -> None:
    own = task_vectors.blocks(model)
    for name in names:
        if name not in own or own[name].shape != weights[name].shape:
            raise BadBank(f"The bank's base has a block {name} that its backbone does not have in this shape.")
        own[name].copy_(weights[name])
