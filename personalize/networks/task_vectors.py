"""Task vectors: the change of weights by fine-tuning on one dataset; whole, factorised or quantised.

tau_t[b] = theta_t[b] - theta_0[b] for every block b (a parameter that gets a gradient).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int8
from torch import Tensor, nn

from personalize.errors import IncompatibleTaskVector

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Factors:
    """A block of a task vector as left @ right, reshaped: the best approximation of this rank (Eckart & Young 1936)."""

    left: Float[Tensor, "out rank"]
    right: Float[Tensor, "rank in"]
    shape: tuple[int, ...]

    def whole(self) -> Tensor:
        return (self.left.float() @ self.right.float()).reshape(self.shape)


@dataclass(frozen=True)
class Quantised:
    """A block of a task vector in 8 bits per number: each output row is integers -127..127 times the row's scale."""

    values: Int8[Tensor, "out in"]
    scale: Float[Tensor, "out"]
    shape: tuple[int, ...]

    def whole(self) -> Tensor:
        return (self.values.float() * self.scale[:, None]).reshape(self.shape)


Block = Tensor | Factors | Quantised
Vector = Mapping[str, Block]


def blocks(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that a task vector changes, by name: all that get a gradient. They are the model's own, not copies."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def copied_blocks(model: nn.Module) -> dict[str, Tensor]:
    """Copies of the blocks, independent of later changes to the model."""
    return {name: value.detach().clone() for name, value in blocks(model).items()}


def difference(finetuned: Weights, base: Weights) -> dict[str, Tensor]:
    """The task vector of a fine-tuned model.

    Raises:
        IncompatibleTaskVector: the two differ in a block's name or shape; the first such block is named.
    """
    check(finetuned, base)
    return {name: finetuned[name] - base[name] for name in base}


def check(weights: Vector, base: Vector) -> None:
    """Check that both have the same blocks in the same shapes.

    Raises:
        IncompatibleTaskVector: names the first block that is missing, unexpected, or of another shape.
    """
    for name in base:
        if name not in weights:
            raise IncompatibleTaskVector(f"Block {name} of the base model is missing.")
        shape, expected = tuple(weights[name].shape), tuple(base[name].shape)
        if shape != expected:
            raise IncompatibleTaskVector(f"Block {name} has shape {shape}, the base has {expected}.")
    extra = [name for name in weights if name not in base]
    if extra:
        raise IncompatibleTaskVector(f"Block {extra[0]} is not in the base model.")


def factors(value: Tensor, rank: int) -> Block:
    """One block as the best approximation of its matrix of `rank`, in half precision, where that saves space.

    Convolutions count as matrices of (output channels, all other axes); vectors and depthwise convolutions stay whole, in half precision.
    """
    if not _saves(value, rank):
        return value.half()
    matrix = value.flatten(1).double()
    tall = matrix.shape[0] >= matrix.shape[1]
    if not tall:
        matrix = matrix.T
    # The leading singular vectors are eigenvectors of the smaller Gram matrix: several times faster than a full decomposition.
    directions = torch.linalg.eigh(matrix.T @ matrix).eigenvectors[:, -rank:].flip(1)
    along = matrix @ directions
    sizes = along.norm(dim=0)
    root = torch.where(sizes > 0, sizes, 1).sqrt()  # split between both factors, so that neither overflows half precision
    long, short = along / root, directions * root
    left, right = (long, short.T) if tall else (short, long.T)
    return Factors(left.half().contiguous(), right.half().contiguous(), tuple(value.shape))


def quantised(value: Tensor) -> Block:
    """One block in 8 bits per number where it is a matrix; vectors stay whole, in half precision."""
    if value.ndim < 2:
        return value.half()
    rows = value.flatten(1).float()
    scale = rows.abs().amax(dim=1) / 127
    steps = rows / torch.where(scale > 0, scale, 1)[:, None]
    return Quantised(steps.round().to(torch.int8), scale, tuple(value.shape))


def _saves(value: Tensor, rank: int) -> bool:
    if value.ndim < 2:
        return False
    rows = value.shape[0]
    columns = value.numel() // rows
    return rank * (rows + columns) < rows * columns


def whole_block(value: Block) -> Tensor:
    """One block as one tensor in single precision."""
    return value.float() if isinstance(value, Tensor) else value.whole()


def whole(vector: Vector) -> dict[str, Tensor]:
    """Every block as one tensor in single precision."""
    return {name: whole_block(value) for name, value in vector.items()}
