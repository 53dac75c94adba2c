"""Task vectors: what fine-tuning on one database changed, whole or as a product of two thin matrices.

tau_t[b] = theta_t[b] - theta_0[b] for every block b (a parameter that gets a gradient).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from personalize.errors import IncompatibleTaskVector

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Factors:
    """A block of a task vector as left @ right, reshaped: the best approximation of its rank (Eckart & Young 1936)."""

    left: Float[Tensor, "out rank"]
    right: Float[Tensor, "rank in"]
    shape: tuple[int, ...]

    def whole(self) -> Tensor:
        return (self.left.float() @ self.right.float()).reshape(self.shape)


Vector = dict[str, "Tensor | Factors"]


def blocks(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that a task vector moves, by name: every parameter that gets a gradient. They are the model's own, not copies."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def copied_blocks(model: nn.Module) -> dict[str, Tensor]:
    """The same as they are now, whatever becomes of the model."""
    return {name: value.detach().clone() for name, value in blocks(model).items()}


def difference(finetuned: Weights, base: Weights) -> dict[str, Tensor]:
    """The task vector of a fine-tuned model.

    Raises:
        IncompatibleTaskVector: the two differ in a block's name or shape; the first such block is named.
    """
    check(finetuned, base)
    return {name: finetuned[name] - base[name] for name in base}


def check(weights: Weights, base: Weights) -> None:
    """Both have the same blocks in the same shapes.

    Raises:
        IncompatibleTaskVector: names the first block that is missing, too many, or of another shape.
    """
    for name in base:
        if name not in weights:
            raise IncompatibleTaskVector(f"Block {name} of the base model is missing.")
        if weights[name].shape != base[name].shape:
            raise IncompatibleTaskVector(f"Block {name} has shape {tuple(weights[name].shape)}, the base has {tuple(base[name].shape)}.")
    extra = [name for name in weights if name not in base]
    if extra:
        raise IncompatibleTaskVector(f"Block {extra[0]} is not in the base model.")


def factorise(vector: Weights, rank: int) -> Vector:
    """Replace each matrix by its best approximation of `rank`, in half precision, where that saves space.

    Convolutions count as matrices of (output channels, all else); vectors and depthwise convolutions stay whole, in half precision.
    """
    return {name: _factors(value, rank) if _saves(value, rank) else value.half() for name, value in vector.items()}


def _saves(value: Tensor, rank: int) -> bool:
    if value.ndim < 2:
        return False
    rows = value.shape[0]
    columns = value.numel() // rows
    return rank * (rows + columns) < rows * columns


def _factors(value: Tensor, rank: int) -> Factors:
    left, sizes, right = torch.linalg.svd(value.flatten(1).double(), full_matrices=False)
    root = sizes[:rank].sqrt()  # shared by both sides, so that neither overflows half precision
    return Factors((left[:, :rank] * root).half().contiguous(), (root[:, None] * right[:rank]).half().contiguous(), tuple(value.shape))


def whole(vector: Vector) -> dict[str, Tensor]:
    """Every block as one tensor in single precision."""
    return {name: value.whole() if isinstance(value, Factors) else value.float() for name, value in vector.items()}
