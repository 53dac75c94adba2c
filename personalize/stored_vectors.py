"""How a task vector lies in a bank: each block as one array, or as the parts that it is made of."""

from collections.abc import Iterator

import numpy as np
import torch

from personalize.banks import Arrays
from personalize.task_vectors import Factors, Vector


def vector_of(arrays: Arrays, prefix: str) -> Vector:
    """The blocks of one task vector as they lie in a bank."""
    vector: Vector = {}
    for name, value in arrays.items():
        if not name.startswith(prefix):
            continue
        block, kind = name.removeprefix(prefix).rsplit("/", 1)
        if kind == "whole":
            vector[block] = torch.from_numpy(value)
        elif kind == "left":
            right, shape = arrays[f"{prefix}{block}/right"], arrays[f"{prefix}{block}/shape"]
            vector[block] = Factors(torch.from_numpy(value), torch.from_numpy(right), tuple(int(side) for side in shape))
    return vector


def vector_arrays(vector: Vector, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    """How one task vector lies in a bank."""
    for block, value in vector.items():
        if isinstance(value, Factors):
            yield f"{prefix}{block}/left", value.left.numpy()
            yield f"{prefix}{block}/right", value.right.numpy()
            yield f"{prefix}{block}/shape", np.array(value.shape)
        else:
            yield f"{prefix}{block}/whole", value.numpy()
