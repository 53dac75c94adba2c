"""Benchmark of bringing photos over loopback, on a separate installation: `./pav bench uploads [--count N] [--json OUT]`.

Sends JPEG files of 12 megapixels by the tus protocol, three at a time, while another rater swipes. Compares photos a second with those of
the intake alone (`normalise` in one process, before), the memory of the web server with that before, and the 95th percentile of a swipe
with that of the idle installation.
"""

import argparse
import asyncio
import base64
import io
import json
import random
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from PIL import Image

from benchmarks.stack import FILL, Swiper, running
from ratings.photos.intake import normalise
from ratings.photos.samples import samples

AT_ONCE = 3  # as static/uploads/sending.js
CHUNK = 16 * 2**20
CATALOGUE = 500  # photos that are swiped meanwhile
VALUES = ("dislike", "like", "love")
ROOM = {"PAV_GUEST_PHOTOS": "100000", "PAV_FREE_DISK_GB": "0", "PAV_LIMIT_UPLOADS": "100000/minute"}


def files(count: int) -> list[bytes]:
    """Different JPEG files of 4032 x 3024 pixels."""
    pavilion = next(sample for sample in samples() if sample.name == "pavilion.png").image()
    large = np.asarray(pavilion.resize((4032, 3024), Image.Resampling.BICUBIC)).astype(np.int16)
    large += np.random.default_rng(0).normal(0, 6, (3024, 4032, 1)).astype(np.int16)
    found = []
    for number in range(count):
        pixels = np.roll(large, 37 * number, axis=1).clip(0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


async def _swipes(address: str, seconds: float, done: asyncio.Event | None = None) -> np.ndarray:
    """Seconds of swipes until a time is over, or something is done."""
    swiper, rng, times = Swiper(address), random.Random(0), []
    await swiper.arrive()
    await swiper.swipe(lambda _photo: "like")
    until = time.monotonic() + seconds
    while len(times) < CATALOGUE - 20 and (not done.is_set() if done else time.monotonic() < until):
        swipe = await swiper.swipe(lambda _photo: rng.choice(VALUES))
        times.append(swipe.arrived - swipe.sent)
        await asyncio.sleep(0.2)
    await swiper.leave()
    return np.array(times)


class Sender:
    """A guest's browser with an album."""

    def __init__(self, address: str) -> None:
        self.http = httpx.AsyncClient(base_url=address, timeout=600)
        self.address = address

    async def arrive(self) -> None:
        await self.http.get("/")
        self.headers = {"X-CSRFToken": self.http.cookies["csrftoken"], "Origin": self.address, "Tus-Resumable": "1.0.0"}
        made = await self.http.post("/api/v1/albums", json={"name": "Sea"}, headers=self.headers)
        self.album = made.raise_for_status().json()["id"]

    async def send(self, name: str, data: bytes) -> None:
        metadata = ",".join(
            f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in (("filename", name), ("album", self.album))
        )
        begun = await self.http.post("/uploads/", headers=self.headers | {"Upload-Length": str(len(data)), "Upload-Metadata": metadata})
        place = begun.raise_for_status().headers["location"]
        for start in range(0, len(data), CHUNK):
            piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(start)}
            (await self.http.patch(place, content=data[start : start + CHUNK], headers=self.headers | piece)).raise_for_status()

    async def send_all(self, found: list[bytes]) -> None:
        waiting = list(enumerate(found))

        async def line() -> None:
            while waiting:
                number, data = waiting.pop(0)
                await self.send(f"{number}.jpg", data)

        await asyncio.gather(*(line() for _ in range(AT_ONCE)))

    async def first_card(self, since: float) -> float:
        """Seconds until a photo of the album can be rated."""
        while not (await self.http.get(f"/api/v1/deck?album={self.album}")).json()["cards"]:
            await asyncio.sleep(0.2)
        return time.monotonic() - since

    async def all_in(self) -> None:
        while (await self.http.get(f"/api/v1/uploads?album={self.album}")).json()["waiting"]:
            await asyncio.sleep(0.2)


def _web() -> psutil.Process:
    """The web server that this benchmark has started."""
    return next(one for one in psutil.Process().children(recursive=True) if "serve" in one.cmdline())


async def _largest(process: psutil.Process, done: asyncio.Event) -> int:
    largest = process.memory_info().rss
    while not done.is_set():
        largest = max(largest, process.memory_info().rss)
        await asyncio.sleep(0.05)
    return largest


async def _measure(address: str, found: list[bytes]) -> dict[str, Any]:
    sender, done, web = Sender(address), asyncio.Event(), _web()
    await sender.arrive()
    await sender.send("warm-up.png", b"\x89PNG\r\n\x1a\n")  # opens connections; refused as damaged
    idle = await _swipes(address, 15)
    before = web.memory_info().rss
    others = [asyncio.create_task(_swipes(address, 0, done)), asyncio.create_task(_largest(web, done))]
    start = time.monotonic()
    first = asyncio.create_task(sender.first_card(start))
    await sender.send_all(found)
    sent = time.monotonic() - start
    await sender.all_in()
    taken = time.monotonic() - start
    done.set()
    busy, largest = await asyncio.gather(*others)
    return {
        "seconds_to_send": sent,
        "photos_a_second": len(found) / taken,
        "first_card_seconds": await first,
        "web_memory_growth_mb": (largest - before) / 1e6,
        "swipe_p95_idle_ms": 1000 * float(np.percentile(idle, 95)),
        "swipe_p95_busy_ms": 1000 * float(np.percentile(busy, 95)),
        "swipes": (len(idle), len(busy)),
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./pav bench uploads", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="files to send")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args(arguments)
    found = files(options.count)
    alone = found[:20]
    start = time.perf_counter()
    for data in alone:
        normalise(data, "a.jpg")
    intake = len(alone) / (time.perf_counter() - start)
    fill = FILL.replace('Projection.objects.update(extractors="")', "pass")  # features of the brought photos are extracted
    with running(CATALOGUE, fill, queues=("gpu", "intake"), settings=ROOM) as (address, _fits):
        result = asyncio.run(_measure(address, found)) | {"intake_a_second": intake, "count": options.count}
    result["ratio"] = result["photos_a_second"] / intake
    for name, value in result.items():
        print(f"{name:24} {value:.3g}" if isinstance(value, float) else f"{name:24} {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
