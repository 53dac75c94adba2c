"""Projection of a photo's raw features (score, tangents, embeddings) to the 256 stored features.

Each raw number is centred and divided by its group's scale over the catalogue; the result is projected onto the leading principal axes.
The bank fixes the projection, so that the features of all photos are comparable, whenever they are extracted. NumPy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SHARES = {"tangents": 0.2, "merged": 0.4, "plain": 0.4}  # of the features' mean square length
FEATURES = 256  # place 0 is the standardised score; 255 projected numbers follow

Raw = Mapping[str, Float[np.ndarray, "photos numbers"]]


@dataclass(frozen=True)
class Projection:
    """Catalogue statistics and axes; the raw groups are concatenated in the order of `groups`."""

    groups: tuple[str, ...]
    score_mean: float
    score_std: float
    centre: Float[np.ndarray, "raw"]
    axes: Float[np.ndarray, "raw axes"]  # group scales included

    def apply(self, score: Float[np.ndarray, "photos"], raw: Raw) -> Float[np.ndarray, "photos features"]:
        """The stored features of photos; the projected part has a mean square length of about 1 over the catalogue."""
        joined = np.concatenate([raw[group] for group in self.groups], axis=1) - self.centre
        standard = (score - self.score_mean) / self.score_std
        return np.concatenate([standard[:, None], joined @ self.axes], axis=1).astype(np.float32)


def learn(score: Float[np.ndarray, "photos"], raw: Raw, shares: Mapping[str, float]) -> Projection:
    """Learn the projection of a catalogue from its principal axes.

    `shares` is the share of the mean square length that each group gets; they sum to 1.
    """
    groups = tuple(shares)
    centres, scales = [], []
    for group in groups:
        centre = raw[group].mean(axis=0)
        length = np.sqrt(((raw[group] - centre) ** 2).sum(axis=1).mean())
        centres.append(centre)
        scales.append(np.full(len(centre), np.sqrt(shares[group]) / length))
    centre, scale = np.concatenate(centres), np.concatenate(scales)
    scaled = (np.concatenate([raw[group] for group in groups], axis=1) - centre) * scale
    _, _, axes = np.linalg.svd(scaled, full_matrices=False)
    axes = axes[: FEATURES - 1]
    if len(axes) < FEATURES - 1:  # a catalogue of fewer photos spans fewer axes
        axes = np.concatenate([axes, np.zeros((FEATURES - 1 - len(axes), axes.shape[1]))])
    return Projection(groups, float(score.mean()), float(score.std()), centre, (axes * scale).T)
