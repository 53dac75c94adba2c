"""Seas: a sun or moon over the water, thin clouds, sometimes islands, and all that mirrored in waves."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image

from ratings.photos.drawn.paper import Brief, Field, blend, enlarged, finished, fractal_noise, smoothstep, spectral_noise

Light = Callable[[Field, Field, float], Field]
"""Brightness of the sky at a place from left to right and a height above the horizon, and softness; in lengths of the longer side."""

TILE = 256  # side of a patch of waves, in pixels


def draw(brief: Brief) -> Image.Image:
    rng, palette = brief.rng, brief.palette
    strong = brief.contrast == "strong"
    x, y = brief.coordinates()
    horizon = float(y.max()) * float(rng.choice([0.35, 0.6, 0.68]))
    row = int(np.searchsorted(y[:, 0], horizon))
    light = _light(brief, horizon)
    above, below = (x[:row], horizon - y[:row]), (x[row:, ::2], y[row:, ::2] - horizon)
    pale, deep = palette.colours[4], palette.colours[0 if strong else 1]
    sky = palette.ramp(light(*above, 0.001))
    bright, dark = _clouds(brief, above[1])
    sky = blend(blend(sky, np.broadcast_to(palette.colours[1], sky.shape), dark), np.broadcast_to(pale, sky.shape), bright)

    across, down = _slopes(brief, *below)
    depth = below[1]
    mirrored = light(below[0] + across, np.abs(depth + down), 0.02)
    # Flat looks mirror the sky, steep looks see into the water.
    share = 0.12 + 0.8 * np.exp(-(2.5 if strong else 1.8) * np.abs(depth + 0.6 * down))
    share = np.maximum(share, 0.9 * smoothstep(0.88, 0.98, mirrored))  # glints of the sun
    size = y.shape[0] - row, x.shape[1]
    sea = palette.ramp(enlarged(mirrored, *size))
    return finished(brief, np.vstack([sky, blend(np.broadcast_to(deep, sea.shape), sea, enlarged(share, *size))]).astype(np.float32))


def _light(brief: Brief, horizon: float) -> Light:
    """The evening sky: a gradient, a disc with its glow, islands before it."""
    rng = brief.rng
    strong = brief.contrast == "strong"
    width = brief.width / max(brief.width, brief.height)
    place = width * float(rng.choice([0.33, 0.5, 0.67]))
    radius = brief.choose(0.055, 0.03) * float(rng.uniform(0.7, 1.4))
    height = float(rng.choice([0.35, 1.6, 3.0])) * radius if rng.random() < 0.8 else 0.6 * horizon
    height = min(height, horizon - 1.7 * radius)
    dark, pale = (0.25, 0.8) if strong else (0.42, 0.86)
    spots = np.linspace(-0.3, 1.3, 600)
    hills = [
        (tone, tall * np.clip(fractal_noise(rng, 2, 600, cells, 5)[0] - 0.45, 0, 1) * smoothstep(0.1, 0.5, np.abs(spots - place - 0.1)))
        for tone, tall, cells in ((0.5, 0.16, 3), (0.25, 0.12, 4))
    ]
    islands = rng.random() < 0.5

    def light(x: Field, up: Field, soft: float) -> Field:
        distance = np.hypot(x - place, up - height)
        values = dark + (pale - dark) * np.exp(-up / (0.5 * horizon)) - 0.06 * np.abs(x - place)
        values += (0.25 if strong else 0.12) * np.exp(-distance / 0.18)
        values = np.maximum(values, smoothstep(radius + soft, radius - soft, distance) * (1.0 if strong else 0.97))
        for tone, profile in hills if islands else ():
            ground = np.interp(x, spots, profile).astype(np.float32)
            values += (tone * values - values) * (0.9 if strong else 0.5) * smoothstep(soft, -soft, up - ground)
        return values

    return light


def _clouds(brief: Brief, up: Field) -> tuple[Field, Field]:
    """Shares of bright and of dark cloud: bands, flatter towards the horizon."""
    columns = up.shape[1]
    noise = spectral_noise(brief.rng, 320, 320, brief.choose(2.5, 6.0), 1.9, stretch=3.0)
    reach = 1023 - (up[:, 0] / (up[:, 0] + 0.5) * 1023).astype(np.int32)
    cover = enlarged(noise, 1024, columns)[reach]
    amount = float(brief.rng.uniform(0.3, 0.6)) * (1 if brief.contrast == "strong" else 0.6) * smoothstep(0.0, 0.05, up)
    return amount * smoothstep(0.2, 2.0, cover), 0.7 * amount * smoothstep(0.3, 2.2, -cover)


def _slopes(brief: Brief, x: Field, depth: Field) -> tuple[Field, Field]:
    """How far waves throw a mirrored ray to the side and down: three sizes of waves on a plane, each as far as it can be drawn."""
    eye = 0.12
    far = eye / np.maximum(depth, 1e-3)
    side = (x - 0.5) * far
    row = far**2 / eye / max(brief.width, brief.height)  # distance between two rows of pixels
    across, down = np.zeros_like(x), np.zeros_like(x)
    for size in (5.0, 1.5, 0.45):
        scale = TILE / size * brief.choose(0.7, 1.2)
        fade = np.exp(-0.5 * (row * scale / 5) ** 2)
        wind = float(brief.rng.uniform(-0.4, 0.4))
        u, v = scale * (side * np.cos(wind) + far * np.sin(wind)), scale * (far * np.cos(wind) - side * np.sin(wind))
        for total, slopes in zip((across, down), _waves(brief.rng), strict=True):
            total += fade * _tiled(slopes, u, v)
    steep = float(brief.rng.uniform(0.02, 0.035)) if brief.contrast == "strong" else float(brief.rng.uniform(0.012, 0.022))
    steep *= brief.choose(0.8, 1.3)
    return 0.7 * steep * across, steep * down


def _waves(rng: Generator) -> tuple[Field, Field]:
    """Slopes of a patch of sea, across and along the wind, that repeats at its edges.

    References:
        J. Tessendorf, "Simulating Ocean Water", SIGGRAPH course notes, 2001: Phillips' spectrum.
    """
    across, along = np.fft.rfftfreq(TILE) * TILE, np.fft.fftfreq(TILE)[:, None] * TILE
    length = np.maximum(np.hypot(across, along), 1e-3)
    heights = (
        np.fft.rfft2(rng.standard_normal((TILE, TILE)))
        * np.exp(-((7 / length) ** 2) - (length / 45) ** 2)
        * (0.2 + np.abs(along))
        / length**3
    )
    slopes = [np.fft.irfft2(1j * direction * heights, s=(TILE, TILE)) for direction in (across, along)]
    return slopes[0] / slopes[1].std(), slopes[1] / slopes[1].std()


def _tiled(values: Field, x: Field, y: Field) -> Field:
    """Values of a patch that repeats, at places in its pixels, blended between neighbours."""
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    x, y = x - left, y - top
    flat = values.astype(np.float32).ravel()
    left, right, top, bottom = left % TILE, (left + 1) % TILE, top % TILE * TILE, (top + 1) % TILE * TILE
    upper = flat[top + left] * (1 - x) + flat[top + right] * x
    return upper * (1 - y) + (flat[bottom + left] * (1 - x) + flat[bottom + right] * x) * y
