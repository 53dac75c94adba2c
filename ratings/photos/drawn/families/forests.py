"""Forests: trunks in fog behind each other, birches or dark firs' stems, around a light between them."""

import math

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, blend, enlarged, finished, fractal_noise, masks, smoothstep, spectral_noise
from ratings.photos.drawn.pen import Pen

STRIPS = 5  # of a trunk, from its lit side to its dark side


def draw(brief: Brief) -> Image.Image:
    rng, palette = brief.rng, brief.palette
    strong = brief.contrast == "strong"
    x, y = brief.coordinates()
    wide, tall = float(x.max()), float(y.max())
    light = wide * float(rng.choice([0.3, 0.5, 0.7])), tall * float(rng.uniform(0.35, 0.55))
    distance = np.hypot(x - light[0], 0.8 * (y - light[1]))
    fog = enlarged(spectral_noise(rng, brief.height // 4, brief.width // 4, 3, 2.2, stretch=2), brief.height, brief.width)
    glow = np.exp(-((distance / 0.36) ** 2))
    pixels = palette.ramp((0.5 if strong else 0.68) + (0.44 if strong else 0.24) * glow + 0.02 * fog)
    birches = bool(rng.random() < 0.5)
    layers = round(brief.choose(3.6, 4.4))
    for layer in range(layers):
        depth = (layer + 0.4) / (layers - 0.6)  # 0 far, 1 near
        floor = tall * (0.7 + 0.27 * depth)
        drawn = _stand(brief, light[0], floor, depth, birches)
        cover, face, marks = (drawn[..., channel] for channel in range(3))
        low, high = (0.5, 0.98) if birches else (0.03, 0.5)
        bark = palette.ramp(np.clip(low + (high - low) * face - 0.5 * marks, 0.02, 1))
        clear = (0.1 + 0.9 * depth**1.4) * (1 - (0.75 - 0.6 * depth) * glow)
        rise = 0.035 * (fractal_noise(rng, 2, brief.width, 6, 7, 0.6)[0] - 0.5)
        ground = smoothstep(-0.002 - 0.02 * (1 - depth), 0.004 + 0.04 * (1 - depth), y - floor - rise[None])
        pixels = blend(pixels, bark, cover * (1 - ground) * clear * (1.0 if strong else 0.9))
        low_part = slice(round(0.6 * brief.height), None)
        tone = (0.45 - 0.38 * depth + 0.25 * glow * (1 - 0.5 * depth) + 0.015 * fog)[low_part]
        pixels[low_part] = blend(pixels[low_part], palette.ramp(tone), ground[low_part] * (0.45 + 0.53 * depth))
    return finished(brief, pixels)


def _stand(brief: Brief, light: float, floor: float, depth: float, birches: bool) -> Pixels:
    """Three fields in one: where trunks and twigs are, how much their faces look to the light, and dark marks of the bark."""
    rng = brief.rng
    longest = max(brief.width, brief.height)
    wide = brief.width / longest
    count = max(2, round(brief.choose(6, 12) * wide * (1.6 - depth)))
    places = (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count * wide
    if depth > 0.9:  # nothing right before the light
        places = places[np.abs(places - light) > 0.12]

    def paint(surface: ImageDraw.ImageDraw, length: float) -> None:
        pen = Pen(surface, length)
        for place in places:
            thick = brief.choose(0.022, 0.014) * (0.3 + 0.9 * depth) * float(rng.uniform(0.6, 1.3))
            _trunk(pen, rng, float(place), floor + 0.03, thick, 1.0 if place < light else -1.0, birches, depth)

    return masks(brief, paint)


def _trunk(pen: Pen, rng: Generator, place: float, floor: float, thick: float, side: float, birches: bool, depth: float) -> None:
    t = np.linspace(0, 1.02, 40)
    middle = place + float(rng.normal(0, 0.02)) * t + 0.15 * thick * np.interp(t, np.linspace(0, 1.02, 9), rng.normal(0, 1, 9))
    half = thick * (0.5 - 0.2 * t + 0.35 * np.exp(-t * floor / thick * 0.8)) * (1 + 0.04 * rng.normal(0, 1, 40))
    down = floor * (1 - t)
    for strip in range(STRIPS):
        edges = [middle + side * half * (1 - 2 * (strip + part) / STRIPS) for part in (0.0, 1.15)]
        outline = np.vstack([np.stack([edges[0], down], axis=1), np.stack([edges[1], down], axis=1)[::-1]])
        pen.shape(outline, (255, round(255 * (0.95 - 0.85 * strip / (STRIPS - 1))), 0))
    if birches:
        for mark in rng.integers(0, 39, round(40 * (0.5 + depth))):
            reach = half[mark] * float(rng.uniform(0.3, 1.6))
            edge = middle[mark] + half[mark] * float(rng.choice([-1, 1]))
            inner = float(np.clip(edge + reach * np.sign(middle[mark] - edge), middle[mark] - half[mark], middle[mark] + half[mark]))
            high = 0.05 * thick * float(rng.uniform(0.4, 2.0))
            level = down[mark] + floor / 40 * float(rng.random())
            pen.shape(np.array([[edge, level - high], [inner, level], [edge, level + high]]), (255, 120, 235))
    for _ in range(round(2 + 3 * depth)):
        at = int(rng.integers(12, 39))
        turn = float(rng.choice([-1, 1]))
        _twig(
            pen,
            rng,
            (middle[at], down[at]),
            -np.pi / 2 + turn * float(rng.uniform(0.6, 1.2)),
            0.045 * (0.5 + depth),
            0.25 * half[at],
            3 if depth > 0.6 else 2,
        )


def _twig(pen: Pen, rng: Generator, start: tuple[float, float], heading: float, size: float, thick: float, rest: int) -> None:
    points = [start]
    for turn, side in zip(rng.normal(0, 0.15, 3).tolist(), rng.uniform(0.35, 0.8, 3).tolist(), strict=True):
        heading += turn
        points.append((points[-1][0] + size * math.cos(heading), points[-1][1] + size * math.sin(heading)))
        if rest > 0:
            _twig(pen, rng, points[-1], heading + (side if rng.random() < 0.5 else -side), 0.6 * size, 0.55 * thick, rest - 1)
    pen.line(points, 0.8 * thick, (255, 60, 160))
