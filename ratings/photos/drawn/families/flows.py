"""Flow fields: long strokes that follow one smooth field of directions, as separate bands, as fine silk, or as paint.

References:
    Hobbs, Flow Fields, 2020, https://tylerxhobbs.com/essays/2020/flow-fields (the idea of bands that stop where they would meet another).
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, blend, blurred, colour, counted, finished, fractal_noise, plain, shapes

Directions = Float[ndarray, "rows columns"]
Path = Float[ndarray, "steps 2"]
COARSE = 4  # pixels of a cell of the field and of the map of what is taken
STEP = 5  # pixels


def draw(brief: Brief) -> Image.Image:
    field, focus = _field(brief)
    style = brief.alternate(_bands, _bands, _silk, _paint)
    return finished(brief, style(brief, field, focus), grain=0.02)


def _field(brief: Brief) -> tuple[Directions, Float[ndarray, "2"]]:
    """Directions in radians, a cell each, and the place of the whirl (in pixels) that some of them turn around."""
    rng, height, width = brief.rng, brief.height // COARSE, brief.width // COARSE
    bends = fractal_noise(rng, height, width, brief.choose(1.2, 2.2), octaves=3, falloff=0.3)
    angle = rng.uniform(0, 2 * np.pi) + rng.uniform(1.6, 3.2) * bends
    focus = rng.uniform(0.25, 0.75, 2) * (width, height)
    y, x = np.mgrid[0:height, 0:width] - focus[::-1, None, None]
    near = np.exp(-((np.hypot(x, y) / (0.3 * max(height, width))) ** 2)) * rng.choice([0, 1, 1])
    around = np.arctan2(y, x) + rng.choice([1.4, 1.7])  # a little off the circle: a spiral
    across, down = (1 - near) * np.cos(angle) + near * np.cos(around), (1 - near) * np.sin(angle) + near * np.sin(around)
    return np.arctan2(down, across), focus * COARSE


def _paths(brief: Brief, field: Directions, starts: Float[ndarray, "paths 2"], steps: int) -> Float[ndarray, "paths steps 2"]:
    """Where the strokes lead that begin at these places (all in pixels)."""
    places, found = starts.copy(), np.empty((len(starts), steps, 2))
    for number in range(steps):
        found[:, number] = places
        column = np.clip(places[:, 0] / COARSE, 0, field.shape[1] - 1).astype(np.int32)
        row = np.clip(places[:, 1] / COARSE, 0, field.shape[0] - 1).astype(np.int32)
        angle = field[row, column]
        places = places + STEP * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return found


def _outline(path: Path, half: Float[ndarray, "steps"]) -> list[tuple[float, float]]:
    """The border of a stroke that reaches `half` to each side at each step."""
    along = np.gradient(path, axis=0)
    side = along[:, ::-1] * (-1, 1) * (half / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9))[:, None]
    return [(x, y) for x, y in np.concatenate([path + side, (path - side)[::-1]]).tolist()]


def _rounded(path: Path, width: float, corner: float) -> list[tuple[float, float]]:
    """The border of a band whose ends are rounded over this length; half its length makes a leaf."""
    length = STEP * (len(path) - 1)
    corner = min(corner, length / 2)
    arc = corner * (1 - np.cos(np.linspace(0, np.pi / 2, 9)))
    places = np.concatenate([arc, np.arange(corner + STEP, length - corner, STEP), length - arc[::-1]])
    smooth = path.copy()
    smooth[2:-2] = (path[:-4] + path[1:-3] + path[2:-2] + path[3:-1] + path[4:]) / 5  # the field has coarse cells
    steps = STEP * np.arange(len(path))
    inward = 1 - np.clip(np.minimum(places, length - places) / corner, 0, 1)
    moved = np.stack([np.interp(places, steps, smooth[:, axis]) for axis in (0, 1)], axis=-1)
    return _outline(moved, width / 2 * np.sqrt(1 - inward**2))


def _bands(brief: Brief, field: Directions, focus: Float[ndarray, "2"]) -> Pixels:
    """Bands that never touch, on an empty ground with a margin."""
    rng, size, colours = brief.rng, (brief.width, brief.height), brief.palette.colours
    taken = np.ones((brief.height // COARSE + 40, brief.width // COARSE + 40), bool)  # 20 cells around the picture
    margin = 20 + round(rng.choice([-12, 14]))
    taken[margin:-margin, margin:-margin] = False
    widest, narrowest, pointed, roundness = brief.choose(72, 26), brief.choose(18, 7), rng.random() < 0.4, rng.choice([0.1, 0.5])
    placed: list[tuple[Path, float]] = []
    for width in np.geomspace(widest, narrowest, 5):
        steps = round(rng.uniform(4, 9) * width / STEP) + 20
        for path in _paths(brief, field, rng.uniform(-0.05, 1.05, (round(300 * (widest / width) ** 0.8), 2)) * size, steps):
            length = _free(taken, path, width / 2 + 5)
            if length * STEP > 2 * width:
                placed.append((path[:length], width))
                _take(taken, path[:length], width / 2)
    dark = rng.random() < 0.4
    ground, inks = (colours[0], colours[1:]) if dark else (colours[4], colours[:4])
    weights = rng.dirichlet(np.full(4, 0.8))
    sun = rng.uniform(0.15, 0.3) * max(size)
    accent = inks[int(np.argmin(weights))]

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        for path, width in placed:
            ink = accent if np.hypot(*(path[0] - focus)) < sun else inks[rng.choice(4, p=weights)]
            outline = _rounded(path, width, corner=STEP * len(path) if pointed else roundness * width)
            scale = longest / max(size)
            surface.polygon([(x * scale, y * scale) for x, y in outline], fill=colour(ink + rng.normal(0, 0.02)))

    return shapes(brief, plain(brief, ground), paint)


def _free(taken: Bool[ndarray, "rows columns"], path: Path, reach: float) -> int:
    """How many steps a path can go before anything taken comes within reach (in pixels)."""
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.concatenate([[[0, 0]], reach * np.stack([np.cos(around), np.sin(around)], axis=-1)])
    cells = np.clip((path[:, None] + ring) / COARSE + 20, 0, np.array(taken.shape[::-1]) - 1).astype(np.int32)
    blocked = taken[cells[..., 1], cells[..., 0]].any(axis=1)
    return int(blocked.argmax()) if blocked.any() else len(path)


def _take(taken: Bool[ndarray, "rows columns"], path: Path, reach: float) -> None:
    cells = max(1, round(reach / COARSE))
    down, across = np.mgrid[-cells : cells + 1, -cells : cells + 1].reshape(2, -1)
    disc = np.stack([across, down], axis=-1)[np.hypot(across, down) <= cells + 0.3]
    places = np.clip((path[::2, None] / COARSE + 20 + disc).astype(np.int32), 0, np.array(taken.shape[::-1]) - 1)
    taken[places[..., 1], places[..., 0]] = True


def _silk(brief: Brief, field: Directions, focus: Float[ndarray, "2"]) -> Pixels:
    """Bundles of thousands of threads, each bundle from one line; threads fade at both ends."""
    rng, colours = brief.rng, brief.palette.colours.astype(np.float32)
    dark = rng.random() < 0.5
    pixels = plain(brief, colours[0] if dark else colours[4])
    threads, steps = 1300, 170
    for number in range(round(brief.choose(3, 5))):
        across = rng.normal(0, 1, threads)
        tries = [_line(brief, across) for _ in range(3)]
        starts = max(tries, key=lambda line: _inside(brief, _paths(brief, field, line[::25], steps)))
        points = _paths(brief, field, starts, steps)
        weights = np.exp(-0.5 * across[:, None] ** 2) * rng.uniform(0.3, 1, (threads, 1)) * np.sin(np.linspace(0, np.pi, steps)) ** 2
        between = (points[:, :-1] + points[:, 1:]) / 2  # a point every 2.5 pixels, for unbroken threads
        x, y = np.concatenate([points, between], axis=1).reshape(-1, 2).T
        density = blurred(counted(brief, x, y, np.concatenate([weights, weights[:, 1:]], axis=1).ravel()), 1)
        share = np.clip(np.log1p(6 * density) / np.log1p(6 * np.quantile(density[density > 0], 0.99)), 0, 1)
        ink = colours[1 + number % 4] if dark else colours[number % 4]
        pixels = blend(pixels, plain(brief, ink), 0.9 * share)
    return pixels


def _line(brief: Brief, across: Float[ndarray, "paths"]) -> Float[ndarray, "paths 2"]:
    """Places on a line, most of them near its middle."""
    size, angle = np.array([brief.width, brief.height]), brief.rng.uniform(0, np.pi)
    return brief.rng.uniform(0.1, 0.9, 2) * size + np.stack([np.cos(angle) * across, np.sin(angle) * across], axis=-1) * 0.22 * max(size)


def _inside(brief: Brief, paths: Float[ndarray, "paths steps 2"]) -> float:
    """The share of the paths that lies well inside the picture."""
    size = np.array([brief.width, brief.height])
    return float(((paths > 0.05 * size) & (paths < 0.95 * size)).all(axis=-1).mean())


def _paint(brief: Brief, field: Directions, focus: Float[ndarray, "2"]) -> Pixels:
    """Short strokes of thick paint all over, whose colours form a sky around the whirl."""
    rng, size = brief.rng, np.array([brief.width, brief.height])
    waves = rng.uniform(12, 22)

    def sky(x: Float[ndarray, "*shape"], y: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
        far = np.hypot(x - focus[0], y - focus[1]) / max(size)
        return 0.3 + 0.3 * np.cos(far * waves) * np.exp(-3 * far) + 0.35 * (1 - y / brief.height)

    width, count = brief.choose(30, 17), round(brief.choose(1300, 2200))
    starts = rng.uniform(-0.05, 1.05, (count, 2)) * size
    paths = _paths(brief, field, starts, 26)[:, ::3]
    inks = brief.palette.ramp(sky(starts[:, 0], starts[:, 1]) + rng.normal(0, 0.08, count))
    across, down = brief.coordinates()
    ground = brief.palette.ramp(sky(across * max(size), down * max(size)) - 0.1)

    def paint(surface: ImageDraw.ImageDraw, longest: float) -> None:
        scale = longest / max(size)
        down = np.array([0, 0.12 * width * scale])
        half = np.sin(np.linspace(0.3, np.pi, paths.shape[1])) ** 0.7 * width / 2 * scale
        for path, ink in zip(paths * scale, inks, strict=True):
            surface.polygon(_outline(path + down, half), fill=colour(ink - 0.1))  # its shade
            surface.polygon(_outline(path, half), fill=colour(ink))
            surface.polygon(_outline(path - 1.7 * down, 0.3 * half), fill=colour(ink + 0.06))  # its upper ridge

    return shapes(brief, ground, paint)
