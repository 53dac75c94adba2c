"""Mountains: ridges behind each other, cut by rivers, under a low sun or in mist; paler with distance."""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import (
    Brief,
    Field,
    blend,
    enlarged,
    facing,
    finished,
    fractal_noise,
    mask,
    smoothstep,
    spectral_noise,
    stretched,
    warped,
)
from ratings.photos.drawn.terrain import STEPS, Camera, along, eroded, evening_sky, sunlit, view

COARSE, FINE = 144, 576  # sides of the map, in pixels: while rivers cut it, and as it is seen


def draw(brief: Brief) -> Image.Image:
    rng, palette = brief.rng, brief.palette
    strong = brief.contrast == "strong"
    horizon = float(rng.uniform(0.33, 0.5))
    water = 0.05 * float(rng.uniform(0.6, 1.1))  # height of the mist, or of a lake
    eye = float(rng.uniform(0.11, 0.15))
    spread = 0.85 * brief.width / max(brief.width, brief.height)
    near = (eye - water) * brief.width / (brief.height * (1 - horizon) * spread)  # so that ground fills the lowest row
    camera = Camera(near, 1.0, eye, horizon, spread)

    side = int(rng.choice([-1, 1]))  # where the sun stands; light and shadows are computed for a sun on the left
    heights = _range(brief, camera)[:, ::-side]
    light = np.clip(facing(heights * FINE, (-1.0, 0.35, 0.45 if strong else 0.9)), 0, 1)
    if strong:
        light *= 0.35 + 0.65 * sunlit(heights * FINE, 0.4, 4)
    snow = smoothstep(0.5, 0.8, heights / heights.max() + 0.4 * (light - 0.5))
    levels, shades = (along(camera, field[:, ::-side], brief.width) for field in (heights, light * (0.5 + 0.5 * snow)))

    distances = np.linspace(near, 1, STEPS, dtype=np.float32)[:, None]
    lake = strong and brief.density == "sparse"
    clear = np.exp(-(0.5 if strong else 1.3) * distances) * (
        1 if lake else smoothstep(water * 0.9, water * (1.7 if strong else 2.2), levels)
    )
    air = palette.ramp(np.broadcast_to((0.78 if strong else 0.8) - 0.15 * np.exp(-4 * (distances - near)), levels.shape))
    ground, sky = blend(air, palette.ramp(0.02 + 0.95 * shades), clear), evening_sky(brief, horizon, side)
    if lake:
        pixels = _mirrored(brief, camera, water, levels, ground, sky)
    else:
        pixels = view(brief, camera, np.maximum(levels, water)).composed(ground, sky)
    if brief.density == "dense":
        pixels = blend(pixels, np.broadcast_to(palette.colours[0] * 0.9, pixels.shape), _firs(brief) * (0.96 if strong else 0.8))
    return finished(brief, pixels)


def _mirrored(brief: Brief, camera: Camera, water: float, levels: Field, ground: Pixels, sky: Pixels) -> Pixels:
    """The view over a lake: what it mirrors is what a camera as far below the water sees, upside down and shaken by waves."""
    wet = levels < water
    above = view(brief, camera, np.maximum(levels, water)).composed(np.where(wet[..., None], np.nan, ground), sky)
    below = replace(camera, eye=2 * water - camera.eye, horizon=1 - camera.horizon)
    rows = np.arange(brief.height)
    turned = sky[np.clip(rows - round((1 - 2 * camera.horizon) * brief.height), 0, brief.height - 1)]
    mirrored = view(brief, below, np.where(wet, -9, levels)).composed(ground, turned)[::-1]
    nearness = np.clip((rows / brief.height - camera.horizon) / (1 - camera.horizon), 0, 1)[:, None]
    waves = enlarged(spectral_noise(brief.rng, brief.height // 2, brief.width // 4, 50, 2.5, stretch=6), brief.height, brief.width)
    shaken = np.clip(rows[:, None] + 7 * nearness * waves, 0, brief.height - 1).astype(np.int32)
    lake = mirrored[shaken, np.arange(brief.width)]
    lake = blend(lake, np.broadcast_to(brief.palette.colours[1], lake.shape), np.broadcast_to(0.08 + 0.3 * nearness, lake.shape[:2]))
    return np.where(np.isnan(above), lake, above)


def _range(brief: Brief, camera: Camera) -> Field:
    """Heights in sides of the map: rivers cut them on a coarse map, which is bent and roughened. The foreground is low."""
    rng = brief.rng
    cells = brief.choose(2.0, 4.5)
    y, x = np.mgrid[0:COARSE, 0:COARSE].astype(np.float32) / COARSE
    third = float(rng.choice([-1, 1])) * 0.17 * camera.spread
    summit = np.exp(-((x - 0.5 - third * 0.75) ** 2 + (y - 0.35) ** 2) / 0.03)
    uplift = 0.3 * stretched(spectral_noise(rng, COARSE, COARSE, cells, 3)) + 0.3 * summit + 0.2 * smoothstep(0.2, 0.05, y)
    start = COARSE * 0.2 * stretched(spectral_noise(rng, COARSE, COARSE, cells, 2))
    heights = stretched(eroded(rng, start, uplift, 90)) * smoothstep(camera.near, camera.near + 0.3, 1 - y)
    heights = enlarged(heights, FINE, FINE)
    across, down = (0.012 * FINE * spectral_noise(rng, FINE, FINE, 4, 4) for _ in range(2))
    return 0.21 * warped(heights, across, down) - 0.0013 * np.abs(spectral_noise(rng, FINE, FINE, 25, 1.7))  # with sharp edges


def _firs(brief: Brief) -> Field:
    """A dark slope with firs along the lower edge."""
    rng = brief.rng
    slope = float(rng.choice([-1, 1]))

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        width, height = longest * brief.width / max(brief.width, brief.height), longest * brief.height / max(brief.width, brief.height)
        for row, (base, tree) in enumerate(((0.88, 0.05), (0.95, 0.085))):
            rise = fractal_noise(rng, 2, 512, 4, 4)[0] - 0.5
            ground = height * (base - 0.1 * slope * (np.linspace(-0.5, 0.5, 512)) + 0.07 * rise)
            surface.polygon([(0, height), *zip(np.linspace(0, width, 512), ground, strict=True), (width, height)], fill=150 + 105 * row)
            for place in np.sort(rng.uniform(0, 1, 130 - 50 * row)):
                foot = (place * width, float(np.interp(place, np.linspace(0, 1, 512), ground)) + 0.004 * longest)
                _fir(
                    surface,
                    rng,
                    foot,
                    longest * tree * float(rng.uniform(0.4, 1.1)) * (0.4 + 0.6 * rise[int(place * 511)] * 2 + 0.4),
                    150 + 105 * row,
                )

    return mask(brief, paint)


def _fir(surface: ImageDraw.ImageDraw, rng: np.random.Generator, foot: tuple[float, float], size: float, fill: int) -> None:
    tiers = 9
    for tier in range(tiers):
        top, half = foot[1] - size * (1 - tier / tiers), size * 0.22 * (tier + 1.3) / tiers
        drop = size * 2.1 / tiers
        left, right = (half * float(rng.uniform(0.75, 1.15)) for _ in range(2))
        surface.polygon(
            [(foot[0], top), (foot[0] - left, top + drop), (foot[0] + right, top + drop * float(rng.uniform(0.85, 1.1)))], fill=fill
        )
