"""Paper cuts: sheets of paper with soft shadows between them: hills with trees, waves, or openings within openings."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw

from ratings.photos.drawn.paper import Brief, Field, blurred, enlarged, finished, fractal_noise, mask, smoothstep, spectral_noise

Line = Float[ndarray, "points"]


def draw(brief: Brief) -> Image.Image:
    rng = brief.rng
    scene: Callable[[Brief], Iterator[tuple[Field, float]]] = (_hills, _waves, _openings)[rng.integers(3)]
    fibres = _fibres(brief)
    pixels = np.zeros((*fibres.shape, 3), np.float32)
    for cut, tone in scene(brief):
        fibres = np.roll(fibres, (211, 397), (0, 1))
        uncovered = 1 - cut
        pixels *= (uncovered * (1 - uncovered * _shadow(brief, cut)))[..., None]
        rim = np.maximum(cut[2:, 2:] - cut[:-2, :-2], 0)  # the cut edge catches the light
        lightness = cut * (1 + fibres)
        lightness[2:, 2:] += 0.1 * rim
        pixels += lightness[..., None] * brief.palette.ramp(np.array(tone))
    return finished(brief, pixels, grain=0.006)


def _shadow(brief: Brief, cut: Field) -> Field:
    """How much a sheet darkens what lies below it: a narrow shadow to one side and a wide one around, at a quarter of the size."""
    height, width = brief.height // 4, brief.width // 4
    near, wide = (0.45, 0.4) if brief.contrast == "strong" else (0.2, 0.3)
    small = enlarged(cut, height, width)
    reach = 0.004 * max(height, width)
    aside = np.maximum(np.arange(width) - round(reach), 0)
    shadow = near * blurred(small, reach)[:, aside] + wide * blurred(small, 5 * reach)
    return enlarged(shadow, brief.height, brief.width)


def _fibres(brief: Brief) -> Field:
    """Brightness of the paper, from -0.05 to 0.05 or so."""
    fine = spectral_noise(brief.rng, brief.height, brief.width, 300, 1.2)
    broad = enlarged(spectral_noise(brief.rng, brief.height // 4, brief.width // 4, 3, 1.5), brief.height, brief.width)
    return 0.016 * fine + 0.014 * broad


def _disc(brief: Brief, across: float, down: float, radius: float) -> Field:
    x, y = brief.coordinates()
    edge = 0.7 / max(brief.width, brief.height)
    return smoothstep(radius + edge, radius - edge, np.hypot(x - across, y - down))


def _below(brief: Brief, line: Line, paint: Callable[[ImageDraw.ImageDraw, float], None] | None = None) -> Field:
    """A sheet below a line of heights (lengths of the longer side), and what else `paint` cuts."""

    def all_of_it(surface: ImageDraw.ImageDraw, longest: float) -> None:
        width, height = longest * brief.width / max(brief.width, brief.height), longest * 1.01
        points = zip(np.linspace(0, width, len(line)), longest * line, strict=True)
        surface.polygon([(0, height), *points, (width, height)], fill=255)
        if paint:
            paint(surface, longest)

    return mask(brief, all_of_it)


def _hills(brief: Brief) -> Iterator[tuple[Field, float]]:
    """A sun in rings of sky, hills before it, trees on the nearer ones."""
    rng = brief.rng
    x, y = brief.coordinates()
    wide, tall = float(x.max()), float(y.max())
    sun = wide * float(rng.choice([0.3, 0.5, 0.7])), tall * float(rng.uniform(0.25, 0.42))
    rings = round(brief.choose(3, 6))
    light_sky = rng.random() < 0.6  # by day the middle is light, at night the moon alone
    for ring in range(rings):
        radius = 1.6 * (1 - ring / rings) ** 1.3 + 0.1
        tone = 0.5 + 0.35 * ring / rings if light_sky else 0.22 + 0.2 * ring / rings
        yield _disc(brief, *sun, radius), tone
    yield _disc(brief, *sun, brief.choose(0.09, 0.07)), 0.98
    count = round(brief.choose(4, 8))
    pointed = bool(rng.random() < 0.5)
    for hill in range(count):
        depth = hill / (count - 1)
        rise = fractal_noise(rng, 2, 600, brief.choose(2.0, 3.0) + 2 * (1 - depth), 3 if depth > 0.3 else 5, 0.4)[0] - 0.5
        line = tall * (0.5 + 0.42 * depth) + 0.2 * (1.1 - 0.6 * depth) * rise
        size = 0.03 + 0.1 * depth
        places = rng.uniform(0, 1, round(brief.choose(5, 14) / (0.4 + depth)) if depth > 0.25 else 0)
        heights = size * rng.uniform(0.5, 1.2, len(places))

        def trees(surface: ImageDraw.ImageDraw, longest: float, line: Line = line, places: Line = places, heights: Line = heights) -> None:
            for place, height in zip(places, heights, strict=True):
                foot = longest * (float(np.interp(place, np.linspace(0, 1, len(line)), line)) + 0.01)
                _tree(surface, place * longest * wide, foot, longest * float(height), pointed)

        yield _below(brief, line, trees), (0.72 if light_sky else 0.5) * (1 - depth) + 0.04


def _tree(surface: ImageDraw.ImageDraw, across: float, foot: float, size: float, pointed: bool) -> None:
    surface.rectangle([across - 0.025 * size, foot - size * 0.5, across + 0.025 * size, foot], fill=255)
    if pointed:
        for tier in range(3):
            top, half = foot - size * (1 - 0.24 * tier), size * (0.13 + 0.06 * tier)
            surface.polygon([(across, top), (across - half, top + 0.4 * size), (across + half, top + 0.4 * size)], fill=255)
    else:
        surface.ellipse([across - 0.24 * size, foot - size, across + 0.24 * size, foot - 0.3 * size], fill=255)


def _waves(brief: Brief) -> Iterator[tuple[Field, float]]:
    """A moon over rows of curling waves (trochoids)."""
    rng = brief.rng
    x, y = brief.coordinates()
    wide, tall = float(x.max()), float(y.max())
    yield np.ones_like(x), 0.9
    radius = brief.choose(0.17, 0.13)
    moon = wide * float(rng.choice([0.32, 0.68])), max(tall * float(rng.uniform(0.2, 0.3)), 1.15 * radius)
    yield _disc(brief, *moon, radius), 0.97
    yield _disc(brief, *moon, 0.7 * radius), 0.62
    rows = round(brief.choose(5, 9))
    curl = float(rng.uniform(0.75, 1.0))
    for row in range(rows):
        depth = row / (rows - 1)
        length = brief.choose(0.34, 0.17) * (0.6 + 0.6 * depth)
        t = np.linspace(-2, 2 + wide / length, 1500) * 2 * np.pi
        swell = 1 + 0.35 * np.sin(t * 0.23 + float(rng.uniform(0, 6)))
        shift = float(rng.uniform(0, length))
        lean = 0.9 * (1 + np.cos(t)) * swell  # crests lean forward
        across = length / (2 * np.pi) * (t - curl * np.sin(t) + lean) + shift - length
        down = tall * (0.45 + 0.5 * depth) - 0.42 * length * curl * 0.5 * (1 + np.cos(t)) * swell

        def paint(surface: ImageDraw.ImageDraw, longest: float, across: Line = across, down: Line = down) -> None:
            points = list(zip(longest * across, longest * down, strict=True))
            surface.polygon([(points[0][0], 2 * longest), *points, (points[-1][0], 2 * longest)], fill=255)

        yield mask(brief, paint), 0.8 * (1 - depth) ** 0.9 + 0.05


def _openings(brief: Brief) -> Iterator[tuple[Field, float]]:
    """Openings within openings, down to the ground."""
    rng = brief.rng
    x, y = brief.coordinates()
    wide, tall = float(x.max()), float(y.max())
    centre = wide * float(rng.choice([0.36, 0.5, 0.64])), tall * float(rng.choice([0.42, 0.5, 0.58]))
    light_ground = bool(rng.random() < 0.6)
    tones = (lambda depth: 0.95 - 0.9 * depth) if light_ground else (lambda depth: 0.06 + 0.88 * depth)
    yield np.ones_like(x), tones(0)
    sheets = round(brief.choose(5, 10))
    away = np.hypot((x - centre[0]) / wide, (y - centre[1]) / tall)
    small = brief.height // 8, brief.width // 8
    noise = spectral_noise(rng, *small, brief.choose(1.5, 2.6), 4.0)
    for sheet in range(1, sheets + 1):
        noise = 0.8 * noise + 0.6 * spectral_noise(rng, *small, brief.choose(1.5, 2.6), 4.0)
        opening = away + 0.035 * enlarged(noise, brief.height, brief.width) - (0.04 + 0.48 * (sheet / sheets) ** 1.2)
        steepness = np.hypot(*np.gradient(opening)) + 1e-6
        yield smoothstep(-0.7, 0.7, opening / steepness), tones(sheet / sheets)
