"""Curves with depth: twisted ribbons in light, veils between two moving points, harmonographs and guilloche rosettes.

References:
    Ashton, Harmonic vibrations and vibration figures, 1909 (harmonographs).
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, Points, blend, blurred, colour, counted, finished, mask, plain, shapes, smoothstep

Curve = Float[ndarray, "steps 3"]


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_twisted, _veil, _guilloche, _twisted, _harmonograph)
    return finished(brief, style(brief), grain=0.016)


def _traced(brief: Brief, x: Points, y: Points) -> Field:
    """How many points lie at each pixel, each shared between the four next pixels, so that lines are smooth."""
    x, y = x.astype(np.float32) - 0.5, y.astype(np.float32) - 0.5
    left, top = np.floor(x), np.floor(y)
    right_share, lower_share = x - left, y - top
    total = np.zeros((brief.height, brief.width), np.float32)
    for across, share_across in ((0, 1 - right_share), (1, right_share)):
        for down, share_down in ((0, 1 - lower_share), (1, lower_share)):
            total += counted(brief, left + across, top + down, share_across * share_down)
    return total


def _toned(density: Field, strength: float) -> Field:
    """Density on a logarithmic scale, 1 where it is as high as almost nowhere."""
    bright = np.quantile(density[density > 0.01][::5], 0.99)
    return np.clip(np.log1p(strength * density / bright) / np.log1p(strength), 0, 1)


def _wander(brief: Brief, t: Points, waves: int) -> tuple[Points, Points]:
    """A smooth closed curve between about -1 and 1; t runs from 0 to 2 pi."""
    x, y = np.zeros_like(t), np.zeros_like(t)
    for wave in range(1, waves + 1):
        x += np.cos(wave * t + brief.rng.uniform(0, 6)) * brief.rng.uniform(0.4, 1) / wave
        y += np.sin(wave * t + brief.rng.uniform(0, 6)) * brief.rng.uniform(0.4, 1) / wave
    return x / np.abs(x).max(), y / np.abs(y).max()


def _veil(brief: Brief) -> Pixels:
    """Thousands of straight threads between two points that move along curves."""
    rng, colours = brief.rng, brief.palette.colours
    waves, threads, along = brief.pick(2, 3), round(brief.choose(1100, 2200)), 480
    t = np.linspace(0, rng.uniform(1.2, 1.9) * np.pi, threads)
    first_x, first_y = _wander(brief, t, waves)
    second_x, second_y = _wander(brief, t, waves)
    share = np.linspace(0, 1, along)[:, None]
    bow = 0.35 * np.sin(np.pi * share)  # threads hang a little
    x = first_x + (second_x - first_x) * share + bow * (second_y - first_y)
    y = first_y + (second_y - first_y) * share - bow * (second_x - first_x)
    x, y = x + rng.normal(0, 0.0008, x.shape), y + rng.normal(0, 0.0008, y.shape)
    reach = 0.84 if brief.density == "sparse" else 1.0
    low_x, high_x, low_y, high_y = x.min(), x.max(), y.min(), y.max()
    x = brief.width * (0.5 + reach * ((x - low_x) / (high_x - low_x) - 0.5))
    y = brief.height * (0.5 + reach * ((y - low_y) / (high_y - low_y) - 0.5))
    dark = rng.random() < 0.6
    ground, core = (colours[0], colours[4]) if dark else (colours[4], colours[0])
    pixels = plain(brief, ground)
    inks = rng.permutation([1, 2, 3])
    for number, part in enumerate(np.array_split(np.arange(threads), 3)):
        tone = _toned(_traced(brief, x[:, part].ravel(), y[:, part].ravel()), strength=6)
        pixels = blend(pixels, plain(brief, colours[inks[number]]), 0.85 * smoothstep(0, 0.75, tone))
        pixels = blend(pixels, plain(brief, core), 0.8 * smoothstep(0.55, 1.1, tone))
    return pixels


def _harmonograph(brief: Brief) -> Pixels:
    """The path of a pen that hangs from pendulums which slowly come to rest."""
    rng, colours = brief.rng, brief.palette.colours
    dark = rng.random() < 0.5
    pixels = plain(brief, colours[0] if dark else colours[4])
    half = 0.44 * min(brief.width, brief.height)
    stretch = np.array([min(1.5, brief.width / min(brief.width, brief.height)), min(1.5, brief.height / min(brief.width, brief.height))])
    a, b = brief.pick((2, 3), (3, 4), (1, 2), (3, 5), (2, 5), (1, 3))
    turns, decay = brief.choose(30, 60), rng.uniform(1.2, 1.9)
    t = np.linspace(0, 1, 420_000)
    phases = rng.uniform(0, 2 * np.pi, 4)
    for number, place in enumerate(rng.permutation([1, 2, 3])[:2]):
        swing = 2 * np.pi * turns * t
        fade, detune = np.exp(-decay * t), 1 + rng.uniform(0.002, 0.006)
        x = (np.sin(a * swing + phases[0]) + 0.35 * np.sin(b * detune * swing + phases[1] + 0.3 * number)) * fade / 1.35
        y = (np.sin(b * swing + phases[2]) + 0.35 * np.sin(a * detune * swing + phases[3] + 0.3 * number)) * fade / 1.35
        tone = _toned(_traced(brief, brief.width / 2 + half * stretch[0] * x, brief.height / 2 + half * stretch[1] * y), strength=30)
        ink = colours[place] if number else colours[3 if dark else 1]
        pixels = blend(pixels, plain(brief, ink), smoothstep(0, 0.5, tone))
    return pixels


def _guilloche(brief: Brief) -> Pixels:
    """Rosettes of fine lines, as on banknotes."""
    rng, colours = brief.rng, brief.palette.colours
    dark = rng.random() < 0.45
    pixels = plain(brief, colours[0] if dark else colours[4])
    inks = rng.permutation([2, 3, 4] if dark else [0, 1, 2])
    around = np.linspace(0, 2 * np.pi, 9000, endpoint=False)
    half = 0.46 * min(brief.width, brief.height)
    middle_x, middle_y = brief.width / 2, brief.height / 2
    for number in range(3):
        fold, fine, lines = int(rng.integers(4, 13)), int(rng.integers(3, 9)), round(brief.choose(18, 38))
        inner, outer = (0.62, 1.0) if number == 0 else (0.3, 0.7) if number == 1 else (0.06, 0.4)
        swing, offset = (outer - inner) / 2, (outer + inner) / 2
        phase = np.linspace(0, 2 * np.pi / fold * rng.choice([1, 2]), lines, endpoint=False)[:, None]
        mix = rng.uniform(0.15, 0.45)
        radius = offset + swing * ((1 - mix) * np.cos(fold * around + phase * fold) + mix * np.cos(fold * fine * around / 2 - phase * fold))
        turn = 0.25 * swing * np.sin(fold * around - 2 * phase * fold)
        x = middle_x + half * radius * np.cos(around + turn)
        y = middle_y + half * radius * np.sin(around + turn)
        tone = np.clip(_traced(brief, x.ravel(), y.ravel()) / 2.2, 0, 1)
        pixels = blend(pixels, plain(brief, colours[inks[number]]), 0.9 * tone)
    return pixels


def _twisted(brief: Brief) -> Pixels:
    """Ribbons that run along knotted curves and turn about them, drawn from back to front."""
    rng, longest = brief.rng, max(brief.width, brief.height)
    dark = rng.random() < 0.4
    ground = brief.palette.colours[0 if dark else 4]
    p, q = brief.pick((2, 3), (3, 2), (2, 5), (3, 4)) if brief.density == "sparse" else brief.pick((3, 7), (4, 7), (5, 8), (3, 8))
    steps = 520 if brief.density == "sparse" else 1100
    t = np.linspace(0, 2 * np.pi, steps)
    ring = 1 + 0.42 * np.cos(q * t)
    curve = np.stack([ring * np.cos(p * t), ring * np.sin(p * t), 0.5 * np.sin(q * t)], axis=-1)
    tilt, lean = rng.uniform(-0.9, 0.9), rng.uniform(0, 2 * np.pi)
    curve = _turned(curve, tilt, lean)
    way = np.gradient(curve, axis=0)
    way /= np.linalg.norm(way, axis=1)[:, None]
    side = np.cross(way, _turned(np.array([[0.0, 0.0, 1.0]]), tilt, lean))
    side /= np.maximum(np.linalg.norm(side, axis=1), 1e-6)[:, None]
    twist = int(rng.integers(1, 4)) * t + rng.uniform(0, 6)  # whole half turns, so that the ribbon closes
    upward = np.cross(side, way)
    across = np.cos(twist)[:, None] * side + np.sin(twist)[:, None] * upward
    scale = 0.94 * min(brief.width, brief.height) / (2 * 1.5)
    half = brief.choose(0.22, 0.085)
    stripes = np.linspace(-half, half, 7)
    light = np.array([-0.5, -0.6, 0.62])
    facing = np.abs(np.cross(way, across) @ light)
    middle = np.array([brief.width / 2, brief.height / 2])
    inks = brief.palette.ramp(np.array([0.3, 0.62, 0.45, 0.8, 0.45, 0.62]) if rng.random() < 0.5 else np.full(6, 0.5))
    if dark:
        inks = np.clip(inks * 1.15, 0, 1)
    edges = curve[:, None] + stripes[None, :, None] * across[:, None]  # steps x 7 x 3
    flat = edges[..., :2] * scale + middle
    order = np.argsort(curve[:-1, 2])
    depths = np.interp(curve[:, 2], (curve[:, 2].min(), curve[:, 2].max()), (0.55, 1.0))
    tones = depths * (0.38 + 0.72 * facing)

    def paint(surface: ImageDraw.ImageDraw, size: float) -> None:
        factor = size / longest
        corners = (flat * factor).tolist()
        for step in order.tolist():
            here, following = corners[step], corners[step + 1]
            rim = [tuple(here[0]), tuple(here[-1]), tuple(following[-1]), tuple(following[0])]
            for stripe in range(6):
                quad = [tuple(here[stripe]), tuple(here[stripe + 1]), tuple(following[stripe + 1]), tuple(following[stripe])]
                ink = colour(inks[stripe] * tones[step])
                surface.polygon(quad, fill=ink, outline=ink)
            surface.line([rim[1], rim[2]], fill=colour(inks[0] * 0.4 * tones[step]), width=3)
            surface.line([rim[0], rim[3]], fill=colour(inks[0] * 0.4 * tones[step]), width=3)

    def cover(surface: ImageDraw.ImageDraw, size: float) -> None:
        factor = size / longest
        for here, following in zip((flat * factor).tolist()[:-1], (flat * factor).tolist()[1:], strict=True):
            surface.polygon([tuple(here[0]), tuple(here[-1]), tuple(following[-1]), tuple(following[0])], fill=255)

    shadow = np.roll(blurred(mask(brief, cover), 0.016 * longest), (round(0.025 * longest), round(0.018 * longest)), axis=(0, 1))
    return shapes(brief, plain(brief, ground) * (1 - 0.35 * shadow[..., None]), paint)


def _turned(curve: Curve, tilt: float, lean: float) -> Curve:
    """The curve leaned over about the axis across the picture, then turned in its plane."""
    x, y, z = curve.T
    y, z = np.cos(tilt) * y - np.sin(tilt) * z, np.sin(tilt) * y + np.cos(tilt) * z
    return np.stack([np.cos(lean) * x - np.sin(lean) * y, np.sin(lean) * x + np.cos(lean) * y, z], axis=-1)
