"""Truchet tiles: one simple tile, turned at random, whose arcs join to winding bands, at several scales or woven over and under.

References:
    Smith, The tiling patterns of Sebastien Truchet, 1987; Carlson, Multi-scale Truchet patterns, Bridges 2018.
"""

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, finished, lit, mask, plain, smoothstep, stretched, value_noise

Cells = Int[ndarray, "height width"]
FAR = 9.0  # further than anything in a tile
LEVELS = 3  # how often a tile can be divided


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_scales, _scales, _bands, _hexagons)
    return finished(brief, style(brief), grain=0.018)


def _scales(brief: Brief) -> Pixels:
    """Black and white tiles of several sizes, coloured by large shapes that swap ground and figure."""
    rng, longest = brief.rng, max(brief.width, brief.height)
    across = round(brief.choose(3.6, 7))
    size = longest / across
    tiles = _divided(rng, columns=across + 1, rows=round(brief.height / size) + 1)

    def paint(surface: ImageDraw.ImageDraw, surface_size: float) -> None:
        scale = surface_size / across
        for left, top, level in tiles:
            _winged(surface, rng, (left - 0.5) * scale, (top - 0.5) * scale, scale / 2**level, level)

    return _exchanged(brief, mask(brief, paint))


def _exchanged(brief: Brief, figure: Field) -> Pixels:
    """Figure and ground in two colours outside one large shape, in two others inside."""
    rng, colours = brief.rng, brief.palette.colours.astype(np.float32)
    x, y = brief.coordinates()
    far = np.hypot(x - x.max() * rng.uniform(0.35, 0.65), y - y.max() * rng.uniform(0.35, 0.65))
    kind = brief.pick("disc", "ring", "hill")
    if kind == "hill":
        across, down = np.cos(rng.uniform(0, np.pi)), np.sin(rng.uniform(0, np.pi))
        inside = across * (x - x.max() / 2) + down * (y - y.max() / 2) + 0.08 * np.sin(9 * x + rng.uniform(0, 6))
    elif kind == "ring":
        inside = 0.09 - np.abs(far - 0.26)
    else:
        inside = rng.uniform(0.22, 0.32) - far
    share = smoothstep(-0.001, 0.001, inside)
    # Figure, ground, figure inside, ground inside.
    places = brief.pick((0, 4, 2, 4), (0, 4, 4, 1), (4, 1, 3, 0), (1, 4, 2, 0), (2, 4, 0, 3), (4, 0, 2, 0))
    inks = [plain(brief, colours[place]) for place in places]
    return blend(blend(inks[1], inks[0], figure), blend(inks[3], inks[2], figure), share)


def _divided(rng: Generator, columns: int, rows: int) -> list[tuple[float, float, int]]:
    """Left, top (in whole tiles) and level of tiles, large ones first: the more levels, the smaller.

    Tiles of which one is a quarter as wide as its neighbour would not join, so a tile is divided where that would happen.
    """
    finest = 2**LEVELS
    noise = stretched(value_noise(rng, rows * finest, columns * finest, 5))
    wanted = np.digitize(noise, (0.55, 0.72, 0.86))
    tiles = []

    def divide(left: int, top: int, size: int, level: int) -> None:  # in finest tiles
        own = wanted[top : top + size, left : left + size].max()
        near = wanted[max(0, top - size) : top + 2 * size, max(0, left - size) : left + 2 * size].max()
        if own <= level and near <= level + 1:
            tiles.append((left / finest, top / finest, level))
            return
        for across in (left, left + size // 2):
            for down in (top, top + size // 2):
                divide(across, down, size // 2, level + 1)

    for left in range(0, columns * finest, finest):
        for top in range(0, rows * finest, finest):
            divide(left, top, finest, 0)
    return sorted(tiles, key=lambda tile: tile[2])


def _winged(surface: ImageDraw.ImageDraw, rng: Generator, left: float, top: float, size: float, level: int) -> None:
    """One of Carlson's tiles: arcs a third of the tile wide; discs at its corners and sides reach over its borders."""
    figure, ground = (255, 0) if level % 2 == 0 else (0, 255)
    third, sixth = size / 3, size / 6

    def disc(x: float, y: float, radius: float, fill: int) -> None:
        surface.ellipse((left + x - radius, top + y - radius, left + x + radius, top + y + radius), fill=fill)

    surface.rectangle((left, top, left + size, top + size), fill=ground)
    for x, y in ((0, 0), (size, 0), (0, size), (size, size)):
        disc(x, y, third, ground)
    for x, y in ((size / 2, 0), (size / 2, size), (0, size / 2), (size, size / 2)):
        disc(x, y, sixth, figure)
    kind = rng.choice(["rising", "falling", "cross", "dots"], p=[0.41, 0.41, 0.1, 0.08])
    if kind == "cross":
        surface.rectangle((left + third, top, left + 2 * third, top + size), fill=figure)
        surface.rectangle((left, top + third, left + size, top + 2 * third), fill=figure)
    elif kind != "dots":
        corners = ((0, 0), (size, size)) if kind == "rising" else ((size, 0), (0, size))
        for x, y in corners:
            box = (left + x - 2 * third, top + y - 2 * third, left + x + 2 * third, top + y + 2 * third)
            start = {(0, 0): 0, (size, 0): 90, (size, size): 180, (0, size): 270}[x, y]
            surface.arc(box, start, start + 90, fill=figure, width=round(third))


def _bands(brief: Brief) -> Pixels:
    """Striped or round bands on square tiles, some of which cross."""
    rng, height, width = brief.rng, brief.height, brief.width
    cells = brief.choose(6, 15)
    u, v, column, row = _grid(brief, cells, turn=rng.choice([0, np.pi / 4]))
    kinds = rng.choice(3, (64, 64), p=rng.choice([[0.5, 0.5, 0], [0.35, 0.35, 0.3]]))[row % 64, column % 64]
    u = np.where(kinds == 1, 1 - u, u)
    arc = np.minimum(np.abs(np.hypot(u, v) - 0.5), np.abs(np.hypot(1 - u, 1 - v) - 0.5))
    thick = rng.uniform(0.2, 0.36)
    over, under = np.abs(u - 0.5), np.abs(v - 0.5)
    gap = thick + 0.04
    distance = np.where(kinds == 2, np.where(over < gap, over, under), arc)
    above = np.where((kinds == 2) & (over > gap), over - gap, FAR)
    return _coloured(brief, distance, thick, above, pixels=max(height, width) / cells)


def _hexagons(brief: Brief) -> Pixels:
    """Three wide arcs on each hexagon, woven over and under."""
    rng, cells = brief.rng, brief.choose(4.5, 10)
    x, y = brief.coordinates()
    turn = rng.choice([0, np.pi / 6])
    x, y = np.cos(turn) * x - np.sin(turn) * y + 3, np.sin(turn) * x + np.cos(turn) * y + 3
    x, y = x * cells, y * cells * 2 / np.sqrt(3)  # hexagons one apart across, rows one apart down
    row, half = np.floor(y), None
    best_x, best_y, column_of, row_of = FAR + 0 * x, FAR + 0 * y, 0 * x, 0 * x
    for near_row in (row, row + 1):
        half = 0.5 * (near_row % 2)
        near_column = np.round(x - half)
        across, down = x - half - near_column, (y - near_row) * np.sqrt(3) / 2
        closer = across**2 + down**2 < best_x**2 + best_y**2
        best_x, best_y = np.where(closer, across, best_x), np.where(closer, down, best_y)
        column_of, row_of = np.where(closer, near_column, column_of), np.where(closer, near_row, row_of)
    places = row_of.astype(np.int32) % 64, column_of.astype(np.int32) % 64
    angle = (np.pi / 3 * rng.integers(6, size=(64, 64)).astype(np.float32))[places]
    u, v = np.cos(angle) * best_x - np.sin(angle) * best_y, np.sin(angle) * best_x + np.cos(angle) * best_y
    thick, side = rng.uniform(0.118, 0.128), 1 / np.sqrt(3)
    # Two arcs between sides that lie one apart, and a straight band between them, in one of their orders.
    left = np.abs(np.hypot(u + 1, v) - 1.5 * side)
    right = np.abs(np.hypot(u - 1, v) - 1.5 * side)
    straight = np.abs(v)
    gap = thick + 0.026  # beside the band above, the one below is not seen
    order = rng.integers(3, size=(64, 64))[places]
    top, middle, bottom = (np.choose((order + place) % 3, [straight, left, right]) for place in range(3))
    distance = np.where(top < gap, top, np.where(middle < gap, middle, bottom))
    above = np.where(top < gap, FAR, np.where(middle < gap, top, np.minimum(top, middle)))
    return _coloured(brief, distance, thick, above - gap, pixels=max(brief.width, brief.height) / cells)


def _grid(brief: Brief, cells: float, turn: float) -> tuple[Field, Field, Cells, Cells]:
    """Place in its square tile (0 to 1) of every pixel, and that tile's column and row."""
    x, y = brief.coordinates()
    x, y = (np.cos(turn) * x - np.sin(turn) * y + 3) * cells, (np.sin(turn) * x + np.cos(turn) * y + 3) * cells
    column, row = np.floor(x), np.floor(y)
    return x - column, y - row, column.astype(np.int32), row.astype(np.int32)


def _coloured(brief: Brief, distance: Field, thick: float, above: Field, pixels: float) -> Pixels:
    """Bands from the distance to their middle line: a colour for each distance, the shadow of a band above, and light from one side.

    All in tiles, which measure so many pixels.
    """
    rng, colours = brief.rng, brief.palette.colours.astype(np.float32)
    stripes = int(rng.choice([1, 2, 3]))
    dark = rng.random() < 0.5
    ground, line = (colours[0], colours[4]) if dark else (colours[4], colours[0])
    inks = colours[rng.permutation([1, 2, 3])[:stripes]]
    steps = np.linspace(0, 1, 2048, dtype=np.float32)[None]  # a picture one pixel high
    soft = 0.7 / pixels  # of an edge, in tiles
    table = np.broadcast_to(inks[0], (1, 2048, 3))
    for number in range(1, stripes):
        table = blend(table, np.broadcast_to(inks[number], table.shape), smoothstep(-soft, soft, steps - thick * number / stripes))
    outline = min(0.12 * thick, 3 / pixels)
    rim = np.broadcast_to(line if rng.random() < 0.5 else ground, table.shape)
    table = blend(table, rim, smoothstep(-soft, soft, steps - thick + outline))
    table = blend(table, np.broadcast_to(ground, table.shape), smoothstep(-soft, soft, steps - thick - outline))
    shade = 1 - 0.45 * np.exp(-np.maximum(steps - thick, 0) / 0.06) * (steps > thick)
    drawn = (table * shade[..., None])[0, np.clip(distance * 2047, 0, 2047).astype(np.int32)]
    drawn = drawn * (1 - 0.5 * np.exp(-above / 0.07))[..., None]
    if rng.random() < 0.6:
        round_height = np.sqrt(np.clip(1 - (distance / thick) ** 2, 0.02, 1)) * thick * pixels * 0.5
        drawn = drawn * (0.45 + 0.55 * lit(round_height, angle=np.pi / 4) / np.sqrt(0.5))[..., None]
    return drawn
