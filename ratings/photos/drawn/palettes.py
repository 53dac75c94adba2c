"""Palettes of the drawn pictures, in four moods, and smooth colour ramps through them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Pixels = Float[ndarray, "height width 3"]
"""sRGB between 0 and 1."""


@dataclass(frozen=True)
class Palette:
    """Five colours that belong together, from the darkest to the lightest."""

    name: str
    mood: str  # one of MOODS
    hexes: tuple[str, str, str, str, str]

    @property
    def colours(self) -> Float[ndarray, "5 3"]:
        """The colours as sRGB between 0 and 1."""
        return np.array([[int(text[at : at + 2], 16) / 255 for at in (0, 2, 4)] for text in self.hexes])

    def ramp(self, values: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape 3"]:
        """Colours of values between 0 (the darkest colour) and 1 (the lightest), blended in Oklab, where a blend looks even."""
        lab = _to_oklab(self.colours)
        places = np.linspace(0, 1, len(lab))
        steps = np.linspace(0, 1, 1024)
        table = _from_oklab(np.stack([np.interp(steps, places, lab[:, channel]) for channel in range(3)], axis=-1)).astype(np.float32)
        return table.take((np.clip(values, 0, 1) * 1023).astype(np.int32), axis=0)


MOODS = ("warm", "cool", "vivid", "quiet")

PALETTES = (
    Palette("embers", "warm", ("2b0f14", "7a1f24", "c8502b", "f0a44b", "fbe3b5")),
    Palette("desert", "warm", ("3a2318", "8a4b2c", "c9804a", "e6b884", "f8ead2")),
    Palette("apricot", "warm", ("4a1f2f", "a63d40", "e07a5f", "f2b58b", "fdf0e1")),
    Palette("harvest", "warm", ("2a1d0e", "6b4a17", "b8862b", "e3bd63", "f7ecc6")),
    Palette("rosewood", "warm", ("27101a", "6d2540", "b65467", "e29a93", "f8dfd4")),
    Palette("fjord", "cool", ("071a2b", "14425f", "2f7f95", "83bcc0", "e3f1ec")),
    Palette("glacier", "cool", ("10213f", "2a4d7c", "5b8cb8", "a9cce0", "f2f8fb")),
    Palette("spruce", "cool", ("0b1f1c", "1e4a41", "3f7f6a", "93bda3", "e6f0df")),
    Palette("dusk", "cool", ("12102b", "332f63", "61609b", "a3a6cb", "eae9f4")),
    Palette("lagoon", "cool", ("06232b", "0f5560", "1f9390", "7fd0b9", "e8f8e6")),
    Palette("carnival", "vivid", ("1b0b3a", "7b1fa2", "ff3d68", "ffb300", "fff3d1")),
    Palette("parrot", "vivid", ("03252f", "008a7b", "f2432c", "ffc62b", "f3fbe4")),
    Palette("neon", "vivid", ("0a0524", "2b2bd8", "e01bd0", "27e1d8", "f5ffd9")),
    Palette("poster", "vivid", ("14213d", "d62828", "f77f00", "fcbf49", "eae2b7")),
    Palette("orchard", "vivid", ("102a12", "2f8f2f", "e23e57", "ffd23f", "fdf7e3")),
    Palette("ink", "quiet", ("111214", "3b3d42", "7b7d82", "bcbdbf", "f3f2ef")),
    Palette("linen", "quiet", ("2c2823", "6d655a", "a89e8f", "d5cdbf", "f5f1e8")),
    Palette("slate", "quiet", ("171d24", "3f4a56", "76828e", "b3bcc4", "edf0f2")),
    Palette("moss", "quiet", ("1c211a", "4b5444", "858d79", "bec4b1", "f0f1e7")),
    Palette("mauve", "quiet", ("221c26", "574b5c", "918496", "c5bcc8", "f3eff3")),
)


def of_mood(mood: str) -> tuple[Palette, ...]:
    """The palettes of a mood."""
    return tuple(palette for palette in PALETTES if palette.mood == mood)


# Oklab: B. Ottosson, 2020, https://bottosson.github.io/posts/oklab/
_TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]]
)
_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]]
)


def _to_oklab(srgb: Float[ndarray, "*shape 3"]) -> Float[ndarray, "*shape 3"]:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T


def _from_oklab(lab: Float[ndarray, "*shape 3"]) -> Float[ndarray, "*shape 3"]:
    linear = np.clip((lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
