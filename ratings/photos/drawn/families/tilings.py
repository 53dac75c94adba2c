"""Islamic star patterns of 8, 10 or 12 points, as interlaced bands with shadows.

From the middle of each side of a tiling's polygons two bands start at one angle; where bands of a polygon meet, they join. A band passes
over and under the others by turns, because at each side the band that turns left lies above.

References:
    Kaplan, Islamic star patterns from polygons in contact, Graphics Interface, 2005; Hankin, The drawing of geometric patterns, 1925.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, blend, blurred, colour, finished, fractal_noise, mask, plain, shapes, smoothstep

Corners = Float[ndarray, "_ 2"]
Point = Float[ndarray, "2"]
Outline = list[tuple[float, float]]

# Places in the palette: ground, star, what lies in smaller polygons, core of a deep star, band, its edge.
INKS = ((1, 0, 2, 3, 4, 0), (0, 1, 2, 3, 4, 0), (4, 1, 3, 2, 0, 4), (3, 1, 2, 0, 4, 0), (2, 0, 1, 3, 4, 0), (4, 2, 3, 1, 4, 0))


@dataclass(frozen=True)
class Band:
    """A band through one polygon: it starts at the middle of a side, bends at the joint and ends at the middle of another side."""

    side: int  # of the polygon, where it starts
    start: Point
    joint: Point
    end: Point


def draw(brief: Brief) -> Image.Image:
    fold = brief.alternate(8, 10, 12, 8, 12, 10, 16)
    tiles, angle = _tiling(brief, fold)
    deep = brief.rng.random() < 0.75
    pixels = _laced(brief, [(tile, _bands(tile, angle, deep)) for tile in tiles], deep)
    grain = 1 + 0.08 * (fractal_noise(brief.rng, brief.height, brief.width, 60, octaves=3) - 0.5)
    return finished(brief, _framed(brief, pixels * grain[..., None]), grain=0.014)


def _polygon(sides: int, side: float, centre: Point, turn: float) -> Corners:
    """A regular polygon, one of whose sides faces the direction `turn`."""
    angles = turn + (2 * np.arange(sides) + 1) * np.pi / sides
    return centre + side / (2 * np.sin(np.pi / sides)) * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def _tiling(brief: Brief, fold: int) -> tuple[list[Corners], float]:
    """Polygons in pixels that cover the picture, and the angle of the bands; a star stands in the middle of the picture."""
    period = max(brief.width, brief.height) * brief.choose(0.36, 0.19)
    half, sixth = np.pi / 2, np.pi / 3

    def towards(angle: float, length: float) -> Point:
        return np.array([np.cos(angle), np.sin(angle)]) * length

    cell: list[Corners] = []
    origin = np.zeros(2)
    if fold == 8:  # octagons and squares
        first, second, side = towards(0, period), towards(half, period), period / (1 + np.sqrt(2))
        cell = [_polygon(8, side, origin, 0), _polygon(4, side, (first + second) / 2, np.pi / 4)]
        angle = brief.rng.uniform(0.29, 0.37) * np.pi
    elif fold == 10:  # decagons, and bow ties between four of them
        first, second, side = towards(0, period), towards(2 * np.pi / 5, period), period * np.tan(np.pi / 10)
        reach = side / (2 * np.sin(np.pi / 10))
        around = [(first, 126), (first, 90), (second, 342), (second, 306), (origin, 54), (origin, 18)]
        cell = [_polygon(10, side, origin, 0), np.array([place + towards(np.radians(degrees), reach) for place, degrees in around])]
        angle = brief.rng.uniform(0.365, 0.395) * np.pi
    elif fold == 12:  # dodecagons, hexagons and squares
        side = period / (3 + np.sqrt(3))
        first, second = towards(0, period), towards(sixth, period)
        cell = [_polygon(12, side, origin, 0)]
        cell += [_polygon(6, side, towards(turn, period / np.sqrt(3)), turn) for turn in (sixth / 2, half)]
        cell += [_polygon(4, side, towards(turn, period / 2), turn) for turn in (0, sixth, 2 * sixth)]
        angle = brief.rng.uniform(0.3, 0.4) * np.pi
    else:  # dodecagons and triangles
        side = period / (2 + np.sqrt(3))
        first, second = towards(0, period), towards(sixth, period)
        cell = [_polygon(12, side, origin, 0)]
        cell += [_polygon(3, side, towards(turn, period / np.sqrt(3)), turn + np.pi) for turn in (sixth / 2, half)]
        angle = brief.rng.uniform(0.345, 0.4) * np.pi
    middle, tiles = np.array([brief.width, brief.height]) / 2, []
    reach_cells = int(1.5 * max(brief.width, brief.height) / period) + 2
    for across in range(-reach_cells, reach_cells + 1):
        for down in range(-reach_cells, reach_cells + 1):
            shift = middle + across * first + down * second
            if (np.abs(shift - middle) < middle + 0.9 * period).all():
                tiles += [tile + shift for tile in cell]
    return tiles, angle


def _bands(tile: Corners, angle: float, deep: bool) -> list[Band]:
    """Join each band that starts to the left with one that starts to the right: always the two that have the shortest way.

    In a large polygon they may run on to the band from the side after the next, for stars that reach deeper.
    """
    following = np.roll(tile, -1, axis=0)
    middles, sides = (tile + following) / 2, following - tile
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lefts, rights, count = sides @ turn.T, -sides @ turn, len(tile)
    found = []
    for start in range(count):
        for end in [(start + 2) % count] if deep and count > 6 else range(count):
            ahead, back = _meeting(middles[start], lefts[start], middles[end], rights[end])
            if ahead > 1e-6 and back > 1e-6:
                found.append((ahead + back, start, end, middles[start] + ahead * lefts[start]))
    bands, starts, ends = [], set(), set()
    for _, start, end, joint in sorted(found, key=lambda one: one[0]):
        if start not in starts and end not in ends:
            starts.add(start)
            ends.add(end)
            bands.append(Band(start, middles[start], joint, middles[end]))
    return sorted(bands, key=lambda band: band.side)


def _meeting(first: Point, first_way: Point, second: Point, second_way: Point) -> tuple[float, float]:
    """How far along the two ways from these points they meet; 0 where they never do."""
    cross = float(first_way[0] * second_way[1] - first_way[1] * second_way[0])
    if abs(cross) < 1e-6:
        return 0, 0
    gap = second - first
    return (gap[0] * second_way[1] - gap[1] * second_way[0]) / cross, (gap[0] * first_way[1] - gap[1] * first_way[0]) / cross


def _crossings(bands: list[Band]) -> list[Point]:
    """Where each band of a deep star, on its way from the joint, goes over the next one."""
    found = []
    for band, following in zip(bands, bands[1:] + bands[:1], strict=True):
        ahead, _ = _meeting(band.joint, band.end - band.joint, following.start, following.joint - following.start)
        found.append(band.joint + ahead * (band.end - band.joint))
    return found


def _strip(band: Band, half: float) -> Outline:
    """The border of a band that reaches `half` to both sides."""
    into, out = band.joint - band.start, band.end - band.joint
    into, out = (np.array([-way[1], way[0]]) / max(np.hypot(*way), 1e-9) for way in (into, out))
    corner = (into + out) / max(1 + into @ out, 0.15)
    outline = [band.start + half * into, band.joint + half * corner, band.end + half * out]
    outline += [band.end - half * out, band.joint - half * corner, band.start - half * into]
    return [(float(x), float(y)) for x, y in outline]


def _bridge(centre: Point, way: Point, half: float, back: float, ahead: float) -> Outline:
    """The border of a piece of a band that lies above another."""
    way = way / max(np.hypot(*way), 1e-9)
    side = half * np.array([-way[1], way[0]])
    start, end = centre - back * way, centre + ahead * way
    return [(float(x), float(y)) for x, y in (start + side, end + side, end - side, start - side)]


def _bridges(bands: list[Band], deep: bool, half: float, length: float, more: float) -> list[Outline]:
    """The pieces of a polygon's bands that lie above others, longer by `more` than others of this length."""
    found = []
    for band in bands:
        way = band.joint - band.start
        found.append(_bridge(band.start, way, half, 0, min(length, 0.4 * float(np.hypot(*way))) + more))
    if deep:
        for band, crossing in zip(bands, _crossings(bands), strict=True):
            back, ahead = (min(length, 0.75 * float(np.hypot(*(crossing - end)))) + more for end in (band.joint, band.end))
            found.append(_bridge(crossing, band.end - band.joint, half, back, ahead))
    return found


def _laced(brief: Brief, drawn: list[tuple[Corners, list[Band]]], deep: bool) -> Pixels:
    rng, longest = brief.rng, max(brief.width, brief.height)
    half, rim = longest * brief.choose(0.0085, 0.0048), longest * brief.choose(0.0022, 0.0015)
    ground, star, other, core, strap, edge = brief.palette.colours[list(brief.pick(*INKS))]
    crossing = 4.2 * half
    middle, light = np.array([brief.width, brief.height]) / 2, rng.choice([0.0, 0.35])

    def fill(surface: ImageDraw.ImageDraw, size: float, outlines: list[Outline], ink: tuple[int, int, int] | int) -> None:
        for outline in outlines:
            surface.polygon([(x * size / longest, y * size / longest) for x, y in outline], fill=ink)

    def faces(surface: ImageDraw.ImageDraw, size: float) -> None:
        for tile, bands in drawn:
            far = float(np.hypot(*(tile.mean(axis=0) - middle))) / longest
            shade = 1 + light * (0.5 - 2 * far)
            fill(surface, size, _loops(bands), colour((star if len(tile) > 6 else other) * shade))
            if deep and len(tile) > 6:
                inner = [place for band, crossing in zip(bands, _crossings(bands), strict=True) for place in (band.joint, crossing)]
                fill(surface, size, [[(float(x), float(y)) for x, y in inner]], colour(core * shade))

    def straps(reach: float) -> list[Outline]:
        return [_strip(band, reach) for _, bands in drawn for band in bands]

    def bridges(reach: float, length: float, more: float = 0) -> list[Outline]:
        return [one for tile, bands in drawn for one in _bridges(bands, deep and len(tile) > 6, reach, length, more)]

    def lower(surface: ImageDraw.ImageDraw, size: float) -> None:
        fill(surface, size, straps(half + rim), colour(edge))
        fill(surface, size, straps(half), colour(strap))

    def upper(surface: ImageDraw.ImageDraw, size: float) -> None:
        fill(surface, size, bridges(half + rim, crossing), colour(edge))
        fill(surface, size, bridges(half, crossing, 2 * rim), colour(strap))

    whole = mask(brief, lambda surface, size: fill(surface, size, straps(half + rim), 255))
    above = mask(brief, lambda surface, size: fill(surface, size, bridges(half + 2 * rim, 0.3 * crossing), 255))
    shadow = np.roll(blurred(whole, half), (round(half), round(0.7 * half)), axis=(0, 1))
    pixels = shapes(brief, plain(brief, ground), faces) * (1 - 0.45 * shadow[..., None])
    pixels = shapes(brief, pixels, lower) * (1 - 0.5 * blurred(above, 0.6 * half) * whole)[..., None]
    return shapes(brief, pixels, upper)


def _loops(bands: list[Band]) -> list[Outline]:
    """The closed lines that the bands of a polygon form."""
    after = {tuple(band.start.round(3)): band for band in bands}
    loops = []
    while after:
        place, loop = next(iter(after)), []
        while place in after:
            band = after.pop(place)
            loop += [(float(band.start[0]), float(band.start[1])), (float(band.joint[0]), float(band.joint[1]))]
            place = tuple(band.end.round(3))
        loops.append(loop)
    return loops


def _framed(brief: Brief, pixels: Pixels) -> Pixels:
    """Some pictures show the pattern in a panel or a medallion on a calm ground."""
    kind = brief.pick("all", "panel", "medallion")
    if kind == "all":
        return pixels
    x, y = brief.coordinates()
    x, y = np.abs(x - x.max() / 2), np.abs(y - y.max() / 2)
    margin, edge = 0.055, 0.7 / max(brief.width, brief.height)
    inside = np.maximum(x - x.max(), y - y.max()) + margin if kind == "panel" else np.hypot(x, y) - min(x.max(), y.max()) + margin
    inks = brief.palette.colours[list(brief.pick((4, 0), (0, 3), (4, 1)))]
    ground = blend(plain(brief, inks[0]), plain(brief, inks[1]), smoothstep(0.012 + edge, 0.012 - edge, inside))
    return blend(ground, pixels, smoothstep(edge, -edge, inside))
