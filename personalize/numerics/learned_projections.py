"""Projection of raw vectors to features, learned from a catalogue, and the map between the features of two projections. NumPy only."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from personalize.errors import BadProjection
from personalize.numerics.raw_features import RawLayout

FEATURES = 256
RIDGE = 1e-4  # of the mean square of a feature


@dataclass(frozen=True)
class Projection:
    """Linear map: (raw - centre) @ matrix."""

    directions: int  # the first places: the generic score, then the task heads
    centre: Float[np.ndarray, "raw"]
    matrix: Float[np.ndarray, "raw features"]

    def apply(self, raw: Float[np.ndarray, "photos other"]) -> Float[np.ndarray, "photos features"]:
        """The features of photos.

        Raises:
            BadProjection: the raw vectors have another length.
        """
        if raw.shape[1] != len(self.centre):
            raise BadProjection(f"Raw vectors have {raw.shape[1]} numbers, but this projection takes {len(self.centre)}.")
        return ((raw - self.centre) @ self.matrix).astype(np.float32)


def learn(
    batches: Callable[[], Iterable[Float[np.ndarray, "photos raw"]]], layout: RawLayout, heads: Float[np.ndarray, "heads raw"]
) -> Projection:
    """Learn from a catalogue: the heads first, each with SD 1, then principal axes with a mean square length of 1.

    Raises:
        BadProjection: there are too few photos, all are alike, a raw vector has another length, or a number is not finite.
    """
    raw = np.concatenate(list(batches()))
    if raw.shape[1] != layout.width:
        raise BadProjection(f"Raw vectors have {raw.shape[1]} numbers, but the bank's extractors give {layout.width}.")
    if not np.isfinite(raw).all():
        raise BadProjection("A raw vector has numbers that are not finite.")
    centre = raw.mean(axis=0)
    centred = raw - centre
    scores = centred @ heads.T
    if (centred.std(axis=0) < 1e-6).all() or (scores.std(axis=0) == 0).any():
        raise BadProjection(f"The {len(raw)} photos are all alike, so a projection cannot tell them apart.")
    first = heads.T / scores.std(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[: FEATURES - len(heads)].T
    axes = axes / np.sqrt(((centred @ axes) ** 2).sum(axis=1).mean())
    matrix = np.zeros((layout.width, FEATURES))
    matrix[:, : len(heads)], matrix[:, len(heads) : len(heads) + axes.shape[1]] = first, axes
    return Projection(len(heads), centre.astype(np.float32), matrix.astype(np.float32))


class CarryOver:
    """Least-squares map from weights in the old features to weights in the new ones, accumulated batch by batch."""

    def __init__(self) -> None:
        self._new = np.zeros((FEATURES, FEATURES))
        self._cross = np.zeros((FEATURES, FEATURES))

    def add(self, new: Float[np.ndarray, "photos features"], old: Float[np.ndarray, "photos features"]) -> None:
        """Add the features of the same photos in both projections."""
        new, old = new.astype(np.float64), old.astype(np.float64)
        self._new += new.T @ new
        self._cross += new.T @ old

    def matrix(self) -> Float[np.ndarray, "features features"]:
        """M with new weights = M @ old weights; zeros without photos."""
        ridge = RIDGE * np.trace(self._new) / FEATURES or 1.0
        return np.linalg.solve(self._new + ridge * np.eye(FEATURES), self._cross)
