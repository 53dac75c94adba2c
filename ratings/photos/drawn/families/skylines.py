"""Skylines: towers behind each other at dusk or night, with lit windows, in haze or mirrored in water."""

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, enlarged, finished, masks, smoothstep, spectral_noise

FLAT, SETBACK, SPIRE, SLANT = range(4)


def draw(brief: Brief) -> Image.Image:
    rng, palette = brief.rng, brief.palette
    strong = brief.contrast == "strong"
    x, y = brief.coordinates()
    tall = float(y.max())
    night = bool(rng.random() < (0.5 if strong else 0.25))
    water = bool(rng.random() < 0.55)
    shore = tall * (float(rng.uniform(0.62, 0.74)) if water else 1.02)
    pixels, air = _sky(brief, x, y, shore, night)
    layers = round(brief.choose(3, 4.4))
    focus = float(x.max()) * float(rng.choice([0.33, 0.5, 0.67]))
    for layer in range(layers):
        depth = layer / (layers - 1)
        drawn = _towers(brief, shore, focus, depth)
        cover, face, windows = (drawn[..., channel] for channel in range(3))
        mist = np.clip((1 - depth) * 0.8 + (0.25 if strong else 0.45) * smoothstep(shore - 0.25, shore, y) * (1 - 0.7 * depth), 0, 0.95)
        wall = palette.ramp((0.04 if strong else 0.05) + 0.13 * face)
        wall = blend(wall, np.broadcast_to(air, wall.shape), mist)
        lamps = palette.ramp(np.full_like(face, 0.8 if night else 0.88))
        wall = blend(wall, lamps, np.clip(windows, 0, 1) * (0.35 + 0.6 * depth) * (1.0 if night else 0.75))
        pixels = blend(pixels, wall, cover)
    if water:
        pixels = _mirrored(brief, pixels, y, shore)
    return finished(brief, pixels)


def _sky(brief: Brief, x: Field, y: Field, shore: float, night: bool) -> tuple[Pixels, np.ndarray]:
    """The sky, and the colour of its haze above the ground."""
    rng = brief.rng
    down = np.clip(y / shore, 0, 1)
    dark, pale = (0.02, 0.42) if night else ((0.3, 0.9) if brief.contrast == "strong" else (0.55, 0.9))
    values = dark + (pale - dark) * down**1.4
    clouds = enlarged(spectral_noise(rng, brief.height // 4, brief.width // 4, 2.5, 2.0, stretch=4), brief.height, brief.width)
    values += 0.07 * smoothstep(0, 2, clouds)
    if rng.random() < 0.75:
        radius = brief.choose(0.055, 0.035) * float(rng.uniform(0.8, 1.6))
        moon = float(x.max()) * float(rng.choice([0.25, 0.4, 0.6, 0.75])), max(shore * float(rng.uniform(0.18, 0.45)), 1.4 * radius)
        distance = np.hypot(x - moon[0], y - moon[1])
        values += 0.16 * np.exp(-distance / 0.13)
        values = np.maximum(values, smoothstep(radius + 0.001, radius - 0.001, distance) * 0.97)
    return brief.palette.ramp(values), brief.palette.ramp(np.array(pale - 0.06))


def _towers(brief: Brief, shore: float, focus: float, depth: float) -> Pixels:
    """Three fields in one: where towers are, the tone of their faces, and where windows are lit."""
    rng = brief.rng
    longest = max(brief.width, brief.height)
    wide = brief.width / longest
    small = brief.choose(1.25, 0.8) * (0.7 + 0.5 * depth)
    floor = 0.0056 * small

    def paint(surface: ImageDraw.ImageDraw, scale: float) -> None:
        place = -0.05
        while place < wide:
            width = small * float(rng.uniform(0.022, 0.06))
            near = np.exp(-(((place - focus) / 0.2) ** 2))
            height = shore * (
                0.1 + 0.2 * (1 - depth) + (0.42 - 0.12 * depth) * near * float(rng.random()) ** 0.8 + 0.12 * float(rng.random())
            )
            _tower(surface, rng, scale, (place, shore - height, place + width, shore + 0.01), floor, 0.5 * depth)
            place += width * float(rng.uniform(0.75, 1.5))

    return masks(brief, paint)


def _tower(
    surface: ImageDraw.ImageDraw, rng: Generator, scale: float, box: tuple[float, float, float, float], floor: float, lit: float
) -> None:
    left, top, right, bottom = box
    width = right - left
    tone = round(255 * float(rng.uniform(0.1, 0.9)))
    kind = rng.choice([FLAT, SETBACK, SPIRE, SLANT], p=[0.4, 0.3, 0.15, 0.15])
    fill, shaded = (255, tone, 0), (255, round(0.45 * tone), 0)

    def block(west: float, north: float, east: float) -> None:
        side = west + 0.62 * (east - west)
        surface.rectangle([west * scale, north * scale, east * scale, bottom * scale], fill=fill)
        surface.rectangle([side * scale, north * scale, east * scale, bottom * scale], fill=shaded)

    block(left, top, right)
    if kind == SETBACK:
        block(left + 0.18 * width, top - 0.35 * width, right - 0.18 * width)
        block(left + 0.34 * width, top - 0.6 * width, right - 0.34 * width)
    elif kind == SPIRE:
        middle = (left + right) / 2
        surface.polygon(
            [(left * scale, top * scale), (middle * scale, (top - 1.1 * width) * scale), (right * scale, top * scale)], fill=fill
        )
        surface.rectangle([(middle - 0.0008) * scale, (top - 2.2 * width) * scale, (middle + 0.0008) * scale, top * scale], fill=fill)
    elif kind == SLANT:
        surface.polygon(
            [(left * scale, top * scale), (right * scale, (top - 0.5 * width) * scale), (right * scale, top * scale)], fill=shaded
        )
    columns = max(2, int(width / (1.15 * floor)))
    rows = int((bottom - top) / (1.6 * floor))
    share = lit * float(rng.uniform(0.3, 1.1))
    glow = rng.random((rows, columns)) < share * (0.5 + rng.random((rows, 1)))
    step = width / (columns + 0.4)
    for row, column in np.argwhere(glow):
        west, north = left + step * (0.4 + column), top + floor * (0.8 + 1.6 * row)
        bright = int(rng.integers(120, 256))
        surface.rectangle(
            [west * scale, north * scale, (west + 0.55 * step) * scale, (north + 0.9 * floor) * scale], fill=(255, tone, bright)
        )


def _mirrored(brief: Brief, pixels: Pixels, y: Field, shore: float) -> Pixels:
    """Water below the shore that mirrors what stands above, drawn out by waves."""
    rng = brief.rng
    longest = max(brief.width, brief.height)
    row = round(shore * longest)
    depth = np.arange(1, brief.height - row + 1, dtype=np.float32)[:, None]
    waves = enlarged(spectral_noise(rng, len(depth), brief.width // 4, 40, 2.3, stretch=5), len(depth), brief.width)
    shake = (1.5 + 0.09 * depth) * waves
    rows = np.clip(row - depth - np.abs(shake) * 1.5, 0, row - 1).astype(np.int32)
    columns = np.clip(np.arange(brief.width) + 0.5 * shake, 0, brief.width - 1).astype(np.int32)
    mirrored = pixels[rows, columns]
    deep = np.broadcast_to(brief.palette.colours[0], mirrored.shape)
    share = np.broadcast_to(0.22 + 0.35 * depth / len(depth), mirrored.shape[:2])
    return np.vstack([pixels[:row], blend(mirrored, deep, share * (1.0 if brief.contrast == "strong" else 0.6))])
