"""Reaction and diffusion: two substances that feed on each other and grow into corals, spots and labyrinths.

References:
    Gray & Scott, Chem. Eng. Sci., 1984; Pearson, Complex patterns in a simple system, Science, 1993.
"""

import numpy as np
from PIL import Image

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, blurred, enlarged, finished, fractal_noise, lit, plain, smoothstep, stretched

# Feed and kill rates (Pearson's diagram), for the two parts of a picture.
LABYRINTH, CORAL, SPOTS, HOLES, WORMS = (0.029, 0.057), (0.0545, 0.062), (0.035, 0.0645), (0.039, 0.058), (0.054, 0.063)
MARGIN = 6  # cells of the grid around the picture
BARREN = (0.03, 0.068)  # nothing lives here


def draw(brief: Brief) -> Image.Image:
    look = brief.alternate(_relief, _cut_paper, _print)
    return finished(brief, look(brief, _grown(brief)), grain=0.016)


def _grown(brief: Brief) -> Field:
    """How much of the second substance there is at each pixel, from 0 to 1."""
    rng, layout = brief.rng, brief.alternate("alone", "drift", "mandala", "disc", "ring")
    scale = (135 if layout == "mandala" else brief.choose(100, 165)) / max(brief.width, brief.height)
    height, width = round(brief.height * scale) + 2 * MARGIN, round(brief.width * scale) + 2 * MARGIN
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    half = min(x.max(), y.max()) / 2
    inner, outer = brief.pick((LABYRINTH, SPOTS), (CORAL, SPOTS), (HOLES, SPOTS), (LABYRINTH, CORAL), (WORMS, HOLES))
    seeds = {"alone": 0.02, "mandala": 0.0025}.get(layout, 0.009)  # a cell; too many eat each other up
    start = (rng.random((height, width)) < seeds).astype(np.float32)
    noise = fractal_noise(rng, height, width, 4, octaves=2) - 0.5
    if layout == "mandala":
        inner = brief.pick(HOLES, LABYRINTH, HOLES)
    across, down = x.max() * rng.uniform(0.45, 0.55), y.max() * rng.uniform(0.45, 0.55)
    if layout == "mandala":
        start, noise = (np.maximum(np.maximum(one, one[::-1]), np.maximum(one, one[::-1])[:, ::-1]) for one in (start, noise))
        across, down = x.max() / 2, y.max() / 2
    far = np.hypot(x - across, y - down) + 0.2 * half * noise
    if layout == "drift":
        share = smoothstep(0.3, 0.7, stretched(x * rng.normal() + y * rng.normal() + 0.5 * noise))
    elif layout == "ring":
        share = smoothstep(0.03, 0, np.abs(far - 0.52 * half) - 0.22 * half)
    else:
        share = smoothstep(0.02, -0.02, far - 0.8 * half)
    if layout in ("alone", "ring", "mandala"):
        outer = BARREN
        start *= share > 0.5
    feed, kill = (outer[rate] + (inner[rate] - outer[rate]) * share for rate in (0, 1))
    grown = _reaction(feed, kill, 25 * blurred(start, 2), steps=round(brief.choose(3000, 2200)))
    return enlarged(grown[MARGIN:-MARGIN, MARGIN:-MARGIN], brief.height, brief.width)


def _reaction(feed: Field, kill: Field, start: Field, steps: int) -> Field:
    """The second substance after so many steps of one time unit, on a grid whose opposite edges touch.

    du/dt = 0.12 lap(u) - u v^2 + feed (1 - u)
    dv/dt = 0.06 lap(v) + u v^2 - (feed + kill) v
    """
    both = np.zeros((2, start.shape[0] + 2, start.shape[1] + 2), np.float32)  # a border of one cell repeats the other edge
    inner = both[:, 1:-1, 1:-1]
    inner[1] = np.clip(start, 0, 0.6)
    inner[0] = 1 - inner[1]
    feed, loss = feed.astype(np.float32), (feed + kill).astype(np.float32)
    keep = np.stack([1 - 4 * 0.12 - feed, 1 - 4 * 0.06 - loss])
    spread = np.array([0.12, 0.06], np.float32)[:, None, None]
    around, eaten = np.empty_like(inner), np.empty_like(feed)
    for _ in range(steps):
        both[:, 0], both[:, -1] = both[:, -2], both[:, 1]
        both[:, :, 0], both[:, :, -1] = both[:, :, -2], both[:, :, 1]
        np.add(both[:, :-2, 1:-1], both[:, 2:, 1:-1], out=around)
        around += both[:, 1:-1, :-2]
        around += both[:, 1:-1, 2:]
        around *= spread
        np.multiply(inner[1], inner[1], out=eaten)
        eaten *= inner[0]
        inner *= keep
        inner += around
        inner[0] -= eaten
        inner[0] += feed
        inner[1] += eaten
    return np.clip(inner[1] / 0.4, 0, 1)


def _relief(brief: Brief, amount: Field) -> Pixels:
    """Drops of enamel on a flat ground, lit from one side."""
    angle, colours = brief.rng.uniform(0, 2 * np.pi), brief.palette.colours.astype(np.float32)
    size = brief.choose(34, 20)
    shape = _above(amount, 0.25)
    height = blurred(np.sqrt(np.clip(amount - 0.25, 0, 1)), 3) * 1.6 * size
    ground, low, high = brief.pick((colours[4], 0.1, 0.6), (colours[0], 0.35, 0.8), (colours[3], 0, 0.5), (colours[4], 0.3, 0.75))
    enamel = brief.palette.ramp(low + (high - low) * smoothstep(0.2, 1, amount))
    enamel = enamel * (0.35 + 0.7 * lit(height, angle)[..., None] / np.sqrt(0.5))
    gloss = smoothstep(0.955, 0.99, lit(1.5 * height, angle)) * 0.7
    away = round(-0.5 * size * np.sin(angle)), round(-0.5 * size * np.cos(angle))
    shadow = np.roll(blurred(shape, 0.4 * size), (-away[0], -away[1]), axis=(0, 1))
    return blend(ground * (1 - 0.45 * shadow[..., None]), enamel + gloss[..., None], shape)


def _cut_paper(brief: Brief, amount: Field) -> Pixels:
    """Sheets of paper over each other, each cut along a level, with its shadow on the sheet below."""
    colours = brief.palette.colours.astype(np.float32)
    order = brief.pick((4, 3, 2, 1), (0, 1, 2, 3), (4, 2, 1, 0), (1, 3, 4, 2))
    fibres = 1 + 0.03 * (fractal_noise(brief.rng, brief.height, brief.width, 300, octaves=2) - 0.5)
    pixels = plain(brief, colours[order[0]])
    reach = round(brief.choose(9, 5))
    for level, place in zip((0.25, 0.5, 0.72), order[1:], strict=True):
        sheet = _above(amount, level)
        shadow = np.roll(blurred(sheet, reach), (reach, reach), axis=(0, 1))
        pixels = blend(pixels * (1 - 0.4 * shadow * (1 - sheet))[..., None], plain(brief, colours[place]), sheet)
    return pixels * fibres[..., None]


def _print(brief: Brief, amount: Field) -> Pixels:
    """One ink on paper, with a second one in the middle of each form."""
    colours = brief.palette.colours.astype(np.float32)
    paper, ink, second = (plain(brief, colours[place]) for place in brief.pick((4, 0, 2), (0, 4, 3), (4, 1, 3), (0, 3, 2)))
    worn = 0.25 * (fractal_noise(brief.rng, brief.height, brief.width, 12, octaves=5, falloff=0.8) - 0.5)
    pixels = blend(paper, ink, _above(amount, 0.3) * (1 - np.clip(worn - 0.02, 0, 0.1)))
    return blend(pixels, second, _above(amount, 0.68))


def _above(values: Field, level: float) -> Field:
    """1 where values lie above the level, with an edge of about a pixel and a half."""
    down, across = np.gradient(values)
    return np.clip(0.5 + (values - level) / np.maximum(1.5 * np.hypot(across, down), 1e-4), 0, 1)
