"""Storage of task vectors in a bank: each block as one array, or as several parts.

`<prefix><block>/whole`, or `/left` `/right` `/shape` of factors, or `/values` `/scale` `/shape` of a quantised block.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from personalize.files.mapped_arrays import Planned
from personalize.networks.task_vectors import Block, Factors, Quantised, Vector

PARTS = {"whole": ("whole",), "left": ("left", "right", "shape"), "values": ("values", "scale", "shape")}  # by the first part


class StoredVector(Mapping[str, Block]):
    """One task vector of a bank; blocks are created on access, without copying the bank's data."""

    def __init__(self, arrays: Mapping[str, np.ndarray], prefix: str) -> None:
        self._arrays, self._prefix = arrays, prefix
        self._parts: dict[str, tuple[str, ...]] = {}
        for name in arrays:
            if name.startswith(prefix):
                block, part = name.removeprefix(prefix).rsplit("/", 1)
                if part in PARTS:
                    self._parts[block] = PARTS[part]

    def __getitem__(self, block: str) -> Block:
        first, *others = self._parts[block]
        smaller = [self._part(block, name) for name in others]
        largest = self._part(block, first)  # last, so that its pages are released on access to the next block
        if first == "whole":
            return largest
        kind = Factors if first == "left" else Quantised
        return kind(largest, smaller[0], tuple(int(side) for side in smaller[1]))

    def _part(self, block: str, name: str) -> Tensor:
        return torch.from_numpy(self._arrays[f"{self._prefix}{block}/{name}"])

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def vector_arrays(vector: Vector, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays that one task vector is stored as, with their names."""
    for block, value in vector.items():
        for part, tensor in parts(value):
            yield f"{prefix}{block}/{part}", tensor.numpy()


def parts(value: Block) -> Iterator[tuple[str, Tensor]]:
    """The parts that one block is stored as, with their names."""
    if isinstance(value, Tensor):
        yield "whole", value
    elif isinstance(value, Factors):
        yield from (("left", value.left), ("right", value.right), ("shape", torch.tensor(value.shape)))
    else:
        yield from (("values", value.values), ("scale", value.scale), ("shape", torch.tensor(value.shape)))


def planned_parts(value: Block) -> Iterator[tuple[str, Planned]]:
    """Type and shape of the arrays that one block is stored as; `value` may be on torch's meta device."""
    for part, tensor in parts(value):
        yield part, (torch.empty(0, dtype=tensor.dtype).numpy().dtype, tuple(tensor.shape))


def form_of(vector: Vector) -> str:
    """How the matrices of a task vector are stored: full, half, factorised or quantised."""
    kinds = {type(value) for value in vector.values()}
    if Quantised in kinds:
        return "quantised"
    if Factors in kinds:
        return "factorised"
    return "half" if all(isinstance(value, Tensor) and value.dtype == torch.float16 for value in vector.values()) else "full"
