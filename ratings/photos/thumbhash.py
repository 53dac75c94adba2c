"""ThumbHash encoder: a blurred preview of a photo in about 25 bytes, shown until the photo has loaded.

The hash holds the lowest frequencies of a cosine transform of the photo, in luminance (at most 7 x 7) and two colour differences (3 x 3),
with four bits each. The page decodes it in `static/photos/thumbhash.js`.

All sums are sums of integers, so the same pixels give the same bytes on every processor. The last bit of a floating-point sum depends on
the processor (its BLAS and vectorised cosines), and it would decide the rounding of values halfway between two steps.

References:
    Evan Wallace, ThumbHash (2023), which defines the format. Only for opaque photos: transparency is flattened before.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8
from numpy import ndarray
from PIL import Image

LARGEST_SIDE = 100
"""Pixels; more would not change 7 frequencies visibly."""

COSINE_BITS = 28
"""Binary places of a cosine. With this many, no cosine used here is so close to halfway that floating-point errors change its rounding."""

TERM_BITS = 16
"""Binary places of a term, in 1/255 of white. Coarser than the errors of the cosines, so terms that vanish by symmetry are exactly zero."""


def thumbhash(image: Image.Image) -> bytes:
    """The hash of an RGB image, 16 to 25 bytes; the aspect ratio sets the number of frequencies of the shorter side."""
    small = image.copy()
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BOX)
    return encode(np.asarray(small))


def encode(rgb: UInt8[ndarray, "height width 3"]) -> bytes:
    """The hash of pixels, whose sides are at most `LARGEST_SIDE`."""
    height, width = rgb.shape[:2]
    red, green, blue = np.moveaxis(rgb.astype(np.int64), -1, 0)
    across = max(1, rounded(7 * width, max(width, height)))
    down = max(1, rounded(7 * height, max(width, height)))

    luminance = _channel(red + green + blue, 3, max(3, across), max(3, down))
    yellow_blue = _channel(red + green - 2 * blue, 2, 3, 3)
    red_green = _channel(red - green, 1, 3, 3)

    landscape = width > height
    header24 = luminance.mean(63) | yellow_blue.mean_around_half(63) << 6 | red_green.mean_around_half(63) << 12 | luminance.scale(31) << 18
    header16 = (down if landscape else across) | yellow_blue.scale(63) << 3 | red_green.scale(63) << 9 | landscape << 15
    nibbles = luminance.nibbles() + yellow_blue.nibbles() + red_green.nibbles()
    nibbles += [0] * (len(nibbles) % 2)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return header24.to_bytes(3, "little") + header16.to_bytes(2, "little") + packed


def rounded(numerator: int, denominator: int) -> int:
    """The integer nearest to a fraction. Halves round up, as in the published encoder; Python's `round` rounds them to even."""
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass(frozen=True)
class _Channel:
    """The low frequencies of one channel, as integers."""

    total: int  # of all pixels
    white: int  # the value of `total` if every pixel were 1
    terms: list[int]  # the triangle of low frequencies, without the mean
    unit: int  # the value of a term of 1

    def mean(self, steps: int) -> int:
        return rounded(steps * self.total, self.white)

    def mean_around_half(self, steps: int) -> int:
        """The mean of a colour difference, which is between -1 and 1."""
        return rounded(steps * (self.white + self.total), 2 * self.white)

    def scale(self, steps: int) -> int:
        return rounded(steps * self._largest(), self.unit)

    def nibbles(self) -> list[int]:
        """Each term quantised from 0 (the negative scale) to 15 (the positive scale)."""
        largest = self._largest()
        return [rounded(15 * (largest + term), 2 * largest) if largest else 0 for term in self.terms]

    def _largest(self) -> int:
        return max(map(abs, self.terms), default=0)


def _channel(values: Int64[ndarray, "height width"], weight: int, across: int, down: int) -> _Channel:
    """Cosine transform of a channel; a value of `weight` times 255 stands for 1."""
    height, width = values.shape
    rows = _cosines(down, height) @ values  # below 2**45
    sums = rows.astype(object) @ _cosines(across, width).T.astype(object)  # beyond 64 bits
    kept = [sums[y, x] for y in range(down) for x in range(across) if (x or y) and x * down < across * (down - y)]
    coarse = height * width << (2 * COSINE_BITS - TERM_BITS)
    terms = [rounded(term, coarse) for term in kept]
    return _Channel(int(values.sum()), weight * 255 * height * width, terms, weight * 255 << TERM_BITS)


def _cosines(count: int, side: int) -> Int64[ndarray, "count side"]:
    """The first `count` cosines over a side, as integers."""
    turns = np.outer(np.arange(count), 2 * np.arange(side) + 1) % (4 * side)  # in 1/(4 side) of a turn
    return np.rint(np.cos(np.pi / 2 / side * turns) * 2.0**COSINE_BITS).astype(np.int64)
