"""A pen for plants: lines, dots and leaves on a drawing surface, and the ground that prints of plants stand on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, blend, colour, enlarged, smoothstep, spectral_noise

Colour = tuple[int, int, int]
Point = tuple[float, float] | Float[ndarray, "2"]
Points = Float[ndarray, "points 2"]


@dataclass(frozen=True)
class Pen:
    """Draws in lengths of the longer side."""

    surface: ImageDraw.ImageDraw
    longest: float  # in pixels

    def line(self, points: Points | Sequence[Point], thick: float, ink: Colour) -> None:
        width = max(2, round(thick * self.longest))
        joint = "curve" if width > 3 else None
        self.surface.line([(x * self.longest, y * self.longest) for x, y in points], fill=ink, width=width, joint=joint)

    def shape(self, points: Points, ink: Colour) -> None:
        self.surface.polygon([(x * self.longest, y * self.longest) for x, y in points], fill=ink)

    def dot(self, at: Point, radius: float, ink: Colour) -> None:
        x, y = at[0] * self.longest, at[1] * self.longest
        radius *= self.longest
        self.surface.ellipse([x - radius, y - radius, x + radius, y + radius], fill=ink)

    def leaf(self, foot: Point, heading: float, size: float, wide: float, ink: Colour) -> None:
        """A pointed leaf; `wide` is half its width, in its lengths."""
        t = np.linspace(0, 1, 9)
        half = wide * size * np.sin(np.pi * t**0.75)
        along, aside = np.concatenate([t, t[-2::-1]]) * size, np.concatenate([half, -half[-2::-1]])
        cos, sin = np.cos(heading), np.sin(heading)
        self.shape(np.stack([foot[0] + along * cos - aside * sin, foot[1] + along * sin + aside * cos], axis=1), ink)

    def hill(self, wide: float, tall: float, ink: Colour) -> None:
        """The ground along the lower edge of a picture of this size."""
        across = np.linspace(-0.02, wide + 0.02, 60)
        rise = 0.9 * tall + 0.05 * (2 * across / wide - 1) ** 2
        self.shape(np.vstack([np.stack([across, rise], axis=1), [[wide + 0.02, tall + 0.1], [-0.02, tall + 0.1]]]), ink)


@dataclass(frozen=True)
class Print:
    """A sheet to print plants on: paper with a pale sun, and inks that suit it."""

    pixels: Pixels
    near: list[Colour]  # four inks, from the plainest to the one that stands out most
    far: list[Colour]  # the same, pale, for what stands further away


def printed_paper(brief: Brief) -> Print:
    rng, palette = brief.rng, brief.palette
    x, y = brief.coordinates()
    wide, tall = float(x.max()), float(y.max())
    dark = bool(rng.random() < (0.45 if brief.contrast == "strong" else 0.2))
    ground = 0.04 if dark else 0.93
    mottled = enlarged(spectral_noise(rng, brief.height // 4, brief.width // 4, 3, 1.5), brief.height, brief.width)
    pixels = palette.ramp(ground + 0.008 * mottled)
    if rng.random() < 0.75:
        radius = min(wide, tall) * float(rng.uniform(0.2, 0.34))
        distance = np.hypot(x - wide * float(rng.choice([0.35, 0.5, 0.65])), y - tall * float(rng.uniform(0.35, 0.48)))
        sun = palette.ramp(np.full_like(x, 0.2 if dark else 0.76))
        pixels = blend(pixels, sun, 0.85 * smoothstep(radius + 0.001, radius - 0.001, distance))
    inks = palette.ramp(np.array([0.45, 0.62, 0.8, 0.97] if dark else [0.06, 0.25, 0.44, 0.6]))
    pale = 0.35 * inks + 0.65 * palette.ramp(np.array(ground))
    return Print(pixels, [colour(ink) for ink in inks], [colour(ink) for ink in pale])
