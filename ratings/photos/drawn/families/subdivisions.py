"""Divided planes: grids of plain shapes, rectangles between black bars, facets of triangles, and layered sheets."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, blurred, colour, finished, fractal_noise, mask, plain, shapes

Box = tuple[float, float, float, float]  # left, top, right, bottom
Triangle = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
Ink = tuple[int, int, int]

FIGURES = {"quarter": 4, "arcs": 3, "half": 3, "triangle": 3, "disc": 2, "leaf": 2, "stripes": 1, "square": 1, "dots": 1}  # how often each


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_modules, _bars, _facets, _modules, _sheets)
    pixels = style(brief)
    paper = 1 + 0.05 * (fractal_noise(brief.rng, brief.height, brief.width, 240, octaves=2) - 0.5)
    return finished(brief, pixels * paper[..., None], grain=0.016)


def _modules(brief: Brief) -> Pixels:
    """A square grid with a margin, a plain shape in most of its cells; four cells can hold one large shape."""
    rng = brief.rng
    dark = rng.random() < 0.35
    inks = [colour(one) for one in brief.palette.colours]
    ground, figures = (inks[0], inks[1:]) if dark else (inks[4], inks[:4])
    figures = [figures[place] for place in rng.permutation(4)[: rng.integers(3, 5)]]
    cells = round(brief.choose(4.4, 9))  # along the shorter side
    size = min(brief.width, brief.height) / (cells + 1.2)
    columns, rows = int(brief.width / size - 0.8), int(brief.height / size - 0.8)
    left, top = (brief.width - columns * size) / 2, (brief.height - rows * size) / 2
    calm = rng.uniform(0.08, 0.3)  # the share of empty cells

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        scale = longest / max(brief.width, brief.height)
        taken = np.zeros((rows, columns), bool)
        for row in range(rows):
            for column in range(columns):
                if taken[row, column]:
                    continue
                large = row + 1 < rows and column + 1 < columns and not taken[row, column + 1] and rng.random() < 0.22
                reach = 2 if large else 1
                taken[row : row + reach, column : column + reach] = True
                x, y = (left + column * size) * scale, (top + row * size) * scale
                box = (x, y, x + reach * size * scale, y + reach * size * scale)
                if large or rng.random() > calm:
                    first, second = (figures[place] for place in rng.choice(len(figures), 2, replace=False))
                    _figure(surface, rng, box, first, second if rng.random() < 0.6 else ground)

    return shapes(brief, plain(brief, np.array(ground) / 255), paint)


def _figure(surface: ImageDraw.ImageDraw, rng: Generator, box: Box, ink: Ink, ground: Ink) -> None:
    """One plain shape in a square."""
    left, top, right, bottom = box
    size, turn = right - left, int(rng.integers(4))
    corner_x, corner_y = ((left, top), (right, top), (right, bottom), (left, bottom))[turn]
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    square = (left, top, right - 1, bottom - 1)

    def quarter(radius: float, fill: Ink) -> None:
        around = (corner_x - radius, corner_y - radius, corner_x + radius, corner_y + radius)
        surface.pieslice(around, 90 * turn, 90 * turn + 90, fill=fill)

    kind = rng.choice(list(FIGURES), p=np.array(list(FIGURES.values())) / sum(FIGURES.values()))
    surface.rectangle(square, fill=ground if kind != "square" else ink)
    if kind == "quarter":
        quarter(size - 1, ink)
    elif kind == "arcs":
        for ring in range(4):
            quarter((size - 1) * (1 - ring / 4), (ink, ground)[ring % 2])
    elif kind == "half":
        shift_x, shift_y = ((0, -1), (1, 0), (0, 1), (-1, 0))[turn]
        x, y = middle_x + shift_x * size / 2, middle_y + shift_y * size / 2
        surface.pieslice((x - size / 2, y - size / 2, x + size / 2 - 1, y + size / 2 - 1), 90 * turn, 90 * turn + 180, fill=ink)
    elif kind == "disc":
        hole = rng.choice([0, 0.2, 0.33])
        for radius, fill in ((0.5 * size, ink), (hole * size, ground))[: 2 if hole else 1]:
            surface.ellipse((middle_x - radius, middle_y - radius, middle_x + radius - 1, middle_y + radius - 1), fill=fill)
    elif kind == "triangle":
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        surface.polygon([corners[(turn + place) % 4] for place in range(3)], fill=ink)
    elif kind == "stripes":
        for stripe in range(0, 8, 2):
            low, high = stripe / 8 * size, (stripe + 1) / 8 * size
            surface.rectangle((left + low, top, left + high, bottom) if turn % 2 else (left, top + low, right, top + high), fill=ink)
    elif kind == "leaf":
        along = np.linspace(0, np.pi / 2, 24)
        curve = [(1 - np.cos(angle), np.sin(angle)) for angle in along] + [(np.cos(angle), 1 - np.sin(angle)) for angle in along]
        surface.polygon([(left + size * (x if turn % 2 else 1 - x), top + size * y) for x, y in curve], fill=ink)
    elif kind == "dots":
        for across in (0.25, 0.75):
            for down in (0.25, 0.75):
                x, y, radius = left + across * size, top + down * size, 0.13 * size
                surface.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def _split(rng: Generator, box: Box, smallest: float, depth: int = 0) -> list[tuple[Box, int]]:
    """A box divided again and again at thirds and halves, with the depth of each part."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if max(width, height) < 2 * smallest or (depth > 1 and rng.random() < 0.14):
        return [(box, depth)]
    share = rng.choice([0.28, 0.38, 0.5, 0.62, 0.72])
    if width * rng.uniform(0.7, 1.4) > height:
        cut = left + share * width
        parts = ((left, top, cut, bottom), (cut, top, right, bottom))
    else:
        cut = top + share * height
        parts = ((left, top, right, cut), (left, cut, right, bottom))
    return [one for part in parts for one in _split(rng, part, smallest, depth + 1)]


def _bars(brief: Brief) -> Pixels:
    """White planes between dark bars, and a few in colour."""
    rng, inks = brief.rng, [colour(one) for one in brief.palette.colours]
    longest = max(brief.width, brief.height)
    parts = _split(rng, (0, 0, brief.width, brief.height), smallest=longest * brief.choose(0.16, 0.065))
    line = longest * brief.choose(0.011, 0.006)
    accents = [inks[place] for place in rng.permutation([1, 2, 3])]

    def paint(surface: ImageDraw.ImageDraw, surface_size: float) -> None:
        scale = surface_size / longest
        for (left, top, right, bottom), _ in parts:
            fill = inks[4] if rng.random() < 0.6 else accents[rng.choice(3, p=[0.5, 0.32, 0.18])]
            surface.rectangle((left * scale, top * scale, right * scale, bottom * scale), fill=fill)
        for (left, top, right, bottom), depth in parts:
            half = line * scale * (0.6 if depth > 4 else 1) / 2
            for x in (left, right):
                if 0 < x < brief.width:
                    surface.rectangle((x * scale - half, top * scale - half, x * scale + half, bottom * scale + half), fill=inks[0])
            for y in (top, bottom):
                if 0 < y < brief.height:
                    surface.rectangle((left * scale - half, y * scale - half, right * scale + half, y * scale + half), fill=inks[0])

    return shapes(brief, plain(brief, brief.palette.colours[4]), paint)


def _facets(brief: Brief) -> Pixels:
    """Triangles divided along their longest sides, shaded like folded paper."""
    rng, width, height = brief.rng, float(brief.width), float(brief.height)
    smallest = max(width, height) * brief.choose(0.2, 0.075)
    middle = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.7)
    rim = [(0.0, 0.0), (width * rng.uniform(0.3, 0.7), 0.0), (width, 0.0), (width, height * rng.uniform(0.3, 0.7))]
    rim += [(width, height), (width * rng.uniform(0.3, 0.7), height), (0.0, height), (0.0, height * rng.uniform(0.3, 0.7))]
    found: list[Triangle] = []

    def divide(triangle: Triangle) -> None:
        corners = np.array(triangle)
        sides = np.hypot(*(corners - np.roll(corners, -1, axis=0)).T)
        longest = int(sides.argmax())
        a, b, c = (triangle[(longest + place) % 3] for place in range(3))
        far = np.hypot(*(corners.mean(axis=0) - middle)) / max(width, height)
        if sides[longest] < smallest * (0.5 + 2.5 * far) or (sides[longest] < 3 * smallest and rng.random() < 0.12):
            found.append(triangle)
            return
        share = rng.uniform(0.4, 0.6)
        cut = a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
        divide((a, cut, c))
        divide((cut, b, c))

    for number, corner in enumerate(rim):
        divide((middle, corner, rim[(number + 1) % len(rim)]))
    light = rng.uniform(0, 2 * np.pi)

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        scale = longest / max(width, height)
        for triangle in found:
            corners = np.array(triangle)
            edge = corners[1] - corners[0]
            facing = np.cos(np.arctan2(edge[1], edge[0]) * 2 - light)
            far = np.hypot(*(corners.mean(axis=0) - middle)) / max(width, height)
            ink = brief.palette.ramp(np.array(0.78 - 0.75 * far + 0.2 * facing + rng.normal(0, 0.05)))
            surface.polygon([(x * scale, y * scale) for x, y in triangle], fill=colour(ink))

    return shapes(brief, plain(brief, brief.palette.colours[2]), paint)


def _sheets(brief: Brief) -> Pixels:
    """Sheets of paper on each other, each smaller and turned a little."""
    rng, ground = brief.rng, brief.pick(0, 4)
    pixels, inks = plain(brief, brief.palette.colours[ground]), rng.permutation([place for place in range(5) if place != ground])
    width, height = float(brief.width), float(brief.height)
    for number in range(round(brief.choose(6, 14))):
        half_x, half_y = (brief.choose(0.24, 0.15) * side * rng.uniform(0.45, 1.1) for side in (width, height))
        across, down = (rng.uniform(half + 0.07 * side, 0.93 * side - half) for half, side in ((half_x, width), (half_y, height)))
        angle = rng.normal(0, 0.06)
        x, y = np.array([-1, 1, 1, -1]) * half_x, np.array([-1, -1, 1, 1]) * half_y
        if rng.random() < 0.25:
            around = np.linspace(0, 2 * np.pi, 120)
            x, y = np.cos(around) * min(half_x, half_y), np.sin(around) * min(half_x, half_y)
        x, y = across + np.cos(angle) * x - np.sin(angle) * y, down + np.sin(angle) * x + np.cos(angle) * y
        sheet = _cut(brief, np.stack([x, y], axis=-1))
        shadow = np.roll(blurred(sheet, 9), (8, 6), axis=(0, 1))
        pixels = blend(pixels * (1 - 0.35 * shadow)[..., None], plain(brief, brief.palette.colours[inks[number % 4]]), sheet)
    return pixels


def _cut(brief: Brief, outline: Float[ndarray, "corners 2"]) -> Field:
    """1 inside the outline (in pixels) and 0 outside."""

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        scale = longest / max(brief.width, brief.height)
        surface.polygon([(x, y) for x, y in (outline * scale).tolist()], fill=255)

    return mask(brief, paint)
