"""ThumbHash, compared with the published encoder and with a naive cosine transform."""

import base64
import math
from fractions import Fraction

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


def nibbles(hashed: bytes) -> list[int]:
    return [half for byte in hashed for half in (byte & 15, byte >> 4)]


@pytest.mark.parametrize(("kind", "width", "height", "hashed"), PUBLISHED)
def test_the_hash_matches_the_published_encoder(kind, width, height, hashed):
    found, wanted = encode(picture(kind, width, height)), base64.b64decode(hashed)

    assert found[:5] == wanted[:5]
    assert len(found) == len(wanted)
    # A term of zero is halfway between steps 7 and 8: rounded up here, to either side in the published encoder, by floating-point errors.
    assert {pair for pair in zip(nibbles(found), nibbles(wanted), strict=True) if pair[0] != pair[1]} <= {(8, 7)}


def test_the_luminance_matches_a_naive_cosine_transform():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    grey = pixels.mean(axis=2) / 255
    triangle = [(x, y) for y in range(5) for x in range(7) if (x or y) and x * 5 < 7 * (5 - y)]
    waves = [
        [[math.cos(math.pi / 8 * x * (n + 0.5)) * math.cos(math.pi / 6 * y * (m + 0.5)) for n in range(8)] for m in range(6)]
        for x, y in triangle
    ]
    terms = [math.fsum((grey * wave).flat) / 48 for wave in waves]
    scale = max(map(abs, terms))

    hashed = encode(pixels)

    assert hashed[2] >> 2 & 31 == math.floor(31 * scale + 0.5)
    assert nibbles(hashed[5:])[: len(terms)] == [math.floor(15 * (0.5 + 0.5 * term / scale) + 0.5) for term in terms]


def test_a_flat_picture_has_its_colour_and_no_structure():
    hashed = encode(np.full((75, 100, 3), [200, 30, 90], dtype=np.uint8))

    # The published encoder encodes floating-point errors as structure, at a scale that rounds to zero.
    assert hashed[:5] == base64.b64decode("2lgDBYCHh4h3eHd4eIeIgIeIgHgI")[:5]
    assert set(hashed[5:]) == {0}


def test_exact_halves_are_rounded_up():
    for difference in range(256):  # at 170, the value is an exact half
        hashed = encode(np.full((3, 7, 3), [difference, 0, 0], dtype=np.uint8))

        exact_value = Fraction(63, 2) + Fraction(63 * difference, 2 * 255)
        assert int.from_bytes(hashed[:3], "little") >> 12 & 63 == math.floor(exact_value + Fraction(1, 2))


@pytest.mark.parametrize("towards", [-2, 2])
def test_the_hash_does_not_depend_on_the_last_bits_of_a_cosine(towards, monkeypatch):
    cosine = np.cos
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3)).astype(np.uint8)
    pictures = [noise[:side, :side] for side in range(1, 101)]
    expected = [encode(pixels) for pixels in pictures]

    monkeypatch.setattr("ratings.photos.thumbhash.np.cos", lambda turns: cosine(turns) + towards * np.finfo(np.float64).eps)

    assert [encode(pixels) for pixels in pictures] == expected


def test_the_luminance_of_a_flat_colour_is_kept():
    hashed = encode(np.full((40, 40, 3), 64, dtype=np.uint8))

    assert (hashed[0] & 63) == round(63 * 64 / 255)


@pytest.mark.parametrize("size", [(2048, 1365), (64, 64), (2048, 64), (64, 2048)])
def test_photos_of_any_shape_get_a_short_hash(size):
    assert 15 <= len(thumbhash(Image.new("RGB", size, "teal"))) <= 25
