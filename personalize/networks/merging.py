"""Merging of task vectors into a base model."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from personalize.networks.task_vectors import Block, Factors, Vector, Weights, blocks, check, whole_block


@torch.no_grad()
def merge_into(model: nn.Module, base: Weights, vectors: Sequence[Vector], coefficients: Float[Tensor, "blocks tasks"]) -> None:
    """Set the model's weights to the base plus task vectors, with one coefficient per block and task.

    theta[b] = base[b] + sum_t coefficients[b, t] * vector_t[b]

    A coefficient has no unit: 0 keeps the base, 1 adds the whole task vector, a negative one subtracts part or all of it. Rows follow the
    order of the model's blocks. `base` and `vectors` may be mapped from a file, and vectors factorised or quantised; they are not changed.
    Works block by block: needs memory for at most one block besides the model.

    Raises:
        IncompatibleTaskVector: base or a vector has other blocks than the model; the first such block is named.

    References:
        Yun & Choo, ECCV 2024; Ilharco et al., ICLR 2023.
    """
    own = blocks(model)
    for weights in (base, *vectors):
        check(weights, own)
    for row, (name, value) in enumerate(own.items()):
        value.copy_(base[name])
        for column, vector in enumerate(vectors):
            _add(value, vector[name], float(coefficients[row, column]))


def _add(value: Tensor, block: Block, coefficient: float) -> None:
    if coefficient == 0:
        return
    if isinstance(block, Factors) and value.is_contiguous():
        value.view(value.shape[0], -1).addmm_(block.left.float(), block.right.float(), alpha=coefficient)
    else:
        value.add_(whole_block(block), alpha=coefficient)


@torch.no_grad()
def put_weights(model: nn.Module, weights: Weights) -> None:
    """Copy merged blocks into a model, in place.

    Raises:
        IncompatibleTaskVector: the model has other blocks.
    """
    own = blocks(model)
    check(weights, own)
    for name, value in own.items():
        value.copy_(weights[name])
