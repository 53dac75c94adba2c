"""Voronoi mosaics: leaded glass, laid stones, or nested polygons, in which a sun, waves or a ring appears.

References:
    Lloyd, Least squares quantization in PCM, 1982 (even cells); Vogel, A better way to construct the sunflower head, 1979.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, blurred, colour, finished, fractal_noise, lit, mask, plain, shapes, smoothstep

Sites = Float[ndarray, "sites 2"]
Polygon = list[tuple[float, float]]
NEIGHBOURS = 16  # sites whose borders can cut a cell
GOLDEN = np.pi * (3 - np.sqrt(5))


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_glass, _stones, _nested)
    count = round(brief.choose(90, 240 if style is _nested else 520))
    sites = (_sunflower if brief.rng.random() < 0.3 else _even)(brief, count)
    return finished(brief, style(brief, sites, _motif(brief, sites)))


def _even(brief: Brief, count: int) -> Sites:
    """Sites in pixels, evened out; in some pictures smaller cells towards one place."""
    rng, size = brief.rng, np.array([brief.width, brief.height])
    points = rng.uniform(-0.05, 1.05, (14_000, 2)) * size
    far = np.hypot(*(points - rng.uniform(0, 1, 2) * size).T) / max(size)
    points = points[rng.random(len(points)) < np.exp(-far * rng.choice([0, 3.5]))]
    sites = points[rng.choice(len(points), count, replace=False)]
    for _ in range(5):
        nearest = ((sites**2).sum(axis=1) - 2 * points @ sites.T).argmin(axis=1)
        totals = np.stack([np.bincount(nearest, points[:, axis], minlength=count) for axis in (0, 1)], axis=-1)
        sites = totals / np.maximum(np.bincount(nearest, minlength=count), 1)[:, None]
    return sites


def _sunflower(brief: Brief, count: int) -> Sites:
    rng, size = brief.rng, np.array([brief.width, brief.height])
    numbers = np.arange(1, 3 * count)
    far = np.sqrt(numbers / len(numbers)) ** rng.uniform(0.9, 1.3) * 1.05 * max(size)
    focus = (0.5 + rng.choice([0, 0.22], 2) * rng.choice([-1, 1], 2)) * size
    sites = focus + np.stack([np.cos(GOLDEN * numbers), np.sin(GOLDEN * numbers)], axis=-1) * far[:, None]
    return sites[((sites > -0.1 * size) & (sites < 1.1 * size)).all(axis=1)]


def _motif(brief: Brief, sites: Sites) -> Float[ndarray, "sites"]:
    """Lightness of each cell from 0 to 1, so that the cells form a picture."""
    rng, longest = brief.rng, max(brief.width, brief.height)
    x, y = sites.T / longest
    across, down = brief.width / longest * rng.uniform(0.3, 0.7), brief.height / longest * rng.uniform(0.3, 0.7)
    far, around = np.hypot(x - across, y - down), np.arctan2(y - down, x - across)
    kind = rng.choice(["sun", "waves", "ring", "drift"])
    if kind == "sun":
        rays = 0.12 * np.cos(around * rng.integers(5, 12)) * smoothstep(0.15, 0.3, far)
        light = np.where(far < 0.17, 0.92, 0.62 - 0.75 * (far - 0.17) + rays)
    elif kind == "waves":
        light = 0.5 + 0.38 * np.sin(rng.uniform(8, 16) * y + 0.9 * np.sin(rng.uniform(4, 8) * x + rng.uniform(0, 6)))
    elif kind == "ring":
        light = 0.15 + 0.75 * np.exp(-(((far - rng.uniform(0.2, 0.32)) / 0.09) ** 2))
    else:
        turn = rng.uniform(0, 2 * np.pi)
        light = 0.5 + 0.6 * (np.cos(turn) * (x - across) + np.sin(turn) * (y - down)) / 0.5
    light = np.clip(light + rng.normal(0, 0.09, len(sites)), 0, 1)
    return 0.3 * light + 0.7 * np.round(4 * light) / 4  # near a colour of the palette rather than between two


def _cells(brief: Brief, sites: Sites, gap: float) -> list[Polygon]:
    """The cell of each site, each side moved inward by `gap` pixels; empty where nothing is left."""
    distances = ((sites[:, None] - sites[None]) ** 2).sum(axis=-1)
    nearest = np.argsort(distances, axis=1)[:, 1 : NEIGHBOURS + 1]
    normals = sites[nearest] - sites[:, None]
    lengths = np.sqrt((normals**2).sum(axis=-1))
    normals = normals / lengths[..., None]
    limits = (normals * sites[:, None]).sum(axis=-1) + lengths / 2 - gap
    far = 2.0 * max(brief.width, brief.height)
    cells = []
    for cell_normals, cell_limits in zip(normals.tolist(), limits.tolist(), strict=True):
        cell: Polygon = [(-far, -far), (far, -far), (far, far), (-far, far)]
        for (across, down), limit in zip(cell_normals, cell_limits, strict=True):
            cell = _cut(cell, across, down, limit)
        cells.append(cell)
    return cells


def _cut(polygon: Polygon, across: float, down: float, limit: float) -> Polygon:
    """What of a convex polygon lies where across * x + down * y <= limit."""
    over = [across * x + down * y - limit for x, y in polygon]
    if not over or max(over) <= 0:
        return polygon
    kept = []
    for number, (x, y) in enumerate(polygon):
        (before_x, before_y), before, here = polygon[number - 1], over[number - 1], over[number]
        if (before < 0) != (here < 0):
            share = before / (before - here)
            kept.append((before_x + share * (x - before_x), before_y + share * (y - before_y)))
        if here < 0:
            kept.append((x, y))
    return kept


def _filled(brief: Brief, sites: Sites, light: Float[ndarray, "sites"], slope: float) -> Field:
    """The lightness of every pixel's cell, with a gradient across each."""
    labels = Image.new("I", (brief.width, brief.height))
    surface = ImageDraw.Draw(labels)
    for number, cell in enumerate(_cells(brief, sites, -1)):
        if len(cell) > 2:
            surface.polygon(cell, fill=number)
    owner = np.asarray(labels)
    turns = brief.rng.uniform(0, 2 * np.pi, len(sites))
    ways = np.stack([np.cos(turns), np.sin(turns)], axis=-1) * slope / np.sqrt(brief.width * brief.height / len(sites))
    offsets = light - (ways * sites).sum(axis=-1)
    y, x = np.mgrid[0 : brief.height, 0 : brief.width].astype(np.float32)
    across, down, offset = (part.astype(np.float32)[owner] for part in (*ways.T, offsets))
    return offset + across * x + down * y


def _pieces(brief: Brief, sites: Sites, gap: float, roundness: float) -> Field:
    """1 on the pieces and 0 between them, with rounded corners."""
    cells = [cell for cell in _cells(brief, sites, gap) if len(cell) > 2]

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        scale = longest / max(brief.width, brief.height)
        for cell in cells:
            surface.polygon([(x * scale, y * scale) for x, y in cell], fill=255)

    # The more the blur closes the gaps, the higher the level that opens them again.
    level = 0.5 if roundness < gap else 0.72
    return smoothstep(level - 0.15, level + 0.15, blurred(mask(brief, paint), roundness))


def _glass(brief: Brief, sites: Sites, light: Float[ndarray, "sites"]) -> Pixels:
    lead = brief.choose(4.5, 2.5)
    streaks = fractal_noise(brief.rng, brief.height, brief.width, 9, octaves=4) - 0.5
    glass = brief.palette.ramp(0.15 + 0.85 * _filled(brief, sites, light, 0.14) + 0.16 * streaks)
    pieces = _pieces(brief, sites, lead, 2)
    rounded = lit(blurred(1 - pieces, 2) * 2 * lead, angle=np.pi / 4)
    metal = brief.palette.colours[0] * 0.75 + 0.35 * np.clip(rounded - 0.7, 0, 1)[..., None]
    glow = 0.8 + 0.2 * blurred(pieces, 3 * lead)  # the lead takes light from the glass beside it
    return blend(metal.astype(np.float32), glass * glow[..., None], pieces)


def _stones(brief: Brief, sites: Sites, light: Float[ndarray, "sites"]) -> Pixels:
    gap, dark = brief.choose(6, 3), light.mean() > 0.45
    rough = fractal_noise(brief.rng, brief.height, brief.width, 40, octaves=4, falloff=0.7) - 0.5
    stone = brief.palette.ramp(_filled(brief, sites, light, 0.1) + 0.2 * rough)
    pieces = _pieces(brief, sites, gap, 1.2 * gap)
    height = 5 * gap * np.sqrt(np.maximum(blurred(pieces, 2.5 * gap), 0)) + 2.5 * rough
    shine = lit(height, angle=5 * np.pi / 4) / np.sqrt(0.5)
    mortar = brief.palette.colours[0 if dark else 4] * 0.92 + 0.1 * rough[..., None]
    return blend(mortar.astype(np.float32), stone, pieces) * (0.25 + 0.75 * shine[..., None])


def _nested(brief: Brief, sites: Sites, light: Float[ndarray, "sites"]) -> Pixels:
    """Each cell holds smaller copies of itself, from dark to light or light to dark."""
    rings = 5 if brief.density == "sparse" else 4
    reach = brief.rng.uniform(0.07, 0.1) * np.sqrt(brief.width * brief.height / len(sites))
    layers = [_cells(brief, sites, 2 + ring * reach) for ring in range(rings)]
    steps = np.arange(rings) % 2 * 0.5 if brief.rng.random() < 0.5 else np.arange(rings) * 0.25
    ways = np.where(light > 0.5, -1, 1)

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        scale = longest / max(brief.width, brief.height)
        for ring, cells in enumerate(layers):
            inks = brief.palette.ramp(np.round(4 * (light + ways * steps[ring])) / 4)
            for cell, ink in zip(cells, inks, strict=True):
                if len(cell) > 2:
                    surface.polygon([(x * scale, y * scale) for x, y in cell], fill=colour(ink))

    return shapes(brief, plain(brief, brief.palette.colours[0 if light.mean() > 0.5 else 4]), paint)
