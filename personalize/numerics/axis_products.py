"""Products of two principal axes: what features know of photos beyond a weighted sum of raw features. NumPy only.

Who likes sunsets over water, but neither alone, has a taste that is no weighted sum of what networks see. The place of a photo on the
leading axes of its catalogue is z; its products are z_i z_j / |z| for all i < j, so that they grow as z does, not as its square, and a
photo far from all others stays in proportion. docs/decisions/taste-model.md has what they gain, and the kernels tried before.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

AXES = 64
SHARE = 0.25  # of the mean square length of the features; the rest belongs to raw features
LEAST_LENGTH = 1e-12  # of a photo's place; that of a photo in the middle of its catalogue is 0


@dataclass(frozen=True)
class AxisProducts:
    """The part of a projection that is not linear: (products - centre) @ matrix, with the place of a photo (raw - mean raw) @ axes."""

    axes: Float[np.ndarray, "raw axes"]
    centre: Float[np.ndarray, "products"]  # the mean over the catalogue
    matrix: Float[np.ndarray, "products features"]

    def features(self, shifted: Float[np.ndarray, "photos raw"]) -> Float[np.ndarray, "photos features"]:
        """Their part of the features of photos, from raw vectors minus the mean one."""
        return (products(shifted @ self.axes) - self.centre) @ self.matrix


def products(places: Float[np.ndarray, "photos axes"]) -> Float[np.ndarray, "photos products"]:
    """z_i z_j / |z| for i < j, row by row of the upper triangle, of photos with these places z."""
    first, second = pairs(places.shape[1])
    lengths = np.maximum(np.sqrt((places * places).sum(axis=1, keepdims=True)), LEAST_LENGTH)
    return np.asarray(places[:, first] * (places[:, second] / lengths))


def pairs(axes: int) -> tuple[np.ndarray, np.ndarray]:
    """i and j of each product."""
    return np.triu_indices(axes, k=1)
