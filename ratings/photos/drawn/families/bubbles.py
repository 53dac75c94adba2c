"""Circle packings: balls in light, soap bubbles, discs of rings, and gaskets of circles that touch.

References:
    Lagarias, Mallows & Wilks, Beyond the Descartes circle theorem, Am. Math. Monthly, 2002 (gaskets).
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, blend, blurred, colour, finished, fractal_noise, mask, plain, shapes, smoothstep

Circles = Float[ndarray, "circles 3"]
"""Across, down and radius of each, in pixels."""


def draw(brief: Brief) -> Image.Image:
    style = brief.alternate(_balls, _rings, _soap, _gasket, _rings)
    return finished(brief, style(brief), grain=0.016)


def _packed(brief: Brief, largest: float, smallest: float, tries: int, gap: float) -> Circles:
    """Circles that do not touch, as large as there is room, in the whole picture or in one large shape."""
    rng, size = brief.rng, np.array([brief.width, brief.height], float)
    shape = brief.pick("all", "disc", "lens")
    found = np.zeros((tries, 3))
    count = 0
    for limit in np.geomspace(largest, 1.3 * smallest, 8):
        for x, y in rng.uniform(-0.05, 1.05, (tries // 8, 2)) * size:
            room = float(limit)
            if shape == "disc":
                room = min(room, 0.46 * size.min() - np.hypot(x - size[0] / 2, y - size[1] / 2))
            elif shape == "lens":
                room = min(room, 0.2 * size[1] - abs(y - size[1] * (0.5 + 0.16 * np.sin(5 * x / size[0]))))
            if count and room > smallest:
                others = found[:count]
                room = min(room, float((np.hypot(others[:, 0] - x, others[:, 1] - y) - others[:, 2]).min()) - gap)
            if room > max(smallest, 0.55 * limit):
                found[count] = x, y, room
                count += 1
    return found[:count]


def _inks(brief: Brief, circles: Circles) -> Float[ndarray, "circles"]:
    """Lightness of each circle, near a colour of the palette: by place, with exceptions."""
    rng = brief.rng
    turn = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(turn) * (circles[:, 0] - brief.width / 2) + np.sin(turn) * (circles[:, 1] - brief.height / 2)) / max(
        brief.width, brief.height
    )
    light = np.where(rng.random(len(circles)) < 0.2, rng.random(len(circles)), 0.5 + 0.7 * slope + rng.normal(0, 0.12, len(circles)))
    return 0.25 * light + 0.75 * np.round(4 * np.clip(light, 0, 1)) / 4


def _patch(brief: Brief, x: float, y: float, reach: float) -> tuple[slice, slice, Float[ndarray, "rows 1"], Float[ndarray, "1 columns"]]:
    """The part of the picture within reach of a place: rows, columns, and their distances from it in pixels."""
    top, bottom = max(0, int(y - reach)), min(brief.height, int(y + reach) + 2)
    left, right = max(0, int(x - reach)), min(brief.width, int(x + reach) + 2)
    down, across = np.arange(top, bottom, dtype=np.float32)[:, None] - y, np.arange(left, right, dtype=np.float32)[None] - x
    return slice(top, bottom), slice(left, right), down, across


def _balls(brief: Brief) -> Pixels:
    """Balls in one light, with their shadows."""
    rng, longest = brief.rng, max(brief.width, brief.height)
    circles = _packed(
        brief, longest * brief.choose(0.15, 0.06), longest * brief.choose(0.02, 0.009), round(brief.choose(1200, 3200)), gap=3
    )
    inks = brief.palette.ramp(0.15 + 0.8 * _inks(brief, circles))
    dark = rng.random() < 0.4
    cloud = fractal_noise(rng, brief.height, brief.width, 2, octaves=2)
    ground = brief.palette.ramp(0.04 + 0.12 * cloud if dark else 0.86 + 0.12 * cloud)
    light = rng.uniform(0.15, 0.35) * np.pi * rng.choice([-1, 1]) - np.pi / 2
    towards_x, towards_y = np.cos(light), np.sin(light)

    def paint(surface: ImageDraw.ImageDraw, size: float) -> None:
        scale = size / longest
        for x, y, radius in (circles * scale).tolist():
            x, y = x - 0.35 * radius * towards_x, y - 0.35 * radius * towards_y
            surface.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)

    shadow = blurred(mask(brief, paint), longest * brief.choose(0.012, 0.005))
    pixels = ground * (1 - 0.5 * shadow[..., None])
    for (x, y, radius), ink in zip(circles.tolist(), inks, strict=True):
        rows, columns, down, across = _patch(brief, x, y, radius)
        far = np.sqrt(down * down + across * across) / radius
        depth = np.sqrt(np.clip(1 - far * far, 0, 1))
        facing = 0.62 * (towards_x * across + towards_y * down) / radius + 0.78 * depth
        shade = 0.3 + 0.75 * np.clip(facing, 0, 1) + 0.18 * np.clip(-facing, 0, 1)  # light thrown back by the ground
        gloss = 0.6 * smoothstep(0.955, 1, facing)
        ball = ink * shade[..., None] + gloss[..., None]
        share = smoothstep(1, 1 - 1.6 / radius, far)
        pixels[rows, columns] = blend(pixels[rows, columns], ball.astype(np.float32), share)
    return pixels


def _soap(brief: Brief) -> Pixels:
    """Thin bubbles over a soft light, bright at their rims, through which one sees the others."""
    rng, longest = brief.rng, max(brief.width, brief.height)
    x, y = brief.coordinates()
    glow = np.exp(-(((x - rng.uniform(0.2, 0.8) * x.max()) ** 2 + (y - rng.uniform(0.2, 0.8) * y.max()) ** 2) / 0.16))
    cloud = fractal_noise(rng, brief.height, brief.width, 3, octaves=3)
    pixels = brief.palette.ramp(0.03 + 0.4 * glow + 0.18 * cloud)
    for _ in range(round(brief.choose(9, 46))):
        radius = float(longest * brief.choose(0.13, 0.06) * np.exp(rng.normal(0, 0.55)))
        across_at, down_at = rng.uniform(0, brief.width), rng.uniform(0, brief.height)
        rows, columns, down, across = _patch(brief, across_at, down_at, radius)
        far, around = np.sqrt(down * down + across * across) / radius, np.arctan2(down, across)
        inside = smoothstep(1, 1 - 2 / radius, far)
        film = far**4 * (0.55 + 0.35 * np.cos(around - rng.uniform(0, 6))) + 0.05
        tint = brief.palette.ramp(0.55 + 0.3 * np.sin(9 * far**3 + 2 * around + rng.uniform(0, 6)) + 0.1 * far)
        pixels[rows, columns] = blend(pixels[rows, columns], tint, np.clip(film, 0, 0.9) * inside)
        for turn, place, strength in ((-2.3, 0.8, 0.85), (0.85, 0.86, 0.4)):  # the window, and its image on the far side
            spot_x, spot_y = np.cos(turn) * place * radius, np.sin(turn) * place * radius
            along, beside = (across - spot_x) * np.sin(turn) - (down - spot_y) * np.cos(turn), far - place
            spot = np.exp(-((along / (0.26 * radius)) ** 2) - (beside / 0.035) ** 2) * strength * inside
            pixels[rows, columns] = blend(pixels[rows, columns], np.ones_like(tint), spot)
    return pixels


def _rings(brief: Brief) -> Pixels:
    """Flat discs of rings, as on a record or a target."""
    rng, longest = brief.rng, max(brief.width, brief.height)
    circles = _packed(
        brief,
        longest * brief.choose(0.17, 0.065),
        longest * brief.choose(0.022, 0.008),
        round(brief.choose(1100, 3200)),
        gap=longest * 0.004,
    )
    colours, dark = brief.palette.colours, rng.random() < 0.4
    ground = colours[0 if dark else 4]
    inks = colours[1:] if dark else colours[:4]

    def paint(surface: ImageDraw.ImageDraw, size: float) -> None:
        scale = size / longest
        for x, y, radius in (circles * scale).tolist():
            order, count = rng.permutation(4), int(rng.integers(1, 6))
            edges = np.sort(rng.uniform(0.15, 0.93, count))[::-1] if rng.random() < 0.5 else np.linspace(1, 0, count + 1)[1:-1]
            for number, share in enumerate([1.0, *edges.tolist()]):
                reach = radius * share
                ink = ground if number % 2 and rng.random() < 0.5 else inks[order[number % 3]]
                surface.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour(ink))

    return shapes(brief, plain(brief, ground), paint)


def _gasket(brief: Brief) -> Pixels:
    """An Apollonian gasket: in each gap between three circles that touch, the one that touches all three."""
    rng, colours = brief.rng, brief.palette.colours
    half = min(brief.width, brief.height) / 2
    whole, smallest = half * 0.92, max(brief.width, brief.height) * brief.choose(0.012, 0.004)
    # Bends (1 / radius, negative for the circle around all) and bend times centre of four circles that touch.
    first = rng.uniform(0.4, 0.62)
    second = 1 - first
    bends = [-1.0, 1 / first, 1 / second]
    third = sum(bends) + 2 * np.sqrt(max(bends[0] * bends[1] + bends[1] * bends[2] + bends[2] * bends[0], 0))
    centres = [0j, complex(first - 1, 0), complex(1 - second, 0)]
    products = [bend * centre for bend, centre in zip(bends, centres, strict=True)]
    root = np.sqrt(products[0] * products[1] + products[1] * products[2] + products[2] * products[0] + 0j)
    found: list[tuple[float, complex, int]] = [(bends[1], centres[1], 0), (bends[2], centres[2], 0)]
    stack = []
    for sign in (1, -1):
        product = sum(products) + sign * 2 * root
        found.append((third, product / third, 0))
        quad = [*zip(bends, products, strict=True), (third, product)]
        stack += [(quad, skip, 1) for skip in range(3)]
    while stack:
        quad, skip, depth = stack.pop()
        others = [one for place, one in enumerate(quad) if place != skip]
        bend = 2 * sum(one[0] for one in others) - quad[skip][0]
        product = 2 * sum(one[1] for one in others) - quad[skip][1]
        if whole / bend > smallest:
            found.append((bend, product / bend, depth))
            stack += [([*others, (bend, product)], place, depth + 1) for place in range(3)]
    turn, style = np.exp(1j * rng.uniform(0, 2 * np.pi)), brief.pick("discs", "lines", "rings")
    dark = rng.random() < 0.5
    ground, figure = (colours[0], colours[4]) if dark else (colours[4], colours[0])
    tones = brief.palette.ramp((np.arange(12) * 0.23 + 0.3) % 1)

    def paint(surface: ImageDraw.ImageDraw, size: float) -> None:
        scale = size / max(brief.width, brief.height)
        middle_x, middle_y = brief.width / 2 * scale, brief.height / 2 * scale

        def circle(centre: complex, radius: float, ink: Float[ndarray, "3"] | None, line: int = 0) -> None:
            place, reach = centre * turn * whole * scale, radius * whole * scale
            box = (
                middle_x + place.real - reach,
                middle_y + place.imag - reach,
                middle_x + place.real + reach,
                middle_y + place.imag + reach,
            )
            surface.ellipse(box, fill=None if ink is None else colour(ink), outline=colour(figure) if line else None, width=line)

        circle(0j, 1, tones[0] if style == "discs" else None, line=round(3 * scale))
        for bend, centre, depth in sorted(found, key=lambda one: one[0]):
            if style == "lines":
                circle(centre, 1 / bend, None, line=max(1, round((2 + 6 / bend) * scale)))
                continue
            circle(centre, 0.985 / bend, tones[(depth + 1) % 12])
            for share in (0.72, 0.44, 0.2) if style == "rings" and whole / bend > 14 else ():
                circle(centre, share / bend, tones[(depth + 1 + round(10 * share)) % 12])

    return shapes(brief, plain(brief, ground), paint)
