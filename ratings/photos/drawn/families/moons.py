"""Moons: planets with craters or bands of cloud, some with rings, over stars or a hazy sky, sometimes above a horizon."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, enlarged, finished, fractal_noise, smoothstep, spectral_noise, stretched, warped

MAP = (384, 768)  # rows (latitude) and columns (longitude) of a planet's map


def draw(brief: Brief) -> Image.Image:
    rng = brief.rng
    x, y = brief.coordinates()
    wide, tall = float(x.max()), float(y.max())
    night = brief.contrast == "strong" or rng.random() < 0.35
    pixels = _sky(brief, x, y, night)
    turn = float(rng.uniform(0.35, 0.8)) * float(rng.choice([-1, 1])) + float(rng.choice([0, np.pi]))
    ahead = float(rng.uniform(-0.15, 0.75))  # below 0: a crescent
    light = np.array([np.cos(turn), np.sin(turn) * 0.7, 0])
    light = light / np.linalg.norm(light) * np.sqrt(1 - ahead**2)
    light[2] = ahead
    large = min(wide, tall) * float(rng.uniform(0.24, 0.36))
    place = wide * float(rng.choice([0.36, 0.5, 0.64])), tall * float(rng.uniform(0.4, 0.5))
    for _ in range(round(brief.choose(1, 4))):
        way, radius = float(rng.uniform(0, 2 * np.pi)), large * float(rng.uniform(0.05, 0.2))
        reach = large * float(rng.uniform(1.35, 2.0))
        centre = np.array([place[0] + reach * np.cos(way), place[1] + 0.8 * reach * np.sin(way)])
        centre = np.clip(centre, 1.4 * radius, np.array([wide, 0.85 * tall]) - 1.4 * radius)
        if np.hypot(*(centre - place)) > 1.1 * (large + radius):
            _draw_ball(brief, pixels, _Ball(centre[0], centre[1], radius, bool(rng.random() < 0.25)), light, night)
    ringed = bool(rng.random() < 0.45)
    planet = _Ball(*place, large, ringed or bool(rng.random() < 0.4))
    ring = _ring(brief, planet, light, night) if ringed else None
    if ring:
        pixels = blend(pixels, ring.shine, ring.behind)
    _draw_ball(brief, pixels, planet, light, night)
    if ring:
        pixels = blend(pixels, ring.shine, ring.before)
    if rng.random() < 0.5:
        pixels = _horizon(brief, pixels, x, y, night)
    return finished(brief, pixels, grain=0.016)


@dataclass(frozen=True)
class _Ball:
    """A planet or moon; lengths of the longer side."""

    across: float
    down: float
    radius: float
    banded: bool  # clouds in bands; otherwise craters


@dataclass(frozen=True)
class _Ring:
    """A ring: its colours, and its shares behind and before its planet."""

    shine: Pixels
    behind: Field
    before: Field


def _sky(brief: Brief, x: Field, y: Field, night: bool) -> Pixels:
    rng, palette = brief.rng, brief.palette
    haze = enlarged(spectral_noise(rng, brief.height // 4, brief.width // 4, 2, 2.2), brief.height, brief.width)
    if not night:
        return palette.ramp(0.42 + 0.5 * y / y.max() + 0.03 * haze)
    pixels = palette.ramp(0.01 + 0.13 * smoothstep(-0.3, 2.2, haze) + 0.12 * (y / y.max()) ** 2)
    count = round(brief.choose(700, 2000))
    rows, columns = rng.integers(0, brief.height, count), rng.integers(0, brief.width, count)
    power = np.clip(0.2 * rng.pareto(1.3, count) + 0.12, 0, 2)[:, None]
    stars = np.zeros_like(pixels)
    stars[rows, columns] = power * (0.4 + 0.6 * palette.colours[4])
    spread = stars.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        spread += 0.35 * np.roll(np.maximum(stars - 0.25, 0), step, axis)
    return pixels + spread


def _draw_ball(brief: Brief, pixels: Pixels, body: _Ball, light: Float[ndarray, "3"], night: bool) -> None:
    """Draws a ball and a glow of air around it into the picture."""
    rng = brief.rng
    longest = max(brief.width, brief.height)
    across, down, radius = body.across * longest, body.down * longest, body.radius * longest
    reach = 1.35 * radius + 3
    top, left = max(int(down - reach), 0), max(int(across - reach), 0)
    window = slice(top, max(int(down + reach), 0)), slice(left, max(int(across + reach), 0))
    part = pixels[window]
    v, u = np.mgrid[0 : part.shape[0], 0 : part.shape[1]].astype(np.float32)
    u, v = (u + left - across) / radius, (v + top - down) / radius
    away = np.hypot(u, v)
    ball = smoothstep(1 + 0.7 / radius, 1 - 0.7 / radius, away)
    front = np.sqrt(np.clip(1 - away**2, 0, 1))
    craters = round(brief.choose(90, 300) * min(1.0, 4 * body.radius))
    surface = _bands(rng, brief.density == "dense") if body.banded else _craters(rng, craters)
    height = _wrapped(surface, u, v, front, float(rng.uniform(-0.5, 0.5)))
    relief = np.gradient(height * radius * (0.012 if body.banded else 0.1))
    rough = (light[0] * relief[1] + light[1] * relief[0]) * smoothstep(0, 0.3, front)  # the edge of the ball is no slope
    day = smoothstep(-0.08, 0.95, light[0] * u + light[1] * v + light[2] * front - rough)
    shade = day * (0.55 + 0.45 * height) * (1 - 0.25 * away**4)
    colours = brief.palette.ramp((0.02 if night else 0.16) + (0.96 if night else 0.84) * shade)
    lit = smoothstep(-0.4, 0.8, (light[0] * u + light[1] * v) / (away + 1e-6) + light[2])
    glow = lit * np.exp(-np.clip(away - 1, 0, None) / 0.07) * smoothstep(1.35, 1.1, away) * (0.55 if body.banded else 0.2)
    part = blend(part, np.broadcast_to(brief.palette.colours[3], part.shape), glow)
    # By day the dark side has the colour of the sky before it.
    pixels[window] = blend(part, colours, ball * (1 if night else 0.45 + 0.55 * day))


def _ring(brief: Brief, planet: _Ball, light: Float[ndarray, "3"], night: bool) -> _Ring:
    rng = brief.rng
    x, y = brief.coordinates()
    u, v = (x - planet.across) / planet.radius, (y - planet.down) / planet.radius
    lean, flat = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(0.12, 0.35))
    cos, sin = np.cos(lean), np.sin(lean)
    along, over = u * cos + v * sin, (v * cos - u * sin) / flat
    distance = np.hypot(along, over)
    places = np.arange(400)
    bands = smoothstep(-1.6, 0.9, spectral_noise(rng, 2, 400, 6, 1.5)[0]) * smoothstep(0, 30, places) * smoothstep(399, 350, places)
    cover = np.interp(distance, np.linspace(1.3, 2.2, 400), bands, 0, 0).astype(np.float32)
    # `over` says how far before the planet a spot of the ring is. It is in shadow where the planet is between it and the light.
    depth = over * np.sqrt(1 - flat**2)
    toward = u * light[0] + v * light[1] + depth * light[2]
    aside = np.sqrt(np.clip(u**2 + v**2 + depth**2 - toward**2, 0, None))
    shadow = smoothstep(1.04, 0.96, aside) * (toward < 0)
    shine = brief.palette.ramp(((0.25 if night else 0.7) + (0.65 if night else 0.3) * cover) * (1 - 0.8 * shadow))
    return _Ring(shine, 0.85 * cover * (over < 0), 0.85 * cover * (over >= 0))


def _wrapped(surface: Field, u: Field, v: Field, front: Field, tilt: float) -> Field:
    """A map seen on a ball."""
    cos, sin = np.cos(tilt), np.sin(tilt)
    side, up = u * cos + v * sin, v * cos - u * sin
    rows = (np.arcsin(np.clip(up, -1, 1)) / np.pi + 0.5) * (MAP[0] - 1)
    columns = (np.arctan2(side, front + 1e-6) / (2 * np.pi) + 0.5) * (MAP[1] - 1)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    below, right = np.minimum(top + 1, MAP[0] - 1), np.minimum(left + 1, MAP[1] - 1)
    rows, columns = rows - top, columns - left
    upper = surface[top, left] * (1 - columns) + surface[top, right] * columns
    lower = surface[below, left] * (1 - columns) + surface[below, right] * columns
    return (upper * (1 - rows) + lower * rows).astype(np.float32)


def _bands(rng: Generator, dense: bool) -> Field:
    """Bands of cloud with eddies, brightness 0 to 1."""
    belts = fractal_noise(rng, 2, MAP[0], 16 if dense else 8, 4, 0.6)[0]
    bands = np.repeat(belts[:, None], MAP[1], axis=1)
    eddies = spectral_noise(rng, *MAP, 10, 1.7, stretch=3)
    return stretched(warped(bands, 6 * eddies, 5 * eddies) + 0.05 * eddies)


def _craters(rng: Generator, count: int) -> Field:
    """Plains and craters, heights 0 to 1: each has a bowl, a rim and thrown-out ground."""
    ground = 0.55 * spectral_noise(rng, *MAP, 4, 1.9)
    y, x = np.mgrid[0 : MAP[0], 0 : MAP[1]].astype(np.float32)
    for size in np.sort(np.clip(3.5 * (1 + rng.pareto(1.5, count)), 3, 50))[::-1]:
        middle, column = int(rng.integers(20, MAP[0] - 20)), int(rng.integers(180, MAP[1] - 180))
        box = int(2.2 * size)
        window = slice(max(middle - box, 0), middle + box), slice(max(column - box, 0), column + box)
        stretch = np.cos((middle / MAP[0] - 0.5) * np.pi)
        away = np.hypot(y[window] - middle, (x[window] - column) * stretch) / size
        bowl = np.where(away < 1, 1.6 * away**2 - 1.1, 0.5 * np.exp(-((away - 1) * 3)))
        ground[window] = ground[window] * np.where(away < 1, 0.4 + 0.6 * away**4, 1) + 0.022 * size * bowl.astype(np.float32)
    return stretched(np.clip(ground, -2, 2))


def _horizon(brief: Brief, pixels: Pixels, x: Field, y: Field, night: bool) -> Pixels:
    """Hills along the lower edge, paler behind."""
    for depth in (0.0, 0.5, 1.0):
        rise = fractal_noise(brief.rng, 2, brief.width, 3 + 2 * (1 - depth), 6, 0.5)[0] - 0.5
        line = float(y.max()) * (0.84 + 0.09 * depth) - 0.13 * (1.1 - 0.6 * depth) * rise
        tone = (0.26 - 0.24 * depth) if night else (0.62 - 0.5 * depth)
        colours = brief.palette.ramp(tone + 0.12 * (1 - depth) * smoothstep(0, 0.2, y - line))
        pixels = blend(pixels, colours, smoothstep(-0.0008, 0.0008, y - line))
    return pixels
