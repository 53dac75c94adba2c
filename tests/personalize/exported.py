"""Photos and fits for tests of exports. Stored model files were scored on these photos, so they must not change."""

from functools import cache

import numpy as np
from PIL import Image

from personalize.exports.fits import InstantFit
from personalize.files import banks, extractors, taste_parts
from ratings.photos.samples import samples

RATER = "3f0c9a52-6a55-4c55-8f2e-0d6a3f9a7b10"


def waves() -> list[Image.Image]:
    """Three photos drawn by a formula, 400 x 300."""
    y, x = np.mgrid[0:300, 0:400]
    drawn = [
        np.stack([np.sin(x / (9 + 4 * k)) + np.cos(y / (7 + k)), np.sin((x + y) / (20 - k)), np.cos(x / 31 - y / (11 + 2 * k))], axis=2)
        for k in range(3)
    ]
    return [Image.fromarray((127 + 60 * one).round().astype(np.uint8)) for one in drawn]


@cache
def photographs() -> list[Image.Image]:
    """Sample photographs, at most 480 pixels wide or high."""
    found = [sample.image() for sample in samples()[:6]]
    for photo in found:
        photo.thumbnail((480, 480))
    return found


def instant_fit(**facts: object) -> InstantFit:
    """A fit in the shipped bank's own projection."""
    own = extractors.read()
    known = {"rater": RATER, "method": "instant", "bank": banks.read_metadata().hash, "extractors": own.hash, "ratings": 12}
    weights = np.r_[0.4, np.random.default_rng(1).normal(size=255)]
    return InstantFit({**known, "coefficients": {"generic": {"mean": 0.4, "sd": 0.2}}, **facts}, weights, taste_parts.read().projection)
