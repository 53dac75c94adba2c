"""Stored form of a projection: safetensors bytes."""

from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from personalize.errors import BadProjection
from personalize.files import banks
from personalize.numerics.learned_projections import Projection
from personalize.numerics.raw_features import Group, RawLayout

FORMAT = "pav-projection-1"


def to_bytes(projection: Projection) -> bytes:
    """The stored form; the matrix in half precision."""
    arrays = {
        "directions": np.array([projection.directions]),
        "centre": projection.centre.astype(np.float32),
        "matrix": projection.matrix.astype(np.float16),
    }
    return bytes(save(arrays, metadata={"format": FORMAT}))


def of_bytes(stored: bytes) -> Projection:
    """Read what `to_bytes` wrote.

    Raises:
        BadProjection: the bytes are something else.
    """
    try:
        arrays = load(stored)
        return Projection(int(arrays["directions"][0]), arrays["centre"], arrays["matrix"].astype(np.float32))
    except (SafetensorError, KeyError) as error:
        raise BadProjection(f"A stored projection cannot be read: {error}.") from error


def layout_of_bank(arrays: Mapping[str, np.ndarray]) -> RawLayout:
    """The raw vector of a bank: the groups of its projection, then the standardised score."""
    return RawLayout((Group("groups", len(banks.projection(arrays).centre), "columns"),))


def of_bank(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The stored form of a bank's own projection."""
    own = banks.projection(arrays)
    width = len(own.centre)
    matrix = np.zeros((width + 1, own.axes.shape[1] + 1), dtype=np.float32)
    matrix[:width, 1:], matrix[width, 0] = own.axes, 1
    return to_bytes(Projection(1, np.append(own.centre, 0.0).astype(np.float32), matrix))
