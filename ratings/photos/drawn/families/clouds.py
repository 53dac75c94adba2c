"""Clouds: banks of cumulus behind each other, lit from one side."""

import numpy as np
from PIL import Image

from ratings.photos.drawn.paper import Brief, Field, blend, enlarged, finished, smoothstep, spectral_noise

SCALE = 2  # clouds are soft: they are computed at half the size


def draw(brief: Brief) -> Image.Image:
    rng, palette = brief.rng, brief.palette
    strong = brief.contrast == "strong"
    x, y = brief.coordinates()
    tall, wide = float(y.max()), float(x.max())
    side = int(rng.choice([-1, 1]))  # where the sun stands
    towards = 0.5 + side * (x / wide - 0.5)
    dark, pale = (0.2, 0.75) if strong else (0.5, 0.85)
    sky = dark + (pale - dark) * (0.75 * y / tall + 0.35 * towards)
    if rng.random() < 0.6:
        radius = brief.choose(0.06, 0.03)
        distance = np.hypot(
            x - wide * (0.5 - side * float(rng.uniform(0.1, 0.3))), y - max(tall * float(rng.uniform(0.14, 0.3)), 1.6 * radius)
        )
        sky += (0.94 - sky) * smoothstep(radius + 0.001, radius - 0.001, distance) * (0.9 if strong else 0.7) + 0.1 * np.exp(
            -distance / 0.1
        )
    pixels = palette.ramp(sky)
    start = float(rng.uniform(0.36, 0.62))  # tops of the furthest bank, from above
    banks = round(brief.choose(3, 5))
    for bank in range(banks):
        depth = bank / (banks - 1)  # 0 far, 1 near
        top = tall * (start + (0.88 - start) * depth + float(rng.uniform(-0.05, 0.05)))
        cover, light = _bank(brief, top, depth, side)
        lit = (0.14 if strong else 0.24) + 0.16 * (1 - depth) + (0.74 if strong else 0.56) * light
        colours = palette.ramp(lit)
        pixels = blend(pixels, colours, cover * (0.7 + 0.3 * depth))
    return finished(brief, pixels)


def _bank(brief: Brief, top: float, depth: float, side: int) -> tuple[Field, Field]:
    rng = brief.rng
    height, width = brief.height // SCALE, brief.width // SCALE
    longest = max(height, width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / longest
    peak = width / longest * float(rng.choice([0.2, 0.33, 0.67, 0.8]))
    top = top - 0.22 * (1 - depth) * np.exp(-(((x - peak) / 0.16) ** 2))
    cells = brief.choose(1.6, 2.8) * (1.5 - 0.5 * depth)
    towers = enlarged(spectral_noise(rng, height // 4, width // 4, cells, 3.0), height, width)
    puffs = np.abs(spectral_noise(rng, height, width, 3 * cells, 2.3))
    small = np.abs(spectral_noise(rng, height, width, 12 * cells, 2.2))
    solid = 5.5 * (y - top) + 0.45 * towers + 0.25 * puffs + 0.07 * small
    cover = smoothstep(0.0, 0.3, solid)
    depths = np.clip(solid, 0, 1.5)
    rows, columns = np.arange(height)[:, None], np.arange(width)
    through = np.zeros_like(solid)
    for step in range(10):  # further and further towards the sun: edges and large forms
        distance = longest * 0.004 * 1.45**step
        up, aside = rows - round(0.7 * distance), np.clip(columns + round(side * distance), 0, width - 1)
        through += np.where(up < 0, 0, depths[np.maximum(up, 0), aside]) - 0.5 * depths
    light = np.exp(-0.2 * np.clip(through, -1, 20))
    return enlarged(cover, brief.height, brief.width), enlarged(light, brief.height, brief.width)
