"""Stars: fields of stars with glowing gas and lanes of dust: a cloud, a band across the sky, or a spiral."""

import numpy as np
from PIL import Image

from ratings.photos.drawn.palettes import Pixels
from ratings.photos.drawn.paper import Brief, Field, enlarged, finished, smoothstep, spectral_noise, warped


def draw(brief: Brief) -> Image.Image:
    rng, palette = brief.rng, brief.palette
    strong = brief.contrast == "strong"
    gas, core, dust = _gas(brief)
    night = palette.colours[0] * 0.6 if strong else 0.5 * (palette.colours[0] + palette.colours[1])
    drift = enlarged(spectral_noise(rng, brief.height // 8, brief.width // 8, 1.5, 3.0), brief.height, brief.width)
    hue = 0.3 + 0.22 * gas + 0.38 * core + 0.1 * drift
    glow = palette.ramp(hue) * np.clip(1.1 * gas + 1.1 * core, 0, 1.6)[..., None]
    pixels = night + glow * (1 - 0.85 * dust)[..., None] - night * (0.5 * dust)[..., None]
    pixels = 1 - np.exp(-1.25 * pixels)  # as film answers to light
    return finished(brief, pixels + _stars(brief, gas, dust), grain=0.016)


def _gas(brief: Brief) -> tuple[Field, Field, Field]:
    """Thin gas, its bright core, and dust before it, at half the size and enlarged."""
    rng = brief.rng
    height, width = brief.height // 2, brief.width // 2
    longest = max(height, width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / longest
    x, y = x - width / longest * float(rng.choice([0.38, 0.5, 0.62])), y - height / longest * float(rng.choice([0.4, 0.5, 0.6]))
    reach = 0.42 if brief.contrast == "strong" else 0.55
    turn = float(rng.uniform(0, np.pi))
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    kind = rng.choice(["cloud", "band", "spiral"], p=[0.4, 0.3, 0.3])
    cells = brief.choose(2.0, 4.5)
    bend = 0.02 * longest
    bends = [bend * enlarged(spectral_noise(rng, height // 4, width // 4, cells, 2.5), height, width) for _ in range(2)]
    rough = warped(spectral_noise(rng, height, width, cells, 1.7), *bends)
    lanes = warped(1 - np.abs(spectral_noise(rng, height, width, cells, 2.0)), *bends)
    if kind == "cloud":
        shape = np.exp(-((along / reach) ** 2) - (across / (0.6 * reach)) ** 2)
        core = np.exp(-((along / 0.2) ** 2) - (across / 0.13) ** 2)
    elif kind == "band":
        shape = np.exp(-((across / (0.4 * reach)) ** 2)) * (0.55 + 0.45 * np.exp(-((along / 0.3) ** 2)))
        core = np.exp(-((along / 0.22) ** 2) - (across / 0.08) ** 2)
    else:
        radius = np.hypot(along, across / float(rng.uniform(0.35, 0.8))) + 1e-3
        angle = np.arctan2(across / 0.5, along)
        arms = 0.5 + 0.5 * np.cos(2 * angle - 7 * np.log(radius + 0.03) + 0.35 * rough)
        shape = np.exp(-radius / 0.2) * (0.3 + 1.6 * arms**1.5) * 1.5
        core = np.exp(-radius / 0.06) * 1.8
    gas = shape * np.clip(0.55 + 0.42 * rough, 0, 2)
    dust = smoothstep(0.55, 1.0, lanes) * smoothstep(0.05, 0.5, shape) * (0.75 if brief.contrast == "strong" else 0.5)
    core = core * np.clip(0.7 + 0.35 * rough, 0, 2)
    return enlarged(gas, brief.height, brief.width), enlarged(core, brief.height, brief.width), enlarged(dust, brief.height, brief.width)


def _stars(brief: Brief, gas: Field, dust: Field) -> Pixels:
    """Light of the stars: many faint, few bright; more where there is gas, fewer behind dust."""
    rng, palette = brief.rng, brief.palette
    height, width = gas.shape
    light = np.zeros((height, width, 3), np.float32)
    count = round(brief.choose(3000, 12000))
    y, x = rng.uniform(1, height - 2, count), rng.uniform(1, width - 2, count)
    rows, columns = y.astype(np.int32), x.astype(np.int32)
    kept = rng.random(count) < 0.35 + gas[rows, columns] - 0.4 * dust[rows, columns]
    y, x, rows, columns = y[kept], x[kept], rows[kept], columns[kept]
    power = np.clip(0.35 * rng.pareto(1.6, len(x)) + 0.2, 0, 8)
    warm = np.clip(rng.normal(0.5, 0.3, len(x)), 0, 1)[:, None]
    tint = 0.5 + 0.5 * (palette.colours[3] * warm + palette.colours[4] * (1 - warm))
    for down in (0, 1):
        for right in (0, 1):
            share = np.abs(1 - down - (y - rows)) * np.abs(1 - right - (x - columns))
            np.add.at(light, (rows + down, columns + right), (tint * (power * share)[:, None]).astype(np.float32))
    longest = max(height, width)
    for star in np.argsort(power)[-round(brief.choose(60, 160)) :]:
        reach = longest * 0.0015 * float(power[star]) ** 0.7
        box = int(7 * reach) + 1
        top, left = max(rows[star] - box, 0), max(columns[star] - box, 0)
        part = light[top : rows[star] + box, left : columns[star] + box]
        v, u = np.mgrid[0 : part.shape[0], 0 : part.shape[1]].astype(np.float32)
        distance = np.hypot(v + top - y[star], u + left - x[star]) / reach
        profile = np.exp(-((1.6 * distance) ** 2)) + 0.2 * np.exp(-1.1 * distance) * np.clip(1 - distance / 7, 0, 1)
        part += (tint[star] * min(float(power[star]), 1.3)).astype(np.float32) * profile[..., None]
    return light
