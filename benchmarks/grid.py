"""Benchmark of the grid of an album in Chromium: nodes in the page, and frames over 50 ms while it scrolls: `./pav bench grid`.

On an installation of its own. All photos have the same file, which the browser gets without asking the server.
"""

import argparse
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Route, sync_playwright

from benchmarks.stack import PATIENCE_SECONDS, running
from pav_site.browser import find_chromium, launch_flags
from pav_site.environment import BASE

SLOW_MS, MOST_SLOW, MOST_NODES = 50, 0.02, 400  # goals
PACES = {"reading": 40, "flinging": 240}  # pixels about every 20 ms; photos load while a rater reads, and when a fling ends
SIZES = {"phone": (390, 844), "desktop": (1440, 900)}

FILL = """
import numpy as np
from uuid import uuid4
from django.db import connection
from ratings.albums.models import Album, AlbumPhoto
from ratings.models import Photo, PhotoFeatures, Rater
from ratings.ranking import projections
rng, rater = np.random.default_rng(0), Rater.objects.get(id="{rater}")
photos = Photo.objects.bulk_create(Photo(name=f"IMG_{{n:04}}.jpg", sha256=uuid4().hex * 2, content_hash=uuid4().hex[:16], width=1280,
    height=960, thumbhash="1QcSHQRnh493V4dIh4eXh1h4kJUI", owner=rater) for n in range({count}))
features = rng.normal(size=({count}, 256)) / 16
PhotoFeatures.objects.bulk_create([PhotoFeatures(photo=photo, projection_id=projections.current().id, generic_score=row[0],
    features=row.tolist()) for photo, row in zip(photos, features)], batch_size=500)
album = Album.objects.create(owner=rater, name="Benchmark")
AlbumPhoto.objects.bulk_create(AlbumPhoto(album=album, photo=photo) for photo in photos)
connection.cursor().execute("ANALYZE")  # as PostgreSQL does by itself within a minute
print(album.id)
"""

WATCH = """() => {
    window.frames_ = [];
    window.nodes_ = 0;
    let before = performance.now();
    const look = (now) => {
        window.frames_.push(now - before);
        before = now;
        window.nodes_ = Math.max(window.nodes_, document.querySelectorAll('#grid, #grid *').length);
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


def photo_file() -> bytes:
    """A photo of 320 pixels with detail in it, so that decoding takes what it takes."""
    rng, out = np.random.default_rng(0), io.BytesIO()
    small = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    small.resize((320, 240), Image.Resampling.BICUBIC).save(out, "WEBP", quality=80)
    return out.getvalue()


def scroll(page: Page, seconds: float, step: int) -> tuple[float, int, int]:
    """Scroll down by the wheel; the share of frames over 50 ms, how many frames there were, and the most nodes of the grid."""
    page.mouse.move(200, 500)
    page.evaluate(WATCH)
    began = page.evaluate("performance.now()")
    while page.evaluate("performance.now()") - began < 1000 * seconds:
        page.mouse.wheel(0, step)
        page.wait_for_timeout(16)
    frames, nodes = page.evaluate("[window.frames_.slice(1), window.nodes_]")
    return sum(frame > SLOW_MS for frame in frames) / len(frames), len(frames), nodes


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench grid", description=__doc__)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args(arguments)
    chromium, content = find_chromium(), photo_file()
    if chromium is None:
        sys.exit("No Chromium was found. ./pav doctor says how to get one.")
    with running(0) as (address, fits), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=launch_flags())
        print(f"{options.photos} photos; goals: at most {MOST_SLOW:.0%} of frames over {SLOW_MS} ms, at most {MOST_NODES} nodes.\n")
        print("| screen | pace | frames | over 50 ms | nodes of the grid |\n|---|---|---|---|---|")
        for name, (width, height) in SIZES.items():
            page = browser.new_context(viewport={"width": width, "height": height}).new_page()
            page.goto(address)
            rater = json.loads(page.locator("#page-config").text_content() or "")["rater"]
            environment = os.environ | {"PAV_VAR": str(fits.parent), "PYTHONWARNINGS": "ignore"}
            command = [sys.executable, str(BASE / "manage.py"), "shell", "-v0", "-c", FILL.format(rater=rater, count=options.photos)]
            album = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]

            def answer(route: Route) -> None:
                route.fulfill(body=content, content_type="image/webp")

            page.route(re.compile(r"/photos/\d+/"), answer)
            page.goto(f"{address}/albums/{album}/")
            page.wait_for_selector(".tile img[src]", timeout=1000 * PATIENCE_SECONDS)
            for pace, step in PACES.items():
                slow, frames, nodes = scroll(page, options.seconds, step)
                print(f"| {name}, {width} x {height} | {pace} | {frames} | {slow:.1%} | {nodes} |")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
