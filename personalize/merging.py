"""Adding task vectors to a base model."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from personalize.task_vectors import Weights, blocks, check


@torch.no_grad()
def merge(base: Weights, vectors: Sequence[Weights], coefficients: Float[Tensor, "blocks tasks"]) -> dict[str, Tensor]:
    """Add task vectors to the base weights, one coefficient per block and task.

    theta[b] = base[b] + sum_t coefficients[b, t] * vector_t[b]

    A coefficient has no unit: 0 leaves the base, 1 adds the whole task vector, a negative one unlearns it.
    Rows follow the order of `base`. `base` and `vectors` are not changed.

    Raises:
        IncompatibleTaskVector: a vector lacks a block of `base` or differs in shape; the first such block is named.

    References:
        Yun & Choo, ECCV 2024; Ilharco et al., ICLR 2023.
    """
    for vector in vectors:
        check(vector, base)
    merged = {name: value.clone() for name, value in base.items()}
    for row, (name, value) in enumerate(merged.items()):
        for column, vector in enumerate(vectors):
            value.add_(vector[name], alpha=float(coefficients[row, column]))
    return merged


@torch.no_grad()
def put_weights(model: torch.nn.Module, weights: Weights) -> None:
    """Write merged blocks into a model, in place.

    Raises:
        IncompatibleTaskVector: the model has other blocks.
    """
    own = blocks(model)
    check(weights, own)
    for name, value in own.items():
        value.copy_(weights[name])
