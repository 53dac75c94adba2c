"""What every drawn picture starts from and ends with: a brief, coordinates, noise, shapes, and the finish."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import MOODS, Palette, Pixels

Field = Float[ndarray, "height width"]
"""One number a pixel."""

Option = TypeVar("Option")

SMOOTHING = 2
"""Shapes are drawn this many times larger and reduced, so that their edges are smooth."""


@dataclass(frozen=True)
class Brief:
    """What one picture shall be like. Equal briefs give equal pictures."""

    width: int
    height: int
    rng: Generator
    palette: Palette
    contrast: str  # "soft" or "strong"
    density: str  # "sparse": few large forms; "dense": many small ones

    def choose(self, sparse: float, dense: float) -> float:
        """The value for this brief's density, varied by a tenth."""
        return float((sparse if self.density == "sparse" else dense) * self.rng.uniform(0.9, 1.1))

    def pick(self, *options: Option) -> Option:
        """One of these, at random."""
        return options[self.rng.integers(len(options))]

    def alternate(self, *options: Option) -> Option:
        """One of these, by turns from picture to picture of a family, so that each is seen about as often."""
        number = 4 * MOODS.index(self.palette.mood) + 2 * (self.contrast == "strong") + (self.density == "dense")
        # A shift after each round, so that four options do not stick to one contrast and density each.
        return options[(number + number // len(options)) % len(options)]

    def coordinates(self) -> tuple[Field, Field]:
        """x and y of every pixel: the longer side runs from 0 to 1, and pixels are square."""
        longest = max(self.width, self.height)
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32) / longest
        return x, y


def value_noise(rng: Generator, height: int, width: int, cells: float) -> Field:
    """Smooth random values between 0 and 1: a grid of random numbers, about `cells` along the longer side, enlarged with a cubic filter."""
    scale = cells / max(height, width)
    rows, columns = max(2, round(height * scale) + 1), max(2, round(width * scale) + 1)
    grid = Image.fromarray(rng.random((rows, columns), dtype=np.float32))
    return np.clip(np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC)), 0, 1)


def fractal_noise(rng: Generator, height: int, width: int, cells: float, octaves: int = 5, falloff: float = 0.5) -> Field:
    """A sum of value noises, each with twice as many cells and `falloff` times the height of the one before; stretched to 0 to 1."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for _ in range(octaves):
        total += weight * value_noise(rng, height, width, cells)
        cells, weight = 2 * cells, falloff * weight
    return stretched(total)


def stretched(values: Field) -> Field:
    """The values scaled and shifted so that they run from 0 to 1."""
    low, high = values.min(), values.max()
    return (values - low) / max(high - low, 1e-9)


def warped(field: Field, across: Field, down: Field) -> Field:
    """The field read at places moved by `across` and `down` (in pixels), blended between neighbours; its edges are mirrored."""
    height, width = field.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = _mirrored(x + across, width), _mirrored(y + down, height)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = x - left, y - top
    upper = field[top, left] * (1 - x) + field[top, right] * x
    lower = field[bottom, left] * (1 - x) + field[bottom, right] * x
    return upper * (1 - y) + lower * y


def _mirrored(places: Field, size: int) -> Field:
    places = np.abs(places) % (2 * (size - 1))
    return np.where(places > size - 1, 2 * (size - 1) - places, places)


def plain(brief: Brief, rgb: Float[ndarray, "3"]) -> Pixels:
    """A sheet of one colour, sRGB between 0 and 1; read-only."""
    return np.broadcast_to(rgb.astype(np.float32), (brief.height, brief.width, 3))


def smoothstep(low: float, high: float, values: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
    """0 below `low`, 1 above `high`, and a smooth rise between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blend(below: Pixels, above: Pixels, share: Field) -> Pixels:
    """`above` laid over `below`; a share of 1 covers it."""
    return below + (above - below) * share[..., None]


def blurred(values: Field, pixels: float) -> Field:
    """Values blurred by about a Gaussian of this standard deviation in pixels; the values at the edges go on beyond them."""
    height, width = values.shape
    step = max(1, int(pixels / 4))  # a wide blur is computed on a reduced field: nobody sees the difference
    small = enlarged(values, -(-height // step), -(-width // step))
    radius = max(1, round(pixels / step))
    for _ in range(3):
        small = _box_mean(_box_mean(small, radius).T, radius).T
    return enlarged(small, height, width)


def _box_mean(values: Field, radius: int) -> Field:
    sums = np.cumsum(np.pad(values, ((radius + 1, radius), (0, 0)), mode="edge"), axis=0)
    return (sums[2 * radius + 1 :] - sums[: -2 * radius - 1]) / (2 * radius + 1)


def shapes(brief: Brief, ground: Pixels, paint: Callable[[ImageDraw.ImageDraw, float], None]) -> Pixels:
    """A picture with shapes on it. `paint` gets a drawing surface and its length of the longer side in pixels."""
    surface = to_image(ground).resize(_surface_size(brief), Image.Resampling.BILINEAR)
    return to_pixels(_painted(brief, surface, paint))


def mask(brief: Brief, paint: Callable[[ImageDraw.ImageDraw, float], None]) -> Field:
    """The same in one channel: `paint` fills with 0 to 255 on 0; returns 0 to 1."""
    return np.asarray(_painted(brief, Image.new("L", _surface_size(brief)), paint), np.float32) / 255


def masks(brief: Brief, paint: Callable[[ImageDraw.ImageDraw, float], None]) -> Float[ndarray, "height width 3"]:
    """Three masks painted at once: `paint` fills with a triple of 0 to 255 on 0; returns 0 to 1."""
    return to_pixels(_painted(brief, Image.new("RGB", _surface_size(brief)), paint))


def _surface_size(brief: Brief) -> tuple[int, int]:
    return brief.width * SMOOTHING, brief.height * SMOOTHING


def _painted(brief: Brief, surface: Image.Image, paint: Callable[[ImageDraw.ImageDraw, float], None]) -> Image.Image:
    """The surface, painted and reduced to the size of the picture."""
    paint(ImageDraw.Draw(surface), float(max(surface.size)))
    return surface.resize((brief.width, brief.height), Image.Resampling.BOX)


def colour(rgb: Float[ndarray, "3"]) -> tuple[int, int, int]:
    """A colour for Pillow, from sRGB between 0 and 1."""
    red, green, blue = (round(255 * float(np.clip(part, 0, 1))) for part in rgb)
    return red, green, blue


def to_image(pixels: Pixels) -> Image.Image:
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def to_pixels(image: Image.Image) -> Pixels:
    return np.asarray(image, np.float32) / 255


def finished(brief: Brief, pixels: Pixels, grain: float = 0.012) -> Image.Image:
    """The finished picture: soft ones lose their blacks and some colour, strong ones gain contrast; grain hides bands of colour."""
    luma = pixels @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    if brief.contrast == "soft":
        pixels = blend(pixels, np.repeat(luma[..., None], 3, axis=-1), np.full_like(luma, 0.2))
        pixels = 0.28 + 0.62 * pixels
    else:
        pixels = np.clip(1.18 * pixels - 0.09, 0, 1)
        pixels = pixels + 0.35 * (pixels * pixels * (3 - 2 * pixels) - pixels)
    noise = brief.rng.standard_normal(luma.shape, dtype=np.float32)
    return to_image(pixels + grain * noise[..., None])


def enlarged(values: Field, height: int, width: int) -> Field:
    """The field at another size; smooth when it grows, averaged when it shrinks."""
    if values.shape == (height, width):
        return values
    grows = height > values.shape[0]
    resampling = Image.Resampling.BICUBIC if grows else Image.Resampling.BOX
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((width, height), resampling))


def spectral_noise(rng: Generator, height: int, width: int, cells: float, slope: float = 2.0, stretch: float = 1.0) -> Field:
    """Fractal noise without the grid of value noise, for fields lit from the side: mean 0, standard deviation 1, joins at its edges.

    White noise is filtered so that amplitudes fall as 1 / frequency ** slope above `cells` waves along the longer side: 1 is rough, 3 is
    smooth. `stretch` makes forms this much wider than high.

    References:
        D. Saupe, "Algorithms for random fractals", in Peitgen & Saupe (eds.), The Science of Fractal Images, 1988.
    """
    longest = max(height, width)
    across, down = np.fft.rfftfreq(width) * longest * stretch, np.fft.fftfreq(height)[:, None] * longest
    frequencies = np.sqrt(across**2 + down**2) / cells
    amplitudes = (frequencies / (1 + frequencies ** (slope + 1))).astype(np.float32)
    values = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width), dtype=np.float32)) * amplitudes, s=(height, width))
    return (values / values.std()).astype(np.float32)


def facing(heights: Field, sun: tuple[float, float, float]) -> Field:
    """How much each place faces the sun: the cosine of the angle, below 0 where it turns away.

    `heights` are in pixels; `sun` points to the sun: right, down (away from a camera that looks up the map: negative), up.
    """
    down, across = np.gradient(heights)
    length = np.linalg.norm(sun)
    return (sun[2] - sun[0] * across - sun[1] * down) / (length * np.sqrt(1 + across**2 + down**2))


def lit(height: Field, angle: float) -> Field:
    """How brightly a surface shines under a light from this angle (radians, 0 from the left, halfway up): 0.7 where it is flat, at most 1.

    `height` is in pixels.
    """
    return np.clip(facing(height, (np.cos(angle), np.sin(angle), 1)), 0, 1)


Points = Float[ndarray, "points"]


def counted(brief: Brief, x: Points, y: Points, weights: Points | None = None) -> Field:
    """How many points (or how much weight) lie in each pixel. Points in pixels; those outside are left out."""
    inside = (x >= 0) & (x < brief.width) & (y >= 0) & (y < brief.height)
    places = y[inside].astype(np.int32) * brief.width + x[inside].astype(np.int32)
    sums = np.bincount(places, None if weights is None else weights[inside], minlength=brief.width * brief.height)
    return sums.reshape(brief.height, brief.width).astype(np.float32)
