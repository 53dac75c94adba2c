"""Strange attractors: where millions of points come to lie when one formula moves each of them again and again.

References:
    Pickover, Computers, Pattern, Chaos and Beauty, 1990 (Clifford, de Jong); Field & Golubitsky, Symmetry in Chaos, 1992 (icons).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from ratings.photos.drawn.paper import Brief, Points, blurred, counted, finished, smoothstep

Step = Callable[[Points, Points, Points], tuple[Points, Points]]
"""The next x and y of x, y and each point's drift (-1 to 1), which bends the formula a little."""

CANDIDATES = 24  # formulas that are tried; the best one is drawn


def draw(brief: Brief) -> Image.Image:
    rng = brief.rng
    step, fold = _interesting(rng, spread=0.9 if brief.density == "dense" else 0.84)
    x, y, drift = _orbits(rng, step, walkers=1 << 15, steps=90)
    x, y = _placed(brief, x, y, fold)
    density = counted(brief, x, y)
    tint = blurred(counted(brief, x, y, drift), 1) / np.maximum(blurred(density, 1), 1e-6)
    bright = np.quantile(density[density > 0][::7], 0.99)
    share = np.clip(np.log1p(10 * density / bright) / np.log(11), 0, 1)
    across, down = brief.coordinates()
    vignette = 1 - 0.5 * ((across - across.max() / 2) ** 2 + (down - down.max() / 2) ** 2)
    pixels = _inks(brief)[(255 * share).astype(np.uint8), np.clip(128 + 127 * tint, 0, 255).astype(np.uint8)]
    return finished(brief, pixels * vignette[..., None], grain=0.018)


def _inks(brief: Brief) -> Float[ndarray, "share tint 3"]:
    """Colours for the share of points (down) and their drift (across): light on a dark ground, or ink on paper."""
    rng, colours = brief.rng, brief.palette.colours.astype(np.float32)
    share, tint = np.linspace(0, 1, 256, dtype=np.float32)[:, None, None], np.linspace(0, 1, 256, dtype=np.float32)[None, :, None]
    glowing = rng.random() < 0.6
    ground, core = (colours[0], colours[4]) if glowing else (colours[4], colours[0])
    first, second = rng.permutation([1, 2, 3] if glowing else [1, 2, 2])[:2]
    body = colours[first] + (colours[second] - colours[first]) * smoothstep(0.25, 0.75, tint)
    inks = ground + (body - ground) * smoothstep(-0.05, 0.6, share)
    return inks + (core - inks) * smoothstep(0.55, 1.15, share)


def _formula(rng: Generator) -> tuple[Step, int]:
    """A formula with random parameters, and its fold of symmetry (1: none)."""
    a, b, c, d = (float(value) for value in rng.choice([-1, 1], 4) * rng.uniform(0.8, 2.4, 4))
    veil = float(rng.choice([0.01, 0.04, 0.1]))
    kind, fold = rng.choice(["clifford", "jong", "svensson", "icon", "icon"]), int(rng.integers(3, 9))
    if kind == "clifford":
        return lambda x, y, u: (np.sin((a + veil * u) * y) + c * np.cos(a * x), np.sin(b * x) + (d + veil * u) * np.cos(b * y)), 1
    if kind == "jong":
        return lambda x, y, u: (np.sin((a + veil * u) * y) - np.cos(b * x), np.sin(c * x) - np.cos((d + veil * u) * y)), 1
    if kind == "svensson":
        return lambda x, y, u: ((d + veil * u) * np.sin(a * x) - np.sin(b * y), c * np.cos((a + veil * u) * x) + np.cos(b * y)), 1
    sign = rng.choice([-1, 1])
    pull, gain, swirl = sign * rng.uniform(1.5, 2.6), -sign * rng.uniform(0.8, 2.5), rng.choice([0, rng.uniform(-0.2, 0.2)])
    fan, mirror = rng.uniform(-0.3, 0.3), rng.choice([-1, 1]) * rng.uniform(0.3, 1)

    def icon(x: Points, y: Points, u: Points) -> tuple[Points, Points]:
        z = (x + 1j * y).astype(np.complex64)
        power = z.copy()
        for _ in range(fold - 2):
            power *= z
        z = (pull + 0.5 * veil * u + gain * (x * x + y * y) + fan * (power * z).real + 1j * swirl) * z + mirror * np.conj(power)
        return z.real, z.imag

    return icon, fold


def _interesting(rng: Generator, spread: float) -> tuple[Step, int]:
    """The candidate whose points fill their frame about as much as wished: neither a few lines nor an even cloud."""
    found = [_formula(rng) for _ in range(CANDIDATES)]
    return min(found, key=lambda one: abs(spread - _spread(*_orbits(np.random.default_rng(0), one[0], walkers=400, steps=60)[:2])))


def _spread(x: Points, y: Points) -> float:
    """Entropy of a coarse histogram, from 0 to 1 (an even one); -9 where points flew away or fell together."""
    if len(x) < 20_000 or min(np.std(x), np.std(y)) < 0.1:
        return -9
    histogram = np.histogram2d(x, y, bins=40)[0].ravel() / len(x)
    filled = histogram[histogram > 0]
    return float(-(filled * np.log(filled)).sum() / np.log(len(histogram)))


def _orbits(rng: Generator, step: Step, walkers: int, steps: int, settle: int = 20) -> tuple[Points, Points, Points]:
    """Where the walkers went after they settled, and their drifts."""
    x, y, drift = rng.uniform((-0.5, -0.5, -1), (0.5, 0.5, 1), (walkers, 3)).astype(np.float32).T
    places = np.empty((3, steps, walkers), np.float32)
    with np.errstate(all="ignore"):
        for number in range(settle + steps):
            x, y = step(x, y, drift)
            if number >= settle:
                places[:, number - settle] = x, y, drift
        x, y, drift = places.reshape(3, -1)
        kept = x * x + y * y < 100  # also leaves out what is no number
    return x[kept], y[kept], drift[kept]


def _placed(brief: Brief, x: Points, y: Points, fold: int) -> tuple[Points, Points]:
    """Points in pixels: turned, and scaled so that sparse pictures show all of it and dense ones come close."""
    angle = brief.rng.uniform(0, 2 * np.pi) if fold == 1 else np.pi / 2
    across, down = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    x, y = across * x - down * y, down * x + across * y
    (left, right), (top, bottom) = np.quantile(x[::97], (0.002, 0.998)), np.quantile(y[::97], (0.002, 0.998))
    scale = np.float32(min(brief.width / (right - left), brief.height / (bottom - top)) * brief.choose(0.8, 1.2))
    x = (x - np.float32(left + right) / 2) * scale + brief.width / 2
    return x, (y - np.float32(top + bottom) / 2) * scale + brief.height / 2
