"""ThumbHash: about 25 bytes that a page turns into a blurred picture until the photo itself is there.

The lowest frequencies of a cosine transform of the photo, in luminance (at most 7 x 7 of them) and two colour differences (3 x 3),
each in four bits. The page decodes it in `static/photos/thumbhash.js`.

References:
    Evan Wallace, ThumbHash (2023), whose format this is. Opaque photos only: what is transparent has been laid on white before.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image

LARGEST_SIDE = 100
"""Pixels; more would change nothing that 7 frequencies can show."""


def thumbhash(image: Image.Image) -> bytes:
    """The hash of an RGB image, 16 to 25 bytes; the longer side decides how many frequencies the shorter one gets."""
    small = image.copy()
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BOX)
    return encode(np.asarray(small, dtype=np.float64) / 255)


def encode(rgb: Float[ndarray, "height width 3"]) -> bytes:
    """The hash of pixels between 0 and 1."""
    height, width = rgb.shape[:2]
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    across = max(1, _rounded(7 * width / max(width, height)))
    down = max(1, _rounded(7 * height / max(width, height)))

    l_mean, l_terms, l_scale = _channel((red + green + blue) / 3, max(3, across), max(3, down))
    p_mean, p_terms, p_scale = _channel((red + green) / 2 - blue, 3, 3)
    q_mean, q_terms, q_scale = _channel(red - green, 3, 3)

    landscape = width > height
    header24 = (
        _rounded(63 * l_mean) | _rounded(31.5 + 31.5 * p_mean) << 6 | _rounded(31.5 + 31.5 * q_mean) << 12 | _rounded(31 * l_scale) << 18
    )
    header16 = (down if landscape else across) | _rounded(63 * p_scale) << 3 | _rounded(63 * q_scale) << 9 | landscape << 15
    nibbles = [_rounded(15 * term) for term in (*l_terms, *p_terms, *q_terms)]
    nibbles += [0] * (len(nibbles) % 2)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return header24.to_bytes(3, "little") + header16.to_bytes(2, "little") + packed


def _channel(values: Float[ndarray, "height width"], across: int, down: int) -> tuple[float, list[float], float]:
    """Mean, the other terms in the triangle of low frequencies between 0 and 1 (a half is none), and their scale."""
    height, width = values.shape
    cos_x = np.cos(np.pi / width * np.outer(np.arange(across), np.arange(width) + 0.5))
    cos_y = np.cos(np.pi / height * np.outer(np.arange(down), np.arange(height) + 0.5))
    terms = cos_y @ values @ cos_x.T / (width * height)
    kept = [float(terms[y, x]) for y in range(down) for x in range(across) if (x or y) and x * down < across * (down - y)]
    scale = max(map(abs, kept), default=0.0)
    return float(terms[0, 0]), [0.5 + 0.5 / scale * term if scale else term for term in kept], scale


def _rounded(value: float) -> int:
    """Halves go up, as in the published encoder; Python's own `round` sends them to the even neighbour."""
    return int(np.floor(value + 0.5))
