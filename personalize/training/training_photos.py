"""Training inputs and targets: photos decoded, cropped and mirrored at random, and distributions of scores."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from personalize import datasets
from personalize.datasets import RatedPhoto
from personalize.files import images
from personalize.files.images import Preprocessing
from personalize.networks import losses
from personalize.progress import ProgressCallback, tracked
from personalize.training.recipes import Recipe

KEPT = 4096  # most photos of a split that are decoded once and kept, 0.2 MB each; larger splits are decoded at every use


class TrainingPhotos(Dataset[Tensor]):
    """Photos by (epoch, place). Crop and mirroring depend on the seed, the epoch and the place only, not on the process or the order."""

    def __init__(
        self, photos: Sequence[RatedPhoto], preprocessing: Preprocessing, recipe: Recipe, progress: ProgressCallback, what: str
    ) -> None:
        self.photos, self.preprocessing, self.recipe = photos, preprocessing, recipe
        self.kept: list[np.ndarray] | None = None
        if len(photos) <= KEPT:
            self.kept = [self._decoded(photo) for photo in tracked(f"reading {what} photos", photos, progress)]

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, which: tuple[int, int]) -> Tensor:
        """Pixels 0..255 (crop, crop, 3) of one photo in one epoch; epoch -1 is the centre crop, not mirrored."""
        epoch, place = which
        pixels = self.kept[place] if self.kept is not None else self._decoded(self.photos[place])
        crop, slack = self.preprocessing.crop, pixels.shape[0] - self.preprocessing.crop
        if epoch < 0:
            return torch.from_numpy(np.ascontiguousarray(pixels[slack // 2 : slack // 2 + crop, slack // 2 : slack // 2 + crop]))
        draw = np.random.default_rng([self.recipe.seed, epoch, place])
        top, left = draw.integers(0, slack + 1, size=2)
        window = pixels[top : top + crop, left : left + crop]
        return torch.from_numpy(np.ascontiguousarray(window[:, ::-1] if draw.random() < 0.5 else window))

    def _decoded(self, photo: RatedPhoto) -> UInt8[np.ndarray, "side side 3"]:
        return images.to_pixels(photo.read(), self.preprocessing, self.recipe.margin)


def targets(photos: Sequence[RatedPhoto], dataset: datasets.Dataset) -> tuple[Float[Tensor, "photos levels"], Float[Tensor, "photos"]]:
    """The distribution over 1..10 to predict, and its mean.

    The published distribution where the dataset has one, else a normal one around the mean score with the dataset's assumed `spread`.
    """
    means = torch.tensor([on_levels(photo.score, dataset) for photo in photos])
    assumed = losses.normal_distribution(means, dataset.spread)
    rows = [torch.tensor(photo.distribution) if photo.distribution is not None else row for photo, row in zip(photos, assumed, strict=True)]
    return torch.stack(rows).float(), means


def on_levels(score: float, dataset: datasets.Dataset) -> float:
    """A score of the dataset's scale, mapped linearly to 1..10 and clipped."""
    return float(np.clip(1 + 9 * (score - dataset.low) / (dataset.high - dataset.low), 1, 10))
