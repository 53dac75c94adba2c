"""Gardens: a bed of fronds, umbels, grasses and flowers, as a botanical print."""

import numpy as np
from numpy.random import Generator
from PIL import Image

from ratings.photos.drawn.paper import Brief, finished, shapes
from ratings.photos.drawn.pen import Colour, Pen, Points, Print, printed_paper


def draw(brief: Brief) -> Image.Image:
    sheet = printed_paper(brief)
    longest = max(brief.width, brief.height)
    wide, tall = brief.width / longest, brief.height / longest
    pixels = shapes(brief, sheet.pixels, lambda surface, length: _bed(brief, Pen(surface, length), wide, tall, sheet))
    return finished(brief, pixels, grain=0.014)


def _bed(brief: Brief, pen: Pen, wide: float, tall: float, sheet: Print) -> None:
    """Stems side by side: fronds, umbels, grasses and flowers."""
    rng = brief.rng
    count = max(round(brief.choose(7, 15) * wide), 4)
    for inks in (sheet.far, sheet.near):
        for place in rng.permutation(np.linspace(0.08, 0.92, count) + rng.normal(0, 0.02, count)):
            height = tall * float(rng.uniform(0.4, 0.85)) * (1 - 0.6 * abs(place - 0.5))
            t = np.linspace(0, 1, 30)
            stem = np.stack([place * wide + float(rng.normal(0, 0.04)) * t**2, tall * 1.01 - height * t], axis=1)
            plant = (_frond, _umbel, _umbel, _grass, _flower, _flower)[rng.integers(6)]
            first, second = rng.permutation(3)[:2]
            plant(rng, pen, stem, height, [inks[first], inks[second], inks[3]], brief.choose(1.2, 0.85))


def _frond(rng: Generator, pen: Pen, stem: Points, height: float, inks: list[Colour], scale: float) -> None:
    pen.line(stem, 0.003 * scale, inks[0])
    wide = float(rng.choice([0.1, 0.15, 0.2]))
    for at in np.linspace(7, 29, round(float(rng.uniform(8, 13)))).astype(int):
        size = 0.2 * height * (1 - 0.8 * (at - 7) / 22)
        heading = float(np.arctan2(*(stem[at] - stem[at - 1])[::-1]))
        for side in (-1, 1):
            pen.leaf(stem[at], heading + side * 0.95, size, wide, inks[0 if side < 0 else 1])


def _umbel(rng: Generator, pen: Pen, stem: Points, height: float, inks: list[Colour], scale: float) -> None:
    pen.line(stem, 0.003 * scale, inks[0])
    rays = round(float(rng.uniform(9, 17)))
    reach = 0.2 * height * scale
    for ray in np.linspace(-1.15, 1.15, rays):
        end = stem[-1] + reach * np.array([np.sin(ray), -np.cos(ray) * float(rng.uniform(0.75, 0.95))])
        pen.line(np.array([stem[-1], end]), 0.0013 * scale, inks[0])
        for spot in end + rng.normal(0, 0.011 * scale, (9, 2)):
            pen.dot(spot, 0.0036 * scale, inks[1 + int(rng.random() < 0.6)])


def _grass(rng: Generator, pen: Pen, stem: Points, height: float, inks: list[Colour], scale: float) -> None:
    pen.line(stem, 0.0022 * scale, inks[0])
    for at in range(17, 30, 2):
        heading = float(np.arctan2(*(stem[at] - stem[at - 1])[::-1]))
        for side in (-1, 1):
            pen.leaf(stem[at], heading + side * 0.5, 0.034 * scale, 0.2, inks[1])
    for blade in rng.uniform(-0.5, 0.5, 3):
        pen.leaf(stem[0], -np.pi / 2 + float(blade), height * float(rng.uniform(0.3, 0.6)), 0.025, inks[0])


def _flower(rng: Generator, pen: Pen, stem: Points, height: float, inks: list[Colour], scale: float) -> None:
    pen.line(stem, 0.0032 * scale, inks[0])
    for at, side in ((9, -1), (13, 1)):
        pen.leaf(stem[at], -np.pi / 2 + side * 0.55, 0.25 * height, 0.14, inks[0])
    petals = int(rng.choice([5, 7, 11]))
    size = 0.07 * scale * float(rng.uniform(0.8, 1.3))
    for petal in range(petals):
        pen.leaf(stem[-1], petal * 2 * np.pi / petals, size, 1.1 / petals, inks[1 + petal % 2])
    pen.dot(stem[-1], 0.26 * size, inks[0])
    for grain in np.linspace(0, 2 * np.pi, 9):
        pen.dot((stem[-1] + 0.36 * size * np.array([np.cos(grain), np.sin(grain)])), 0.035 * size, inks[2])
