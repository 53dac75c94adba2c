"""Preprocessing of photos for a backbone; deterministic.

Resizes the short side (bicubic), crops the centre, and normalises with the backbone's mean and standard deviation. `train.py` has the
random augmentation of training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from personalize.errors import BadPhoto
from personalize.files.banks import PreprocessingFacts


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing that a backbone needs; part of every bank's metadata."""

    resize: int  # short side in pixels before the crop
    crop: int  # side of the centre crop in pixels
    mean: tuple[float, float, float]  # of RGB in 0..1
    std: tuple[float, float, float]

    @classmethod
    def of(cls, facts: PreprocessingFacts) -> "Preprocessing":
        """From the facts in a bank's metadata or a model card."""
        (red, green, blue), (red_std, green_std, blue_std) = facts["mean"], facts["std"]
        return cls(facts["resize"], facts["crop"], (red, green, blue), (red_std, green_std, blue_std))

    @property
    def facts(self) -> PreprocessingFacts:
        """As facts for metadata and model cards."""
        return {"resize": self.resize, "crop": self.crop, "mean": self.mean, "std": self.std}


def to_pixels(photo: Image.Image, preprocessing: Preprocessing, margin: int = 0) -> UInt8[np.ndarray, "height width 3"]:
    """Resize and crop the centre; `margin` keeps that many extra pixels on each side, for augmentation."""
    photo = ImageOps.exif_transpose(photo).convert("RGB")
    width, height = photo.size
    scale = preprocessing.resize / min(width, height)
    size = max(preprocessing.resize, round(width * scale)), max(preprocessing.resize, round(height * scale))
    photo = photo.resize(size, Image.Resampling.BICUBIC)
    side = min(preprocessing.crop + 2 * margin, preprocessing.resize)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(photo.crop((left, top, left + side, top + side)))


def to_input(pixels: UInt8[np.ndarray, "batch height width 3"], preprocessing: Preprocessing) -> Float[Tensor, "batch 3 height width"]:
    """Normalise pixels 0..255 to the backbone's input, with channels last in memory (fastest on CPUs)."""
    photos = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float().div_(255)
    mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
    return photos.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


def read(path: Path) -> Image.Image:
    """Open a photo.

    Raises:
        BadPhoto: the file is missing or not a photo; the message names its path.
    """
    try:
        with Image.open(path) as photo:
            photo.load()
            return photo.convert("RGB")
    except (OSError, ValueError) as error:
        raise BadPhoto(f"{path} cannot be read as a photo: {error}") from error


def batches(paths: Sequence[Path], preprocessing: Preprocessing, size: int = 32) -> Iterator[Float[Tensor, "batch 3 height width"]]:
    """The photos at `paths`, in order, as network inputs of at most `size` photos each."""
    for start in range(0, len(paths), size):
        pixels = np.stack([to_pixels(read(path), preprocessing) for path in paths[start : start + size]])
        yield to_input(pixels, preprocessing)
