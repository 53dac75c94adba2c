"""Dunes of sand or snow: sharp crests, ripples, and the long shadows of a low sun."""

import numpy as np
from PIL import Image

from ratings.photos.drawn.paper import Brief, Field, blend, blurred, facing, finished, smoothstep, spectral_noise
from ratings.photos.drawn.terrain import STEPS, Camera, along, evening_sky, sunlit, view

SIDE = 760  # of the map, in pixels
CREST = 0.72  # a dune rises to its crest over this share of its length; the lee side is steep


def draw(brief: Brief) -> Image.Image:
    rng, palette = brief.rng, brief.palette
    strong = brief.contrast == "strong"
    eye = float(rng.choice([0.13, 0.17, 0.3]))
    spread = 0.8 * brief.width / max(brief.width, brief.height)
    last = eye * brief.width / (spread * brief.height)  # share of the picture between the horizon and the end of the map
    horizon = float(rng.uniform(0.22, 0.45)) - last
    near = 0.55 * last / (1 - horizon)  # nearer than plain ground in the lowest row, for dunes that stand there
    camera = Camera(near, 1.0, eye, horizon, spread)

    side = int(rng.choice([-1, 1]))
    heights = _dunes(brief)
    light = np.clip(facing(heights * SIDE, (-1.0, -0.2, 0.35 if strong else 0.7)), 0, 1)
    if strong:
        light *= 0.15 + 0.85 * sunlit(heights * SIDE, 0.3, 2)
    heights, light = heights[:, ::side], light[:, ::side]
    levels, lights = along(camera, heights, brief.width), along(camera, light, brief.width)
    lights = lights + _ripples(brief, camera, levels) * np.clip(lights, 0.05, 0.6)

    seen = view(brief, camera, levels)
    distances = np.linspace(near, 1, STEPS, dtype=np.float32)[:, None]
    haze = np.broadcast_to(1 - np.exp(-(0.5 if strong else 1.4) * (distances - near)), levels.shape)
    air = palette.ramp(np.full_like(levels, 0.85))
    ground = blend(palette.ramp(0.08 + 0.92 * lights), air, haze)
    return finished(brief, seen.composed(ground, evening_sky(brief, horizon + 0.9 * last, -side)))


def _dunes(brief: Brief) -> Field:
    """Heights in sides of the map: large dunes with smaller ones on them."""
    rng = brief.rng
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    heights = np.zeros_like(x)
    for count, size in ((brief.choose(3.0, 6.0), 1.0), (brief.choose(8.0, 15.0), 0.12)):
        turn = float(rng.uniform(-0.9, 0.9))
        bends = 0.28 * spectral_noise(rng, SIDE, SIDE, 1.6, 3.6) + 0.03 * spectral_noise(rng, SIDE, SIDE, 7.0, 3.5)
        phase = (count * (x * np.cos(turn) + y * np.sin(turn)) + bends) % 1
        rise, fall = phase / CREST, (1 - phase) / (1 - CREST)
        dune = np.minimum(rise**1.4, np.clip(fall, 0, 1) ** 1.2)
        tall = smoothstep(-1.6, 1.2, spectral_noise(rng, SIDE, SIDE, 2.5, 3.0))
        heights += size * 0.26 / count * dune * (0.25 + 0.75 * tall)
    return blurred(heights, 1.5)  # crests cross the map's grid: without it they have teeth


def _ripples(brief: Brief, camera: Camera, levels: Field) -> Field:
    """Shading of wind ripples; they fade with distance before they get too fine to draw."""
    distances = np.linspace(camera.near, 1, STEPS, dtype=np.float32)[:, None]
    across = (np.linspace(-0.5, 0.5, brief.width, dtype=np.float32) * camera.spread)[None] * distances
    bends = along(camera, spectral_noise(brief.rng, SIDE, SIDE, 12.0, 3.0), brief.width)
    waves = np.sin(2 * np.pi * (210 * across + 70 * distances + 0.8 * bends + 150 * levels))
    return 0.22 * waves * np.exp(-(((distances - 1.8 * camera.near) / 0.16) ** 2))
