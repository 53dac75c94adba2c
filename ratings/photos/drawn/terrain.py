"""Height fields lit by a sun, and seen by a camera that stands above them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, enlarged, smoothstep, spectral_noise

STEPS = 450
"""Distances at which a view looks at the ground; between them it blends."""


def sunlit(heights: Field, slope: float, soft: float) -> Field:
    """1 where a sun on the left reaches the ground, 0 in cast shadows; its rays sink by `slope` (heights per pixel) to the right.

    The highest ray above each place is found in doubling steps. Shadows fade over `soft` heights.
    """
    rays = heights.copy()
    step = 1
    while step < heights.shape[1] // 2:
        rays[:, step:] = np.maximum(rays[:, step:], rays[:, :-step] - slope * step)
        step *= 2
    return np.clip(1 - (rays - heights) / soft, 0, 1)


_NEIGHBOURS = tuple((down, across) for down in (-1, 0, 1) for across in (-1, 0, 1) if down or across)


def eroded(rng: Generator, heights: Field, uplift: Field, rounds: int) -> Field:
    """Mountains that rise by `uplift` a round while rivers cut into them; heights in pixels, edges join.

    Stream power law: a river cuts by its slope times the root of the area that drains through it. Areas move on by one pixel a round,
    to all lower neighbours; rough starts make the rivers branch.

    References:
        Whipple & Tucker, "Dynamics of the stream-power river incision model", Journal of Geophysical Research, 1999.
    """
    cut, creep, roughness = 0.05, 0.03, 0.1
    height, width = heights.shape
    areas = np.ones_like(heights)
    for turn in range(rounds):
        around = np.pad(heights, 1, mode="wrap")
        parts = [around[1 + down : 1 + down + height, 1 + across : 1 + across + width] for down, across in _NEIGHBOURS]
        falls = [np.maximum(heights - part, 0) * (1 if 0 in step else 0.71) for part, step in zip(parts, _NEIGHBOURS, strict=True)]
        steepest = np.maximum.reduce(falls)
        shares = areas / (sum(fall * fall for fall in falls) + 1e-6)
        areas = 1 + sum(np.roll(fall * fall * shares, step, (0, 1)) for fall, step in zip(falls, _NEIGHBOURS, strict=True))
        heights = heights + uplift + creep * (sum(parts) / 2 - 4 * heights) - np.minimum(cut * np.sqrt(areas), 0.5) * steepest
        if turn < rounds // 2:
            heights += roughness * rng.standard_normal(heights.shape, dtype=np.float32)
    return heights


@dataclass(frozen=True)
class Camera:
    """A camera at the lower edge of a map that looks up the map. Lengths are in sides of the map, which is square."""

    near: float  # distance of the nearest ground in the picture's lowest row, about
    far: float
    eye: float  # height of the camera
    horizon: float  # share of the picture above the horizon
    spread: float  # width of the view at distance 1


@dataclass(frozen=True)
class View:
    """What a camera sees: for each pixel of the rows with ground in them, twice as many for smooth silhouettes, the step of distance."""

    steps: Float[ndarray, "rows width"]  # fractional index along the first axis of `along`; STEPS is sky
    top: int  # the first row of the picture with ground in it

    def composed(self, ground: Pixels, sky: Pixels) -> Pixels:
        """Colours of the ground, given for each step and column, where it is seen, and the sky elsewhere."""
        width = sky.shape[1]
        flat = ground.astype(np.float32).reshape(-1, 3)
        result = sky.astype(np.float32)
        behind = 0.5 * result[self.top :]
        result[self.top :] = 0
        for half in (self.steps[::2], self.steps[1::2]):
            below = np.minimum(half.astype(np.int32), STEPS - 2)
            share = (0.5 * np.minimum(half - below, 1))[..., None]
            places = below * width + np.arange(width, dtype=np.int32)
            seen = flat.take(places + width, axis=0)
            seen *= share
            seen += flat.take(places, axis=0) * (0.5 - share)
            result[self.top :] += np.where((half >= STEPS)[..., None], behind, seen)
        return result


def along(camera: Camera, field: Field, width: int) -> Field:
    """The map's values at each step of distance (first axis) and column of the picture."""
    size = field.shape[0]
    middle = size / 2
    corners: list[float] = []
    for distance, side in ((camera.near, -1), (camera.far, -1), (camera.far, 1), (camera.near, 1)):
        corners += [middle + side * camera.spread * distance * size / 2, size - 1 - distance * (size - 2)]
    image = Image.fromarray(field.astype(np.float32))
    # A quad is a bilinear map, and so is this trapezoid of the map when distances are even.
    return np.asarray(image.transform((width, STEPS), Image.Transform.QUAD, corners, Image.Resampling.BICUBIC))


def view(brief: Brief, camera: Camera, heights: Field) -> View:
    """What is visible of the ground; `heights` come from `along`, in sides of the map."""
    width = brief.width
    focal = width / camera.spread * 2
    raw = (camera.horizon * 2 * brief.height + (camera.eye - heights) / _distances(camera)[:, None] * focal).astype(np.float32)
    highest = np.minimum.accumulate(raw, axis=0)
    top = int(np.clip(highest[-1].min() // 2, 0, brief.height - 1))
    rows = 2 * (brief.height - top)
    # The step seen in a row is the number of steps whose ground all ends below it.
    ends = np.clip(np.ceil(highest) - 2 * top, 0, rows).astype(np.int32)
    counts = np.bincount((ends * width + np.arange(width, dtype=np.int32)).ravel(), minlength=(rows + 1) * width).astype(np.int16)
    seen = np.cumsum(counts.reshape(rows + 1, width)[:0:-1], axis=0, dtype=np.int16)[::-1]
    after = np.clip(seen, 1, STEPS - 1).astype(np.int32)
    places = after * width + np.arange(width, dtype=np.int32)
    upper, lower = raw.ravel().take(places), raw.ravel().take(places - width)
    here = np.arange(2 * top, 2 * brief.height, dtype=np.float32)[:, None]
    share = np.clip((lower - here) / np.maximum(lower - upper, 1e-6), 0, 1)
    return View(np.where(seen >= STEPS, np.float32(STEPS), after - 1 + share), top)


def _distances(camera: Camera) -> Float[ndarray, "steps"]:
    return np.linspace(camera.near, camera.far, STEPS, dtype=np.float32)


def evening_sky(brief: Brief, horizon: float, side: float) -> Pixels:
    """Lighter towards the horizon and the sun, with thin clouds and, sometimes, a pale moon on the other side."""
    rng = brief.rng
    x, y = brief.coordinates()
    height = 1 - np.clip(y / (horizon * y.max()), 0, 1)
    towards = 0.5 + side * (x / x.max() - 0.5)
    clouds = enlarged(spectral_noise(rng, brief.height // 4, brief.width // 4, 2, 2.0, stretch=4), brief.height, brief.width)
    depth = 0.6 if brief.contrast == "strong" else 0.42
    values = 0.94 - depth * height**0.8 * (1.15 - 0.3 * towards) + 0.05 * smoothstep(0.2, 2, clouds)
    if rng.random() < 0.6:
        radius = float(rng.uniform(0.018, 0.05))
        distance = np.hypot(x - x.max() * (0.5 - side * 0.2), y - max(horizon * y.max() * rng.uniform(0.25, 0.45), 1.7 * radius))
        values += 0.3 * smoothstep(radius + 0.001, radius - 0.001, distance) + 0.1 * np.exp(-distance / radius / 2)
    return brief.palette.ramp(values)
