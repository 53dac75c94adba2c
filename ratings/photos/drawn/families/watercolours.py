"""Watercolours: thin washes of pigment on white paper, darker at their edges and in the hollows of the paper."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from PIL import Image, ImageDraw

from ratings.photos.drawn.paper import Brief, Field, blurred, enlarged, finished, fractal_noise, mask, smoothstep, spectral_noise

Wash = tuple[Field, float, Field | float]
"""Where it is painted, its tone on the palette, and how much pigment."""


def draw(brief: Brief) -> Image.Image:
    rng = brief.rng
    paper = _Paper.made(brief)
    scene = (_landscape, _landscape, _branches, _branches, _stones)[rng.integers(5)]
    absorbed = np.zeros((brief.height, brief.width, 3), np.float32)
    for cut, tone, pigment in scene(brief):
        light = np.clip(brief.palette.ramp(np.array(tone)), 0.02, 0.98)
        rows, columns = (np.flatnonzero(cut.any(axis=axis)) for axis in (1, 0))
        spread = 16  # pixels that a wash may leave its outline
        window = slice(max(rows[0] - spread, 0), rows[-1] + spread), slice(max(columns[0] - spread, 0), columns[-1] + spread)
        settled = paper.settled(cut[window], window, rng) * np.broadcast_to(pigment, cut.shape)[window]
        absorbed[window] -= settled[..., None] * np.log(light)
    # A strong picture must keep its paper below pure white, a soft one loses light anyway.
    white = (
        np.array([0.93, 0.92, 0.895] if brief.contrast == "strong" else [1.03, 1.02, 0.99], np.float32) + 0.006 * paper.hollows[..., None]
    )
    return finished(brief, white * np.exp(-absorbed), grain=0.006)


@dataclass(frozen=True)
class _Paper:
    """Paper, and how water moves on it: fields that join at their edges."""

    hollows: Field
    flow: Field
    wet: Field
    ragged: Field

    @classmethod
    def made(cls, brief: Brief) -> "_Paper":
        small = brief.height // 4, brief.width // 4
        fields = ((3.5, 2.2), (3.0, 3.0), (30.0, 1.8))
        hollows = spectral_noise(brief.rng, brief.height, brief.width, 160, 1.5)
        return cls(hollows, *(enlarged(spectral_noise(brief.rng, *small, *field), brief.height, brief.width) for field in fields))

    def settled(self, cut: Field, window: tuple[slice, slice], rng: Generator) -> Field:
        """Pigment of a wash, about 1: it flows about, gathers where the edge dries first, and in the hollows of the paper."""
        height, width = self.hollows.shape
        shift = int(rng.integers(height)), int(rng.integers(width))  # no two washes flow alike
        flow, wet, ragged = (np.roll(field, shift, (0, 1))[window] for field in (self.flow, self.wet, self.ragged))
        half = -(-cut.shape[0] // 2), -(-cut.shape[1] // 2)
        inside = enlarged(blurred(enlarged(cut, *half), 0.002 * max(height, width)), *cut.shape) + 0.04 * ragged
        shape = smoothstep(0.36, 0.5, inside)
        edge = np.exp(-np.abs(inside - 0.52) / 0.14) * (0.25 + 0.75 * smoothstep(-0.6, 1.0, wet))  # edges that stayed wet are pale
        return shape * np.clip(0.72 + 0.22 * flow + 0.5 * edge - 0.06 * self.hollows[window], 0.05, 3)


def _polygon(brief: Brief, points: list[Float[ndarray, "points 2"]]) -> Field:
    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        for outline in points:
            surface.polygon([(longest * x, longest * y) for x, y in outline], fill=255)

    return mask(brief, paint)


def _frame(brief: Brief) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the painted part: white paper remains around it."""
    margin = float(brief.rng.uniform(0.05, 0.09))
    longest = max(brief.width, brief.height)
    return margin, margin, brief.width / longest - margin, brief.height / longest - margin


def _landscape(brief: Brief) -> Iterator[Wash]:
    """A wet sky around a sun of bare paper, and hills that overlap."""
    rng = brief.rng
    x, y = brief.coordinates()
    left, top, right, bottom = _frame(brief)
    tall, wide = bottom - top, right - left
    horizon = top + tall * float(rng.uniform(0.45, 0.65))
    sun = left + wide * float(rng.choice([0.3, 0.7])), top + tall * float(rng.uniform(0.2, 0.35))
    radius = brief.choose(0.07, 0.05)
    sky = _polygon(brief, [np.array([[left, top], [right, top], [right, bottom], [left, bottom]])])
    bare = smoothstep(radius, radius + 0.002, np.hypot(x - sun[0], y - sun[1]))
    yield sky * bare, float(rng.uniform(0.6, 0.75)), np.clip(1.1 - (y - top) / (horizon - top), 0.12, 1) * 0.9
    yield sky * (1 - bare), 0.75, 0.5 * (rng.random() < 0.5)
    hills = round(brief.choose(3, 6))
    for hill in range(hills):
        depth = (hill + 0.5) / hills
        rise = fractal_noise(rng, 2, 300, brief.choose(2.0, 4.0), 5, 0.45)[0] - 0.4
        line = horizon + (bottom - horizon) * depth * 0.85 - 0.22 * (1.05 - depth) * tall * rise
        ridge = np.stack([np.linspace(left, right, 300), np.minimum(line, bottom)], axis=1)
        fade = np.clip(1 - 0.55 * (y - line.min()) / (bottom - line.min() + 0.01), 0.3, 1)
        yield _polygon(brief, [np.vstack([ridge, [[right, bottom], [left, bottom]]])]), 0.6 - 0.5 * depth, 0.55 * fade


def _branches(brief: Brief) -> Iterator[Wash]:
    """Stems with leaves, one over the other, some with a blossom."""
    rng = brief.rng
    left, top, right, bottom = _frame(brief)
    stems = round(brief.choose(2, 4))
    foot = left + (right - left) * float(rng.uniform(0.42, 0.58))
    for stem in range(stems):
        tip = left + (right - left) * (stem + 0.5 + 0.15 * float(rng.normal())) / stems
        t = np.linspace(0, 1, 60)
        across = foot + 0.03 * float(rng.normal()) + (tip - foot) * t**1.3 + float(rng.normal(0, 0.05)) * np.sin(np.pi * t)
        down = bottom + (top + (bottom - top) * float(rng.uniform(0.08, 0.28)) - bottom) * t
        tone = float(rng.uniform(0.1, 0.6))
        thick = 0.0055 * (1 - 0.45 * t)
        line = np.vstack([np.stack([across - thick, down], 1), np.stack([across + thick, down], 1)[::-1]])
        yield _polygon(brief, [line]), max(tone - 0.1, 0.05), 0.8
        pairs = round(brief.choose(6, 9))
        length = brief.choose(0.24, 0.15)
        wide = float(rng.choice([0.12, 0.18, 0.27]))
        blossom = rng.random() < 0.4
        for turn in range(2):  # neighbours are not painted in one wash, so that they stay apart
            leaves = []
            for pair in range(turn, pairs, 2):
                place = 0.25 + (0.6 if blossom else 0.72) * (pair + 0.5) / pairs
                at = int(place * 59)
                heading = float(np.arctan2(down[at] - down[at - 3], across[at] - across[at - 3]))
                for side in (-1, 1):
                    size = length * (1.2 - 0.7 * place) * float(rng.uniform(0.8, 1.15))
                    leaves.append(_leaf(rng, (across[at], down[at]), heading + side * float(rng.uniform(0.6, 1.05)), size, wide))
            yield _polygon(brief, leaves), min(tone + 0.12 * turn, 1), 0.7
        if blossom:
            petals = [
                _leaf(rng, (across[-1], down[-1]), petal * 1.2566 + float(rng.normal(0, 0.12)), 0.42 * length, 0.3) for petal in range(5)
            ]
            yield _polygon(brief, petals), (tone + 0.35) % 0.75, 0.8
        else:
            yield _polygon(brief, [_leaf(rng, (across[-1], down[-1]), heading, 0.5 * length, wide)]), tone, 0.7


def _leaf(rng: Generator, foot: tuple[float, float], heading: float, size: float, wide: float) -> Float[ndarray, "points 2"]:
    t = np.linspace(0, 1, 24)
    half = wide * size * np.sin(np.pi * t**0.8)
    curl = 0.1 * size * float(rng.normal()) * t**2
    along = np.concatenate([t, t[::-1]]) * size
    aside = np.concatenate([half + curl, (curl - half)[::-1]])
    x, y = foot
    return np.stack([x + along * np.cos(heading) - aside * np.sin(heading), y + along * np.sin(heading) + aside * np.cos(heading)], axis=1)


def _stones(brief: Brief) -> Iterator[Wash]:
    """Round blots that overlap, in an arc or a pile."""
    rng = brief.rng
    left, top, right, bottom = _frame(brief)
    count = round(brief.choose(4, 9))
    around = np.linspace(0, 2 * np.pi, 90)
    for blot in range(count):
        radius = brief.choose(0.17, 0.1) * float(rng.uniform(0.55, 1.2))
        place = np.array([left + (right - left) * (blot + 0.5) / count, top + (bottom - top) * (0.5 + 0.28 * float(rng.normal()))])
        place = np.clip(place, [left + radius, top + radius], [right - radius, bottom - radius])
        rim = radius * (1 + 0.1 * np.sin(2 * around + rng.uniform(0, 6)) + 0.05 * np.sin(3 * around + rng.uniform(0, 6)))
        yield _polygon(brief, [place + np.stack([rim * np.cos(around), rim * np.sin(around)], axis=1)]), float(rng.uniform(0.12, 0.8)), 0.75
