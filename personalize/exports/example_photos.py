"""Synthetic photos on which the scores of a written file are compared with those of the fit. Needs no torch."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from personalize.files.pixels import CentreCrop, SizeRule, WholePhoto

LARGE = 5  # times a network's size: PAV averages squares of pixels of such a photo first


def of_size(width: int, height: int) -> list[Image.Image]:
    """A gradient, stripes, and soft noise, always the same."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    coarse = np.random.default_rng(0).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    gradient, stripes = np.stack([across, down, 255 - across], axis=2), np.stack([across % 32 * 8] * 3, axis=2)
    drawn = [Image.fromarray(one.astype(np.uint8)) for one in (gradient, stripes)]
    return [*drawn, Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)]


def of_rules(rules: Sequence[SizeRule], times: int = 1) -> list[Image.Image]:
    """Photos of the sizes that networks take, or of a multiple of them."""
    return [photo for rule in rules for photo in of_size(*(times * side for side in _own_size(rule)))]


def _own_size(rule: SizeRule) -> tuple[int, int]:
    """A size that the rule leaves as it is, but for the crop."""
    if isinstance(rule, WholePhoto):
        return rule.size(4, 3)
    if isinstance(rule, CentreCrop):
        return rule.resize, rule.resize
    raise TypeError(f"{rule} is not a known size rule")
