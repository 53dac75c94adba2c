"""Pixels of photos in the sizes that networks take: a centre crop, or the whole photo. Needs no torch.

Both resize with a bicubic filter. Normalisation to a network's input follows in `images`, or inside an ONNX file. `CentreCrop` and
`WholePhoto` first average squares of pixels of a large photo, which takes a third of the time; `to_pixels`, which training and exact fits
use, does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from personalize.errors import BadPhoto
from personalize.files.banks import AreaFacts, CropFacts, PreprocessingFacts

# Pixels are averaged first as long as this many times the wanted size remains. A ridge regression on the features of `vessel` ranks as well
# either way (SROCC changes by less than .001), and photos of 2048 pixels take a third of the time.
REDUCING_GAP = 1.8


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


class SizeRule(Protocol):
    """How a photo is brought to the size that a network takes."""

    def pixels(self, photo: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        """The pixels of an upright RGB photo; see `upright`."""


@dataclass(frozen=True)
class CentreCrop:
    """The square in the middle: the short side becomes `resize` pixels, of which `crop` remain."""

    resize: int
    crop: int

    def pixels(self, photo: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        width, height = _resized(photo.size, self.resize)
        left, top = (width - self.crop) // 2, (height - self.crop) // 2
        across, down = photo.width / width, photo.height / height
        # Resizing only the square takes half the time of resizing the photo, and little memory for a long strip.
        square = left * across, top * down, (left + self.crop) * across, (top + self.crop) * down
        return np.asarray(photo.resize((self.crop, self.crop), Image.Resampling.BICUBIC, square, REDUCING_GAP))


@dataclass(frozen=True)
class WholePhoto:
    """The whole photo, its aspect kept but for rounding: about `area` x `area` pixels in all, each side a multiple of `multiple`."""

    area: int
    multiple: int

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height for a photo of this width and height."""
        scale: float = self.area / (width * height) ** 0.5
        across, down = (max(self.multiple, round(side * scale / self.multiple) * self.multiple) for side in (width, height))
        return across, down

    def pixels(self, photo: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        return np.asarray(photo.resize(self.size(*photo.size), Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP))


def size_rule(facts: CropFacts | AreaFacts) -> SizeRule:
    """The rule in an extractor's row of the metadata."""
    return WholePhoto(facts["area"], facts["multiple"]) if "area" in facts else CentreCrop(facts["resize"], facts["crop"])


def upright(photo: Image.Image) -> Image.Image:
    """The photo as RGB, turned as its EXIF orientation says.

    Raises:
        BadPhoto: it has no pixels.
    """
    if 0 in photo.size:
        raise BadPhoto(f"A photo of {photo.width} x {photo.height} pixels has no features.")
    return ImageOps.exif_transpose(photo).convert("RGB")


def to_pixels(photo: Image.Image, preprocessing: Preprocessing, margin: int = 0) -> UInt8[np.ndarray, "height width 3"]:
    """Resize and crop the centre; `margin` keeps that many extra pixels on each side, for augmentation."""
    photo = ImageOps.exif_transpose(photo).convert("RGB")
    size = _resized(photo.size, preprocessing.resize)
    photo = photo.resize(size, Image.Resampling.BICUBIC)
    side = min(preprocessing.crop + 2 * margin, preprocessing.resize)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(photo.crop((left, top, left + side, top + side)))


def to_published_pixels(photo: Image.Image, preprocessing: Preprocessing) -> UInt8[np.ndarray, "height width 3"]:
    """Resize and crop the centre as the published code of Yun & Choo does: the long side is truncated, not rounded, to whole pixels."""
    photo = upright(photo)
    width, height = (int(preprocessing.resize * side / min(photo.size)) for side in photo.size)
    photo = photo.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (round((side - preprocessing.crop) / 2) for side in (width, height))  # an odd margin: to the even side
    return np.asarray(photo.crop((left, top, left + preprocessing.crop, top + preprocessing.crop)))


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


def _resized(size: Sequence[int], short: int) -> tuple[int, int]:
    """Width and height when the short side becomes `short`."""
    width, height = size
    scale = short / min(width, height)
    return max(short, round(width * scale)), max(short, round(height * scale))
