"""Op art: stripes, rings, grids and rays that bend, swell and interfere, so that flat lines seem to move or to have depth.

After paintings of Bridget Riley and Victor Vasarely of the 1960s.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, colour, finished, fractal_noise, plain, shapes, smoothstep

Colours = Float[ndarray, "bands 3"]


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_waves, _engraving, _rings, _ridges, _bulges, _engraving, _rays)
    return finished(brief, style(brief), grain=0.016)


def _striped(phase: Field, colours: Colours) -> Pixels:
    """Bands of these colours by turns, one round of them for each whole number of `phase`; their borders are smooth."""
    bands = phase * len(colours)
    number = np.floor(bands)
    place = bands - number
    width = np.clip(_steepness(bands), 1e-3, 1)  # bands a pixel
    after, before = np.clip(0.5 - (1 - place) / width, 0, 0.5), np.clip(0.5 - place / width, 0, 0.5)
    own = number.astype(np.int32) % len(colours)
    pixels = blend(colours[own], colours[(own + 1) % len(colours)], after)
    return blend(pixels, colours[own - 1], before)


def _steepness(phase: Field) -> Field:
    """Change of the phase from pixel to pixel; where it jumps, that of the neighbours counts."""
    down, across = np.gradient(phase)
    return np.minimum(np.hypot(across, down), 4 * np.median(np.hypot(across, down)))


def _wave(phase: Field) -> Field:
    """A square wave, -1 or 1, with smooth borders: a period for each whole number."""
    rise = np.sin(2 * np.pi * phase)
    return np.clip(rise / (2 * np.pi * np.maximum(_steepness(phase), 1e-5)), -1, 1)


def _inks(brief: Brief, count: int) -> Colours:
    """Colours by turns: the lightest or darkest one between others."""
    colours, rng = brief.palette.colours.astype(np.float32), brief.rng
    first = int(rng.choice([0, 4]))
    others = [place for place in rng.permutation(5) if abs(place - first) > 1][: count // 2]
    return colours[[place for other in others for place in (first, other)]]


def _waves(brief: Brief) -> Pixels:
    rng = brief.rng
    x, y = brief.coordinates()
    if rng.random() < 0.5:
        x, y = y, x
    count = brief.pick(2, 4, 4)
    folds = rng.uniform(0.9, 1.6)
    deep = y + rng.uniform(0.5, 2) * y**2  # waves get shorter further down
    bend = np.sin(2 * np.pi * (folds * deep + rng.uniform(-0.9, 0.9) * x) + rng.uniform(0, 6))
    swell = rng.uniform(0.05, 0.11) * (0.25 + 0.75 * smoothstep(-0.1, 0.6, y + 0.3 * np.sin(3 * x + rng.uniform(0, 6))))
    return _striped((x + swell * bend) * brief.choose(26, 60) / count, _inks(brief, count))


def _rings(brief: Brief) -> Pixels:
    """Two discs of rings laid over each other: a colour where both agree, others where one covers the other."""
    rng = brief.rng
    x, y = brief.coordinates()
    middle_x, middle_y = x.max() / 2, y.max() / 2
    radius = brief.pick(2.0, min(middle_x, middle_y) * 0.8, min(middle_x, middle_y) * 0.8)
    angle, apart, rings = rng.uniform(0, np.pi), rng.uniform(0.06, 0.2) * min(1, 1.6 * radius), brief.choose(17, 36)
    if radius < 1 and abs(middle_x - middle_y) > 0.05:
        angle = 0 if middle_x > middle_y else np.pi / 2
    across, down, edge = apart * np.cos(angle), apart * np.sin(angle), 0.7 / max(brief.width, brief.height)
    first_far, second_far = np.hypot(x - middle_x - across, y - middle_y - down), np.hypot(x - middle_x + across, y - middle_y + down)
    first = (0.5 + _wave(rings * first_far) / 2) * smoothstep(edge, -edge, first_far - radius)
    second = (0.5 + _wave(rings * brief.pick(1, 1.06) * second_far) / 2) * smoothstep(edge, -edge, second_far - radius)
    colours = brief.palette.colours.astype(np.float32)
    order = brief.pick((4, 0, 0, 4), (0, 1, 3, 4), (4, 2, 3, 0), (0, 2, 2, 4))
    both, left, right, none = (plain(brief, colours[place]) for place in order)
    return blend(blend(none, right, second), blend(left, both, second), first)


def _bulges(brief: Brief) -> Pixels:
    """A grid of squares or discs that swells to balls."""
    rng = brief.rng
    x, y = brief.coordinates()
    u, v, shade, inside = x, y, np.ones_like(x), np.zeros_like(x)
    for across, down, radius in _apart(brief, round(brief.choose(1.3, 6))):
        far = np.hypot(x - across, y - down) / radius
        ball = far < 1
        pull = np.where(ball, np.arcsin(np.minimum(far, 1)) / (np.pi / 2 * np.maximum(far, 1e-4)), 1)
        u, v = across + (u - across) * pull, down + (v - down) * pull
        light = np.sqrt(np.clip(1 - far**2, 0, 1)) * 0.75 + 0.3 * (across - x + down - y) / radius
        shade = np.where(ball, 0.4 + 0.65 * np.clip(light, 0, 1), shade)
        inside = np.where(ball, 1, inside)
    cells, colours = brief.choose(8, 15), brief.palette.colours.astype(np.float32)
    if rng.random() < 0.5:
        grid = 0.5 + 0.5 * _wave(cells * u) * _wave(cells * v)
    else:
        spot = np.hypot((2 * cells * u) % 1 - 0.5, (2 * cells * v) % 1 - 0.5)
        edge = 2 * cells / max(brief.width, brief.height)
        grid = smoothstep(0.34 + edge, 0.34 - edge, spot)
    dark, light_ink, inner = brief.pick((0, 4, 3), (0, 4, 2), (1, 4, 0), (4, 1, 2), (4, 0, 2))
    below, above, ball_ink = (plain(brief, colours[place]) for place in (dark, light_ink, inner))
    return blend(below, blend(above, ball_ink, inside), grid) * shade[..., None]


def _apart(brief: Brief, count: int) -> list[tuple[float, float, float]]:
    """Discs inside the picture that do not touch: across, down, radius."""
    size = np.array([brief.width, brief.height]) / max(brief.width, brief.height)
    found: list[tuple[float, float, float]] = []
    for _ in range(300):
        radius = min(0.42 * size.min(), brief.choose(0.3, 0.17) * brief.rng.uniform(0.5, 1.1))
        across, down = brief.rng.uniform(radius + 0.03, size - radius - 0.03)
        if len(found) < count and all(np.hypot(across - x, down - y) > radius + other + 0.015 for x, y, other in found):
            found.append((float(across), float(down), radius))
    return found


def _engraving(brief: Brief) -> Pixels:
    """A ball above a rolling plain, from one set of lines that get thicker in the shade."""
    rng = brief.rng
    x, y = brief.coordinates()
    radius, across = 0.32 * float(min(x.max(), y.max())), x.max() * rng.uniform(0.35, 0.65)
    down, horizon = y.max() * rng.uniform(0.36, 0.44), y.max() * rng.uniform(0.66, 0.76)
    rolling = fractal_noise(rng, brief.height, brief.width, 4, octaves=2)
    far, lines, edge = np.hypot(x - across, y - down) / radius, brief.choose(44, 90), 1 / max(brief.width, brief.height)
    bulge, light = np.sqrt(np.clip(1 - far**2, 0, 1)), rng.uniform(0, 2 * np.pi)
    lightness = np.clip(0.75 * bulge + 0.45 * (np.cos(light) * (x - across) + np.sin(light) * (y - down)) / radius, 0, 1)
    ground, ink, ball = (plain(brief, brief.palette.colours[place]) for place in brief.pick((4, 0, 2), (4, 1, 2), (0, 4, 3), (0, 3, 4)))
    sky = _thick(lines * y, np.full_like(y, 0.05))
    land = _thick(lines * (y + 0.06 * rolling), 0.1 + 0.3 * rolling)
    front = smoothstep(-edge, edge, y - horizon - 0.08 * (rolling - 0.5))
    pixels = blend(ground, ink, sky + (land - sky) * front)
    drawn = blend(ground, ball, _thick(lines * (y + 0.35 * bulge * (y - down)), 0.06 + 0.38 * (1 - lightness)))
    return blend(pixels, drawn, smoothstep(radius + edge, radius - edge, far * radius))


def _thick(phase: Field, reach: Field) -> Field:
    """Lines, one for each whole number of the phase, that reach this share of it to both sides."""
    return np.clip(0.5 + (reach - np.abs(phase % 1 - 0.5)) / np.clip(_steepness(phase), 1e-3, 1), 0, 1)


def _ridges(brief: Brief) -> Pixels:
    """Lines that rise to a range of mountains; each hides what lies behind it."""
    rng, colours = brief.rng, brief.palette.colours
    dark = rng.random() < 0.6
    ground, line = (colours[0], colours[4]) if dark else (colours[4], colours[0])
    rows, columns = round(brief.choose(34, 70)), 360
    noise = fractal_noise(rng, rows, columns, 14, octaves=4, falloff=0.55)
    x = np.linspace(0, 1, columns)
    place = np.linspace(0, 1, rows)[:, None]
    crest = rng.uniform(0.4, 0.6) + 0.15 * np.sin(5 * place + rng.uniform(0, 6))
    envelope = np.exp(-(((x[None] - crest) / rng.uniform(0.13, 0.24)) ** 2)) * smoothstep(1, 0.85, place)
    heights = (noise**1.5 * envelope + 0.015 * noise) * rng.uniform(0.25, 0.38) * min(1, brief.height / brief.width)
    margin, thick = 0.1, brief.choose(0.0028, 0.0016)
    tints = brief.palette.ramp(np.linspace(0.35, 1, 64) if dark else np.linspace(0.65, 0, 64))

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        width, height = longest * brief.width / max(brief.width, brief.height), longest * brief.height / max(brief.width, brief.height)
        left, right, top, bottom = margin * width, (1 - margin) * width, 0.3 * height, 0.92 * height
        for row in range(rows):
            level = top + (bottom - top) * row / (rows - 1)
            points = list(zip((left + (right - left) * x).tolist(), (level - heights[row] * longest).tolist(), strict=True))
            surface.polygon([*points, (right, level + 2), (left, level + 2)], fill=colour(ground))
            ink = tints[min(63, int(400 * heights[row].mean()))] if rng.random() < 0.5 else line
            surface.line(points, fill=colour(ink), width=max(2, round(thick * longest)), joint="curve")

    return shapes(brief, plain(brief, ground), paint)


def _rays(brief: Brief) -> Pixels:
    """Twisted rays, which change colours from ring to ring."""
    rng = brief.rng
    x, y = brief.coordinates()
    x, y = x - x.max() * brief.pick(0.5, 0.5, 0.33), y - y.max() * brief.pick(0.5, 0.5, 0.7)
    far, around = np.hypot(x, y), np.arctan2(y, x) / (2 * np.pi)
    rays = round(brief.choose(11, 24))
    twist = rng.uniform(0.4, 2.5) * rng.choice([-1, 1])
    phase = rays * around + twist * rays * 0.3 * np.log(far + 0.05)
    rings = brief.choose(3.5, 8) * np.log(far + 0.03)
    share = 0.5 + 0.5 * _wave(phase) * (_wave(rings) if rng.random() < 0.7 else 1)
    colours = brief.palette.colours.astype(np.float32)
    dark, light = brief.pick((0, 4), (0, 4), (1, 4), (2, 4), (0, 3))
    fading = 0.45 if rng.random() < 0.5 else 0.0
    inks = brief.palette.ramp(light / 4 - fading * far)
    return blend(plain(brief, colours[dark]), inks, share)
