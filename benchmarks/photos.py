"""Benchmark of the photo intake: `./pav bench photos [--count N] [--json OUT]`.

Does not use the database. Compares `ratings.photos.intake.normalise` with a minimal baseline, for each kind of photo: Pillow decodes it,
shrinks it to 1280 pixels and writes one JPEG. The ratio is the cost of everything else: sRGB, rotation, hash, preview, master and three
WebP files.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ratings.photos.intake import normalise
from ratings.photos.samples import samples

AT_ONCE = 2
"""Photos that an import reads at once: `ratings.photos.importing.READERS`."""


def photos() -> dict[str, bytes]:
    """One photo of each kind, derived from a sample: a small one, a web photo, a camera's JPEG, a phone's HEIC, a large PNG."""
    pavilion = next(sample for sample in samples() if sample.name == "pavilion.png").image()
    camera = _with_noise(pavilion.resize((4032, 3024), Image.Resampling.BICUBIC))
    return {
        "JPEG 640 x 427": _encoded(pavilion, "JPEG", quality=90),
        "JPEG 1600 x 1200": _encoded(camera.resize((1600, 1200)), "JPEG", quality=90),
        "JPEG 4032 x 3024": _encoded(camera, "JPEG", quality=90),
        "HEIC 4032 x 3024": _encoded(camera, "HEIF", quality=60),
        "PNG 2400 x 1800": _encoded(camera.resize((2400, 1800)), "PNG", compress_level=1),
    }


def plainly(data: bytes) -> bytes:
    """The baseline: decode, rotate upright, shrink, write one JPEG."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (1280, 1280))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((1280, 1280))
    return _encoded(upright, "JPEG", quality=85)


def measure(data: bytes, count: int) -> dict[str, float]:
    """Photos per second: the baseline, one intake at a time, and as many at once as an import runs. Medians over five rounds.

    The three alternate, so that other load on the machine affects all of them.
    """
    ways: dict[str, Callable[[], object]] = {
        "plain": lambda: [plainly(data) for _ in range(count)],
        "intake": lambda: [normalise(data, "photo") for _ in range(count)],
        "import": lambda: _at_once(data, count),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(5):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    speed = {name: count / statistics.median(taken) for name, taken in seconds.items()}
    return {name: round(value, 2) for name, value in (speed | {"ratio": speed["plain"] / speed["intake"]}).items()}


def _at_once(data: bytes, count: int) -> None:
    with ThreadPoolExecutor(AT_ONCE) as readers:
        list(readers.map(lambda _: normalise(data, "photo"), range(count)))


def _with_noise(image: Image.Image) -> Image.Image:
    """Add sensor noise: an enlarged photo is too smooth, so it would compress and decode unlike a real one."""
    noise = np.random.default_rng(0).normal(0, 4, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def _encoded(image: Image.Image, kind: str, **settings: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench photos", description=__doc__)
    parser.add_argument("--count", type=int, default=6, help="photos in each round")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args(arguments)

    results = {}
    print(f"{'photos per second':<20}{'plain Pillow':>14}{'intake':>10}{f'{AT_ONCE} at once':>12}{'ratio':>8}")
    for name, data in photos().items():
        results[name] = found = measure(data, options.count)
        print(f"{name:<20}{found['plain']:>14}{found['intake']:>10}{found['import']:>12}{found['ratio']:>8}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
