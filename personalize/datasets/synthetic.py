"""Synthetic dataset of photos degraded in steps."""

import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from personalize.datasets.dataset import RatedPhoto


def degraded_in_steps(photo: RatedPhoto) -> Iterator[RatedPhoto]:
    """The original photo (score 5), and four kinds of degradation in steps 1 to 5 (scores 4 to 0)."""
    yield replace(photo, score=5.0)
    for kind in (_blurred, _compressed, _noisy, _badly_exposed):
        for step in range(1, 6):
            yield replace(photo, score=5.0 - step, degrade=_Step(kind, step, photo.path.name))


@dataclass(frozen=True)
class _Step:
    kind: Callable[[Image.Image, int, np.random.Generator], Image.Image]
    step: int
    name: str

    def __call__(self, photo: Image.Image) -> Image.Image:
        return self.kind(photo, self.step, np.random.default_rng(zlib.crc32(self.name.encode()) + self.step))


def _blurred(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(0.5 * 1.6 ** (step - 1)))


def _compressed(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=(45, 28, 16, 9, 4)[step - 1])
    return Image.open(file).convert("RGB")


def _noisy(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(photo, dtype=np.float32)
    noise = rng.normal(scale=6 * 1.7 ** (step - 1), size=pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _badly_exposed(photo: Image.Image, step: int, rng: np.random.Generator) -> Image.Image:
    stops = 0.5 * step * (1 if rng.random() < 0.5 else -1)
    linear = (np.asarray(photo, dtype=np.float32) / 255) ** 2.2 * 2.0**stops
    return Image.fromarray((np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
