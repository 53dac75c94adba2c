"""Photos as normalised network inputs in torch; deterministic.

`pixels` resizes and crops; this module normalises with the backbone's mean and standard deviation. `train.py` has the random augmentation
of training.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from personalize.files.pixels import Preprocessing, read, to_pixels, to_published_pixels

__all__ = ["Preprocessing", "batches", "read", "to_input", "to_pixels", "to_published_pixels"]


def to_input(pixels: UInt8[np.ndarray, "batch height width 3"], preprocessing: Preprocessing) -> Float[Tensor, "batch 3 height width"]:
    """Normalise pixels 0..255 to the backbone's input, with channels last in memory (fastest on CPUs)."""
    photos = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float().div_(255)
    mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
    return photos.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


def batches(paths: Sequence[Path], preprocessing: Preprocessing, size: int = 32) -> Iterator[Float[Tensor, "batch 3 height width"]]:
    """The photos at `paths`, in order, as network inputs of at most `size` photos each."""
    for start in range(0, len(paths), size):
        pixels = np.stack([to_pixels(read(path), preprocessing) for path in paths[start : start + size]])
        yield to_input(pixels, preprocessing)
