"""Stone and wood: bands that follow a bent distance, as in agate, malachite, sandstone and timber; and veins, as in marble.

References:
    Perlin, An image synthesizer, SIGGRAPH, 1985 (marble and wood from noise).
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import (
    Brief,
    Field,
    blend,
    blurred,
    enlarged,
    finished,
    fractal_noise,
    lit,
    plain,
    smoothstep,
    stretched,
    warped,
)

COARSE = 3  # slow fields are made this many times smaller


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_agate, _malachite, _marble, _sandstone, _timber)
    return finished(brief, style(brief), grain=0.014)


def _coarse(brief: Brief) -> tuple[int, int, Field, Field]:
    """Height, width and coordinates of the coarse fields; the longer side runs from 0 to 1."""
    height, width = brief.height // COARSE, brief.width // COARSE
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    return height, width, x, y


def _banded(brief: Brief, depth: Field, count: float) -> Pixels:
    """Colours of so many bands of uneven width, between a depth of 0 and 1; fine lines within each."""
    rng = brief.rng
    widths = rng.exponential(1, round(count)) + 0.15
    edges = np.cumsum(widths) / widths.sum()
    tones = np.clip(0.5 + 0.34 * np.cos(np.arange(len(widths)) * rng.uniform(1.9, 2.9)) + rng.normal(0, 0.12, len(widths)), 0, 1)
    places = np.linspace(0, 1, 4096)
    tone = tones[np.minimum(np.searchsorted(edges, places), len(tones) - 1)]
    tone = np.convolve(np.pad(tone, 8, mode="edge"), np.ones(17) / 17, mode="valid")  # soft borders
    tone = tone + 0.03 * np.sin(2 * np.pi * places * count * 5.3)
    return brief.palette.ramp(tone)[np.clip(depth * 4095, 0, 4095).astype(np.int32)]


def _agate(brief: Brief) -> Pixels:
    """A polished slice on a plain ground, or a part of one: bands around a hollow of crystals."""
    rng = brief.rng
    height, width, x, y = _coarse(brief)
    across, down = x.max() * rng.uniform(0.42, 0.58), y.max() * rng.uniform(0.42, 0.58)
    whole = rng.random() < 0.6
    reach = float(min(x.max(), y.max())) * (0.36 if whole else 1.15)
    around = np.arctan2(y - down, x - across)
    rim = sum(rng.normal(0, 0.13 / wave) * np.cos(wave * around + rng.uniform(0, 6)) for wave in range(1, 9))
    far = np.hypot((x - across) / rng.uniform(1, 1.25), y - down) / reach * (1 + rim)
    bends = fractal_noise(rng, height, width, brief.choose(3, 6), octaves=4) - 0.5
    far = enlarged(far + 0.3 * bends * np.clip(1.2 - far, 0.15, 1), brief.height, brief.width)
    pixels = _banded(brief, 1 - far, brief.choose(24, 44))
    hollow = rng.uniform(0.15, 0.3)
    rough = fractal_noise(rng, brief.height, brief.width, 70, octaves=3, falloff=0.7)
    crystals = brief.palette.ramp(0.25 + 0.75 * rough) * (0.5 + 0.7 * lit(26 * rough, rng.uniform(0, 6)))[..., None]
    pixels = blend(pixels, crystals, smoothstep(hollow + 0.012, hollow - 0.012, far + 0.1 * (rough - 0.5)))
    pixels = pixels * (1 + 0.12 * (rough - 0.5) - 0.35 * np.exp(-(((far - hollow) / 0.04) ** 2)))[..., None]
    if not whole:
        return pixels
    inside = smoothstep(1.004, 0.996, far)
    pixels = pixels * (1 - 0.6 * smoothstep(0.93, 1, far))[..., None]  # the dark crust
    shadow = np.roll(blurred(inside, 14), (12, 8), axis=(0, 1))
    ground = brief.palette.colours[brief.pick(4, 4, 0)]
    return blend(plain(brief, ground) * (1 - 0.4 * shadow)[..., None], pixels, inside)


def _malachite(brief: Brief) -> Pixels:
    """Rings that grew around several places until they met."""
    rng = brief.rng
    height, width, x, y = _coarse(brief)
    bends = [fractal_noise(rng, height, width, brief.choose(2.5, 5), octaves=4) - 0.5 for _ in range(2)]
    u, v = x + 0.16 * bends[0], y + 0.16 * bends[1]
    total = np.zeros_like(x)
    for _ in range(round(brief.choose(4, 12))):
        far = np.hypot((u - rng.uniform(-0.1, 1.1) * x.max()) / rng.uniform(0.7, 1.4), v - rng.uniform(-0.1, 1.1) * y.max())
        total += np.exp(-far * rng.uniform(13, 18))
    depth = enlarged(stretched(-np.log(total + 1e-4)), brief.height, brief.width)
    fine = fractal_noise(rng, brief.height, brief.width, 90, octaves=2) - 0.5
    polished = lit(90 * depth, rng.uniform(0, 6)) / np.sqrt(0.5)
    return _banded(brief, depth + 0.003 * fine, brief.choose(30, 60)) * (0.85 + 0.15 * polished + 0.1 * fine)[..., None]


def _marble(brief: Brief) -> Pixels:
    """Clouded stone with dark veins and fine metal in some of them."""
    rng, colours = brief.rng, brief.palette.colours
    height, width = brief.height // COARSE, brief.width // COARSE
    cells, light = brief.choose(1.6, 3.2), rng.random() < 0.6
    push = [(fractal_noise(rng, height, width, 2 * cells, octaves=4) - 0.5) * 0.3 * max(height, width) for _ in range(2)]
    veins = np.zeros((brief.height, brief.width), np.float32)
    for scale, strength in ((1, 1), (1.8, 0.7), (3.5, 0.45)):
        ridge = np.abs(warped(fractal_noise(rng, height, width, cells * scale, octaves=4, falloff=0.45), *push) - 0.5)
        ridge = np.maximum(enlarged(ridge, brief.height, brief.width), 0) * brief.choose(130, 100) / scale**0.5
        veins = np.maximum(veins, strength * (0.7 * np.exp(-ridge) + 0.3 * np.exp(-0.25 * ridge)))
    cloud = enlarged(warped(fractal_noise(rng, height, width, 1.5 * cells, octaves=5, falloff=0.6), *push), brief.height, brief.width)
    fine = fractal_noise(rng, brief.height, brief.width, 60, octaves=3) - 0.5
    stone = brief.palette.ramp(0.72 + 0.3 * cloud + 0.04 * fine if light else 0.02 + 0.34 * cloud**1.5 + 0.03 * fine)
    ink = plain(brief, colours[0] if light else colours[4])
    pixels = blend(stone, ink, np.clip(0.9 * veins + 0.25 * smoothstep(0.3, 0, np.abs(cloud - 0.5)) * veins, 0, 1))
    metal = smoothstep(0.75, 0.95, veins) * smoothstep(0.5, 0.62, enlarged(fractal_noise(rng, height, width, 3), brief.height, brief.width))
    shine = (0.8 + 0.9 * fine)[..., None]
    return blend(pixels, plain(brief, colours[brief.pick(2, 3)]) * shine, metal)


def _sandstone(brief: Brief) -> Pixels:
    """Layers that were folded, then broken along faults."""
    rng = brief.rng
    height, width, x, y = _coarse(brief)
    folds = fractal_noise(rng, height, width, brief.choose(1.5, 2.6), octaves=3, falloff=0.35) - 0.5
    depth = enlarged(y / y.max() + 0.5 * folds, brief.height, brief.width)
    x, y = brief.coordinates()
    for _ in range(round(brief.choose(1, 3))):
        turn, place = rng.normal(0, 0.5), rng.uniform(0.15, 0.85)
        side = (x - place * x.max()) * np.cos(turn) + (y - y.max() / 2) * np.sin(turn)
        depth = depth + np.where(side > 0, rng.uniform(-0.14, 0.14), 0)
    depth = stretched(depth)
    sand = fractal_noise(rng, brief.height, brief.width, 160, octaves=3, falloff=0.8) - 0.5
    return _banded(brief, depth + 0.004 * sand, brief.choose(22, 55)) * (1 + 0.22 * sand)[..., None]


def _timber(brief: Brief) -> Pixels:
    """A board with knots: rings of growth cut lengthwise."""
    rng = brief.rng
    height, width, x, y = _coarse(brief)
    if rng.random() < 0.5:
        x, y = y, x
    rings = y + 0.1 * (fractal_noise(rng, height, width, 1.6, octaves=3) - 0.5) + 0.3 * (x - 0.5) ** 2
    for _ in range(round(brief.choose(2, 4))):
        across, down, size = rng.uniform(0.1, 0.9) * x.max(), rng.uniform(0.1, 0.9) * y.max(), rng.uniform(0.04, 0.1)
        far = np.hypot((x - across) / 1.9, y - down) / size
        rings = rings + 2.4 * size * np.exp(-(far**1.3)) * rng.choice([-1, 1])
    rings = enlarged(rings, brief.height, brief.width)
    count = brief.choose(28, 46)
    place = (rings * count + 0.12 * fractal_noise(rng, brief.height, brief.width, 6, octaves=3)) % 1
    late = smoothstep(0.15, 0.92, place) * smoothstep(1, 0.94, place)  # a ring darkens slowly and ends sharply
    fibres = _fibres(brief, rings)
    tone = (
        0.74
        - 0.42 * late
        + 0.2 * (fibres - 0.5)
        + 0.12 * (enlarged(fractal_noise(rng, height, width, 2.5), brief.height, brief.width) - 0.5)
    )
    return brief.palette.ramp(tone) * (0.94 + 0.12 * fibres)[..., None]


def _fibres(brief: Brief, rings: Field) -> Float[ndarray, "height width"]:
    """Fine streaks along the rings."""
    streaks = brief.rng.random(6000, dtype=np.float32)
    drift = enlarged(fractal_noise(brief.rng, brief.height // COARSE, brief.width // COARSE, 5, octaves=4), brief.height, brief.width)
    places = (rings * 700 + 9 * drift) % 5999
    left = places.astype(np.int32)
    return streaks[left] + (streaks[left + 1] - streaks[left]) * (places - left)
