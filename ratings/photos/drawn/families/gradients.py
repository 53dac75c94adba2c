"""Grainy gradients: a few soft lights of colour that run into each other."""

import numpy as np
from PIL import Image

from ratings.photos.drawn.paper import Brief, blend, finished, fractal_noise


def draw(brief: Brief) -> Image.Image:
    x, y = brief.coordinates()
    bend = (fractal_noise(brief.rng, brief.height, brief.width, 3, octaves=3) - 0.5) * 0.3
    pixels = brief.palette.ramp(0.15 + 0.5 * (y + bend))
    for _ in range(round(brief.choose(3, 9))):
        across, down = brief.rng.uniform(-0.1, 1.1) * x.max(), brief.rng.uniform(-0.1, 1.1) * y.max()
        radius = brief.choose(0.5, 0.2) * brief.rng.uniform(0.6, 1.2)
        light = np.exp(-(((x + bend - across) ** 2 + (y - bend - down) ** 2) / radius**2) * 2)
        pixels = blend(pixels, np.broadcast_to(brief.palette.colours[brief.rng.integers(5)].astype(np.float32), pixels.shape), 0.9 * light)
    return finished(brief, pixels, grain=0.04)
