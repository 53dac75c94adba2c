"""Trees: one that grew to fill its crown, or a branching shrub, on a hill before a pale sun."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from ratings.photos.drawn.paper import Brief, finished, shapes
from ratings.photos.drawn.pen import Colour, Pen, Points, Print, printed_paper


def draw(brief: Brief) -> Image.Image:
    sheet = printed_paper(brief)
    longest = max(brief.width, brief.height)
    wide, tall = brief.width / longest, brief.height / longest
    plan = _trees if brief.rng.random() < 0.65 else _shrub
    pixels = shapes(brief, sheet.pixels, lambda surface, length: plan(brief, Pen(surface, length), wide, tall, sheet))
    return finished(brief, pixels, grain=0.014)


def _trees(brief: Brief, pen: Pen, wide: float, tall: float, sheet: Print) -> None:
    """A tree whose branches grow to fill its crown, with leaves and blossoms at their ends; in a dense picture two more behind it."""
    rng = brief.rng
    side = float(rng.choice([-1, 1]))
    blossoms = bool(rng.random() < 0.6)
    if brief.density == "dense":
        _grow_tree(brief, pen, (wide * (0.5 + 0.36 * side), 0.95 * tall), 0.5 * tall, sheet.far, False)
        _grow_tree(brief, pen, (wide * (0.5 + 0.1 * side), 0.95 * tall), 0.62 * tall, sheet.far, False)
    _grow_tree(brief, pen, (wide * (0.5 - side * float(rng.choice([0.0, 0.13]))), 0.93 * tall), 0.86 * tall, sheet.near, blossoms)
    pen.hill(wide, tall, sheet.near[1])


def _grow_tree(brief: Brief, pen: Pen, foot: tuple[float, float], height: float, inks: list[Colour], blossoms: bool) -> None:
    rng = brief.rng
    reach = np.array([min(0.4 * height, 0.3), 0.34 * height])
    angle, share = rng.uniform(0, 2 * np.pi, 1800), rng.random(1800) ** 0.5
    tufts = np.stack([rng.uniform(-0.7, 0.7, 6), rng.uniform(-0.5, 0.6, 6)], 1)[rng.integers(6, size=1800)]  # parts of the crown
    around = tufts + 0.5 * np.stack([np.cos(angle), np.sin(angle)], 1) * share[:, None]
    lights = np.array([foot[0], foot[1] - 0.65 * height]) + around * reach
    nodes, parents = _grown(rng, lights, np.array(foot), brief.choose(0.013, 0.011) * height)
    weights = np.ones(len(nodes))
    for node in range(len(nodes) - 1, 0, -1):
        weights[parents[node]] += weights[node]
    ends = np.flatnonzero(weights < 7)
    leaf = brief.choose(0.036, 0.024) * height

    def foliage(share: float, tones: list[Colour]) -> None:
        for node in ends[rng.random(len(ends)) < share]:
            heading = float(np.arctan2(*(nodes[node] - nodes[parents[node]])[::-1])) + float(rng.normal(0, 0.8))
            pen.leaf(nodes[node], heading, leaf * float(rng.uniform(0.6, 1.3)), 0.3, tones[rng.integers(len(tones))])

    foliage(0.6, inks[1:3])
    for node in range(1, len(nodes)):
        root = max(0.0, 1 - (foot[1] - nodes[node][1]) / (0.12 * height))  # the trunk widens above its roots
        thick = 0.0013 * height * weights[node] ** 0.48 * (1 + 0.6 * root**2)
        pen.line(nodes[[parents[node], node]], thick, inks[0])
        pen.dot(nodes[node], 0.47 * thick, inks[0])
    foliage(0.8, inks[1:3])
    foliage(0.3, inks[3:] if blossoms else inks[1:])


def _grown(rng: Generator, lights: Points, root: Float[ndarray, "2"], step: float) -> tuple[Points, Int[ndarray, "points"]]:
    """Nodes of a tree and the parent of each: every light pulls the node next to it, until a branch is near.

    References:
        Runions, Lane & Prusinkiewicz, "Modeling Trees with a Space Colonization Algorithm", 2007.
    """
    nodes, parents = [root], [0]
    while nodes[-1][1] > lights[:, 1].max() - 2 * step:  # the trunk
        nodes.append(nodes[-1] + np.array([float(rng.normal(0, 0.1)), -1]) * step)
        parents.append(len(nodes) - 2)
    new = np.arange(len(nodes))
    nearest, distance = np.zeros(len(lights), np.int64), np.full(len(lights), np.inf)
    for _ in range(90):
        apart = np.linalg.norm(lights[:, None] - np.array([nodes[node] for node in new])[None], axis=2)
        closer = apart.min(axis=1) < distance
        nearest[closer], distance[closer] = new[apart.argmin(axis=1)][closer], apart.min(axis=1)[closer]
        kept = distance > 1.6 * step
        lights, nearest, distance = lights[kept], nearest[kept], distance[kept]
        if not len(lights):
            break
        pulled = np.unique(nearest)
        first = len(nodes)
        for node in pulled:
            pull = lights[nearest == node] - nodes[node]
            way = (pull / np.linalg.norm(pull, axis=1, keepdims=True)).sum(axis=0) + rng.normal(0, 0.2, 2)
            nodes.append(nodes[node] + way / max(float(np.linalg.norm(way)), 1e-6) * step)
            parents.append(int(node))
        new = np.arange(first, len(nodes))
    return np.array(nodes), np.array(parents)


def _shrub(brief: Brief, pen: Pen, wide: float, tall: float, sheet: Print) -> None:
    """A bracketed L-system: X becomes F[+X][-X]FX with turns that vary; leaves on the last shoots."""
    rng = brief.rng
    depth = 5 if brief.density == "sparse" else 6
    spread = float(rng.uniform(0.32, 0.5))
    leaves: list[tuple[float, float, float]] = []

    def shoot(x: float, y: float, heading: float, length: float, rest: int) -> None:
        if rest == 0:
            leaves.append((x, y, heading))
            return
        for part in range(2):
            heading += float(rng.normal(0, 0.08))
            ahead = np.array([x + length * np.cos(heading), y + length * np.sin(heading)])
            pen.line(np.array([[x, y], ahead]), 0.0012 * 1.5**rest, sheet.near[0])
            x, y = ahead
            for side in (-1, 1) if part == 0 else ():
                shoot(x, y, heading + side * spread * float(rng.uniform(0.7, 1.3)), 0.56 * length, rest - 1)
        shoot(x, y, heading, 0.56 * length, rest - 1)

    shoot(wide * float(rng.choice([0.36, 0.5, 0.64])), 0.93 * tall, -np.pi / 2, 0.185 * tall, depth)
    leaf = brief.choose(0.045, 0.02)
    pen.hill(wide, tall, sheet.near[1])
    for x, y, heading in leaves:
        pen.leaf(
            (x, y), heading + float(rng.normal(0, 0.4)), leaf * float(rng.uniform(0.6, 1.2)), 0.28, sheet.near[1 + int(rng.integers(3))]
        )
