"""Our ThumbHash against the published encoder, and the sums behind it done the slow way."""

import base64
import math

import numpy as np
import pytest
from PIL import Image

from ratings.photos.thumbhash import encode, thumbhash

# Written by the published JavaScript encoder (npm package thumbhash 0.1.1) from the same pixels.
PUBLISHED = [
    ("ramp", 100, 75, "3wcKNZqAh4eAiHeIeHiHiICACPh3"),
    ("ramp", 60, 90, "3wcKNRqAh3CIiIh4iIh4h4CACPh4"),
    ("ramp", 64, 64, "3wcKNxqAh4eAiIiIiHiIh4d3CAiHgI8H"),
    ("ramp", 100, 20, "3/cJOZqAh4eAiIeIgHAI+Hc="),
    ("steps", 100, 75, "nRcKLZJXRcKEc3hQp3iHelV4YJX4"),
    ("steps", 60, 90, "nfcFHQ4lw1d2F5QImnqGWAbgWbDX"),
    ("steps", 64, 64, "XQcKNxI1olhEiHeAaahoWId4aFhfRXsP"),
    ("steps", 100, 20, "14YKQYoFSMJkiIaH+JZY83c="),
]


def picture(kind: str, width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    if kind == "ramp":
        channels = [255 * x // (width - 1), 255 * y // (height - 1), np.full_like(x, 128)]
    else:
        channels = [x * 7 % 256, y * 5 % 256, (x + y) * 3 % 256]
    return np.stack(channels, axis=-1).astype(np.uint8)


@pytest.mark.parametrize(("kind", "width", "height", "hashed"), PUBLISHED)
def test_the_hash_is_that_of_the_published_encoder(kind, width, height, hashed):
    found, wanted = encode(picture(kind, width, height) / 255), base64.b64decode(hashed)

    assert found[:5] == wanted[:5]
    nibbles = np.array([[byte & 15, byte >> 4] for byte in found + wanted], dtype=int).reshape(2, -1)
    # A term that is zero but for rounding lies exactly between the steps 7 and 8 and may fall to either side.
    assert {tuple(sorted(pair)) for pair in nibbles.T.tolist() if pair[0] != pair[1]} <= {(7, 8)}


def test_a_flat_picture_has_its_colour_and_no_structure():
    hashed = encode(np.full((75, 100, 3), [200, 30, 90]) / 255)

    assert hashed[:5] == base64.b64decode("2lgDBYCHh4h3eHd4eIeIgIeIgHgI")[:5]


def test_luminance_of_the_mean_colour_is_kept():
    hashed = encode(np.full((40, 40, 3), 0.25))

    assert math.isclose((hashed[0] & 63) / 63, 0.25, abs_tol=1 / 63)


@pytest.mark.parametrize("size", [(2048, 1365), (64, 64), (2048, 64), (64, 2048)])
def test_photos_of_any_shape_get_a_short_hash(size):
    assert 15 <= len(thumbhash(Image.new("RGB", size, "teal"))) <= 25
