"""Textiles: tartan, ikat, quilts and broad bands woven over and under, thread by thread."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from PIL import Image

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, blend, blurred, enlarged, finished, fractal_noise, smoothstep

Threads = Float[ndarray, "threads 3"]
Numbers = Int[ndarray, "height width"]


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_tartan, _ikat, _quilt, _plaited)
    return finished(brief, style(brief) * _drape(brief)[..., None], grain=0.014)


def _drape(brief: Brief) -> Field:
    """Soft light and shade, as on a cloth that does not lie quite flat."""
    return 0.93 + 0.14 * enlarged(fractal_noise(brief.rng, brief.height // 8, brief.width // 8, 2, octaves=2), brief.height, brief.width)


def _pixels(brief: Brief) -> tuple[Numbers, Numbers]:
    rows, columns = np.mgrid[0 : brief.height, 0 : brief.width]
    return rows, columns


def _round(place: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
    """How brightly a thread shines across its width (0 to 1): dark at both sides."""
    return 0.72 + 0.36 * np.sin(np.pi * place)


def _stripes(brief: Brief, count: int) -> Threads:
    """Colours of threads: a run of stripes, then the same run backwards, again and again."""
    rng, colours = brief.rng, brief.palette.colours
    main, second, *others = rng.permutation(5)
    run: list[int] = []
    for width, place in ((10, main), (2, others[0]), (5, second), (1, others[1]), (3, main), (1, others[0]), (6, second)):
        run += [int(place)] * max(1, round(width * brief.choose(3.2, 1.2) * rng.uniform(0.6, 1.4)))
    places = np.resize(np.array(run + run[::-1]), count)
    return colours[places] + rng.normal(0, 0.012, (count, 1))


def _tartan(brief: Brief) -> Pixels:
    """The same stripes across and along, in a twill: each thread passes over two and under two."""
    rows, columns = _pixels(brief)
    size = 5  # pixels of a thread
    threads = _stripes(brief, max(brief.height, brief.width) // size + 1).astype(np.float32)
    row, column = rows // size, columns // size
    warp_above = (row + column) % 4 < 2
    along = np.where(warp_above, columns % size, rows % size) + 0.5
    across = np.where(warp_above, rows % (2 * size), columns % (2 * size)) + 0.5
    shade = _round(along / size) * (0.92 + 0.1 * np.sin(np.pi * across / (2 * size)))
    return np.where(warp_above[..., None], threads[column], threads[row]) * shade[..., None].astype(np.float32)


def _ikat(brief: Brief) -> Pixels:
    """Figures dyed into the threads before weaving, whose edges are feathered along each thread."""
    rng, colours = brief.rng, brief.palette.colours.astype(np.float32)
    rows, columns = _pixels(brief)
    size = 4
    thread = columns // size
    slips = rng.normal(0, 1, brief.width // size + 1)
    drift = np.convolve(np.pad(slips, 6, mode="wrap"), np.ones(13) / 13, mode="valid") * 2
    slipped = rows + (brief.choose(7, 4) * slips + brief.choose(10, 6) * drift)[thread]
    period = max(brief.width, brief.height) / brief.choose(3, 6)
    shift = brief.rng.uniform(0, 1)
    u = np.abs((columns / period + shift) % 1 - 0.5) * 2
    v = np.abs((slipped / (period * rng.uniform(1.1, 1.7))) % 1 - 0.5) * 2
    kind = brief.pick("lozenge", "wave", "steps")
    if kind == "lozenge":
        depth = u + v
    elif kind == "wave":
        depth = 1.2 * v + 0.5 * np.sin(np.pi * u) + 0.25 * u
    else:
        depth = np.floor(5 * u) / 5 + v
    levels = np.sort(rng.uniform(0.15, 1.75, 5))
    order = rng.permutation(5)
    pixels = np.broadcast_to(colours[order[0]], (*depth.shape, 3))
    for level, place in zip(levels, [*order[1:], order[0]], strict=True):
        pixels = blend(pixels, np.broadcast_to(colours[place], pixels.shape), smoothstep(level - 0.012, level + 0.012, depth))
    shade = _round((columns % size + 0.5) / size) * (0.94 + 0.06 * np.cos(2 * np.pi * rows / 6 + np.pi * thread))
    return pixels * (shade * (1 + 0.05 * rng.standard_normal(len(slips)))[thread])[..., None].astype(np.float32)


def _quilt(brief: Brief) -> Pixels:
    """Blocks sewn from triangles and squares of plain cloth, with seams that pull the cloth in."""
    rng, colours = brief.rng, brief.palette.colours.astype(np.float32)
    rows, columns = _pixels(brief)
    patch = round(max(brief.width, brief.height) / brief.choose(9, 19))
    block = 4  # patches along a block
    top, left = (brief.height % patch) / 2, (brief.width % patch) / 2
    row, column = ((rows + patch - top) // patch).astype(np.int32), ((columns + patch - left) // patch).astype(np.int32)
    down, across = ((rows + patch - top) % patch) / patch, ((columns + patch - left) % patch) / patch
    # A quarter of the block, turned into the other three; 0: plain, 1 and 2: divided along a diagonal.
    kinds, first, second = (rng.integers(high, size=(2, 2)) for high in (3, 3, 3))
    mirrored_row, mirrored_column = row % block >= block // 2, column % block >= block // 2
    quarter_row = np.where(mirrored_row, block - 1 - row % block, row % block)
    quarter_column = np.where(mirrored_column, block - 1 - column % block, column % block)
    v, u = np.where(mirrored_row, 1 - down, down), np.where(mirrored_column, 1 - across, across)
    kind = kinds[quarter_row, quarter_column]
    upper = np.where(kind == 1, u + v < 1, u < v)
    cloth = np.where((kind == 0) | upper, first[quarter_row, quarter_column], second[quarter_row, quarter_column] + 1) % 4
    inks = colours[rng.permutation(5)[:4]]
    seam = np.minimum.reduce([u, 1 - u, v, 1 - v])
    diagonal = np.where(kind == 1, np.abs(u + v - 1), np.where(kind == 2, np.abs(u - v), 1)) / np.sqrt(2)
    puff = 0.74 + 0.26 * smoothstep(0, 0.09, np.minimum(seam, diagonal))
    linen = 0.95 + 0.05 * np.cos(2 * np.pi * rows / 4) * np.cos(2 * np.pi * columns / 4)
    faded = 1 + 0.08 * rng.standard_normal((int(row.max()) + 1, int(column.max()) + 1))[row, column]
    way = np.where(np.minimum(v, 1 - v) <= np.minimum(np.minimum(u, 1 - u), diagonal), columns, rows)  # along the nearest seam
    stitches = (np.abs(np.minimum(seam, diagonal) - 0.13) < 0.012) & (way % 12 < 7)
    pixels = inks[cloth] * (puff * linen * faded)[..., None].astype(np.float32)
    return blend(pixels, np.broadcast_to(colours[4], pixels.shape), 0.55 * stitches.astype(np.float32))


def _plaited(brief: Brief) -> Pixels:
    """Broad bands of many threads that pass over and under each other and throw shadows."""
    rng, colours = brief.rng, brief.palette.colours.astype(np.float32)
    rows, columns = _pixels(brief)
    turned = rng.random() < 0.5
    x, y = ((columns + rows) / np.sqrt(2), (columns - rows) / np.sqrt(2) + 5000) if turned else (columns + 0.0, rows + 0.0)
    size = max(brief.width, brief.height) / brief.choose(7, 17)
    column, row = (x // size).astype(np.int32), (y // size).astype(np.int32)
    across, down = (x % size) / size, (y % size) / size
    step = int(rng.choice([2, 2, 4]))  # over one and under one, or over two and under two
    upright = (column + row) % step < step // 2
    along, beside = np.where(upright, down, across), np.where(upright, across, down)
    gap = 0.06
    inside = smoothstep(gap - 0.012, gap + 0.012, np.minimum(beside, 1 - beside))
    # A band dips at the ends of the run of squares in which it lies above.
    place = np.where(upright, (row + column) % step, (row + column) % step - step // 2) % max(step // 2, 1) + along
    arch = np.sin(np.pi * np.clip(place / (step // 2), 0, 1))
    strands = 0.9 + 0.1 * np.cos(2 * np.pi * beside * 9)
    shade = (0.55 + 0.5 * arch**0.6) * (0.86 + 0.14 * np.sin(np.pi * beside)) * strands
    first, second, third, ground = rng.permutation(5)[:4]
    lead = rng.random(256) < 0.3
    inks = np.where(upright[..., None], colours[first], colours[second])
    accent = np.where(upright, lead[column % 256], lead[(row + 77) % 256])
    inks = np.where(accent[..., None], colours[third], inks)
    deep = blurred(inside, 4) * 0.3
    below = colours[ground] * (0.55 - deep)[..., None]
    return blend(below.astype(np.float32), (inks * shade[..., None]).astype(np.float32), inside)
