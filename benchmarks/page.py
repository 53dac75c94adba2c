"""Benchmark of the page on a phone: `./pav bench page [--photos N] [--visits N] [--swipes N]`.

Chromium with an empty cache visits a separate installation: 390 x 844 pixels at three device pixels each, touch, a processor four times
slower, 1.6 Mbit/s down, 750 kbit/s up, 150 ms before each response. The catalogue is made of the samples, enlarged to 1600 pixels with
detail of the same strength in every octave, as photos have it: enlarging alone would halve the size of their files.

The first card is drawn in the first frame with its photo, decoded; it can be rated once the scripts run. Bytes are those on the wire,
headers included. The baseline is a page with nothing but the photo of the same card, at its largest width. The two take turns, so that
other load on the machine affects both; medians.
"""

import argparse
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from benchmarks.stack import PATIENCE_SECONDS, running
from pav_site.browser import find_chromium, launch_flags

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
    "locale": "en",
}
BITS = 1000 / 8  # bytes per second in a kbit/s
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1600 * BITS, "uploadThroughput": 750 * BITS}
TIMES_SLOWER = 4
LONGER_SIDE = 1600
TOP = '.card[data-depth="0"]:not([data-leaving])'
READ_MS = 500  # the simulated rater looks at each photo for at least so long
KINDS = {"Document": "HTML", "Stylesheet": "styles", "Script": "scripts", "Fetch": "API", "WebSocket": "API", "Image": "images"}

# Times are milliseconds since the start of the visit.
OBSERVE = """
window.seen = { drawn: null, ready: null, paint: 0, shift: 0, events: [], tasks: [] };
const observe = (type, take, options = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...options });
observe("largest-contentful-paint", (entry) => (seen.paint = entry.startTime));
observe("layout-shift", (entry) => (seen.shift += entry.hadRecentInput ? 0 : entry.value));
observe("event", (entry) => seen.events.push([entry.name, entry.duration]), { durationThreshold: 16 });
observe("longtask", (entry) => seen.tasks.push(entry.duration));
const frame = () => new Promise(requestAnimationFrame);
const since = async (name) => (await frame(), await frame(), (seen[name] = performance.now()));
const photo = () => document.querySelector('TOP .card-photo, .first-photo .card-photo');
(async () => {
    while (!(photo()?.complete && photo().naturalWidth && getComputedStyle(photo()).opacity > 0)) await frame();
    await photo().decode();
    since("drawn");
    while (!document.querySelector('TOP[data-ready]')) await frame();
    since("ready");
})();
""".replace("TOP", TOP)

ALONE = """
addEventListener("DOMContentLoaded", async () => {
    const photo = document.createElement("img");
    photo.src = "%s";
    document.body.replaceChildren(photo);
    await photo.decode();
    requestAnimationFrame(() => requestAnimationFrame(() => (window.drawn = performance.now())));
});
"""

# The same fill as that of `benchmarks.stack`, with files.
FILL = """
from benchmarks import page
page.fill({count})
"""


def fill(count: int) -> None:
    """Add photos made of the samples to the shared catalogue, with random features. Runs inside the installation."""
    # Imported here: this module is also read by processes without Django.
    from ratings.models import PhotoFeatures, Projection
    from ratings.photos.drawn.catalogue import pictures
    from ratings.photos.intake import from_image
    from ratings.photos.samples import samples
    from ratings.photos.services import add_normalised
    from ratings.ranking import projections

    rng = np.random.default_rng(0)
    projection = projections.current().id
    Projection.objects.update(extractors="")  # features are random, so none are extracted
    for sample in [*samples(), *pictures()][:count]:
        photo, _ = add_normalised(photo=from_image(enlarged(sample.image()), sample.name), about=sample.about)
        features = rng.normal(size=256) / 16
        features[0] = rng.normal()
        PhotoFeatures.objects.create(photo=photo, projection_id=projection, generic_score=features[0], features=features.tolist())


def enlarged(image: Image.Image) -> Image.Image:
    """The image at `LONGER_SIDE`, with its own finest detail, mirrored over the whole, as the finest detail of the result."""
    scale = LONGER_SIDE / max(image.size)
    large = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    detail = np.asarray(image, dtype=float) - np.asarray(image.filter(ImageFilter.GaussianBlur(1)), dtype=float)
    margins = [(0, max(0, large.height - image.height)), (0, max(0, large.width - image.width)), (0, 0)]
    mirrored = np.pad(detail, margins, mode="reflect")[: large.height, : large.width]
    return Image.fromarray((np.asarray(large) + mirrored).clip(0, 255).astype(np.uint8))


@dataclass
class Traffic:
    """What a page receives, by the events of the DevTools protocol. Times are seconds of the browser's clock."""

    began: float = 0.0  # of the first request
    kinds: dict[str, str] = field(default_factory=dict)  # request -> one of `KINDS`
    received: list[tuple[float, str, int]] = field(default_factory=list)  # time, request, bytes
    sent: list[float] = field(default_factory=list)

    def watch(self, session: CDPSession) -> None:
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.webSocketCreated", lambda event: self.kinds.update({event["requestId"]: "API"}))
        session.on("Network.responseReceived", lambda event: self._came(event, event["response"]["encodedDataLength"]))
        session.on("Network.dataReceived", lambda event: self._came(event, event["encodedDataLength"]))
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketFrameReceived", lambda event: self._came(event, len(event["response"]["payloadData"])))
        session.send("Network.enable")

    def _asked(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("data:"):
            return
        self.began = self.began or event["timestamp"]
        self.kinds[event["requestId"]] = KINDS.get(event["type"], "other")
        self.sent.append(event["timestamp"])

    def _came(self, event: dict[str, Any], size: int) -> None:
        if event["requestId"] in self.kinds:
            self.received.append((event["timestamp"], event["requestId"], max(0, size)))

    def _finished(self, event: dict[str, Any]) -> None:
        # The rest: for some responses, such as the page itself, no bytes are reported on the way.
        known = sum(size for _, request, size in self.received if request == event["requestId"])
        self._came(event, int(event["encodedDataLength"]) - known)

    def bytes_before(self, seconds: float) -> Counter[str]:
        """Bytes by kind that had arrived so long after the first request."""
        sizes: Counter[str] = Counter()
        for moment, request, size in self.received:
            if moment - self.began <= seconds:
                sizes[self.kinds[request]] += size
        return sizes

    def requests_before(self, seconds: float) -> int:
        return sum(moment - self.began <= seconds for moment in self.sent)


@dataclass(frozen=True)
class Visit:
    sizes: Counter[str]  # kind -> bytes before the first card
    requests: int  # before the first card
    largest: str  # address of the first photo at its largest width
    card: float  # seconds until the first card is drawn
    ready: float  # seconds until it can be rated
    paint: float  # largest contentful paint before the first swipe, seconds
    shift: float  # cumulative layout shift
    event: float  # the longest event of all swipes, milliseconds
    task: float  # the longest task of all swipes, milliseconds


def on_a_phone(browser: Browser) -> tuple[BrowserContext, Page, Traffic]:
    """A new phone with an empty cache."""
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE_SECONDS)
    session = context.new_cdp_session(page)
    traffic = Traffic()
    traffic.watch(session)
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": TIMES_SLOWER})
    return context, page, traffic


def visit(browser: Browser, address: str, swipes: int) -> Visit:
    context, page, traffic = on_a_phone(browser)
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => window.seen?.ready")
    srcset = page.get_attribute(f"{TOP} .card-photo", "srcset") or ""
    page.wait_for_selector("#ribbon li", state="attached")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    drawn, ready, paint = page.evaluate("[seen.drawn / 1000, seen.ready / 1000, seen.paint / 1000]")
    page.evaluate("seen.events.length = seen.tasks.length = 0")
    for number in range(swipes):
        swipe(page, to_the_right=number % 2 == 0)
    page.wait_for_timeout(1000)
    seen = page.evaluate("seen")
    sizes, requests = traffic.bytes_before(drawn), traffic.requests_before(drawn)
    context.close()
    events = [duration for _name, duration in seen["events"]]
    largest = srcset.split(", ")[-1].split(" ")[0]
    return Visit(sizes, requests, largest, drawn, ready, paint, seen["shift"], max(events, default=0), max(seen["tasks"], default=0))


def swipe(page: Page, *, to_the_right: bool) -> None:
    """Throw the card on top with a finger, and wait until the next one can be rated."""
    token = page.get_attribute(TOP, "data-token")
    session = page.context.new_cdp_session(page)
    step = 25 if to_the_right else -25
    x, y = 195 - 3 * step, 420

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    touch("touchStart", (x, y))
    for moved in range(1, 8):
        touch("touchMove", (x + moved * step, y))
        time.sleep(0.016)
    touch("touchEnd")
    page.wait_for_function(
        "([top, token]) => { const card = document.querySelector(`${top}[data-ready]`); return card && card.dataset.token !== token; }",
        arg=[TOP, token],
    )
    page.wait_for_timeout(READ_MS)


def photo_alone(browser: Browser, address: str, photo: str) -> tuple[float, int]:
    """The baseline: seconds until the photo at this address is drawn on a page with nothing else, and all bytes."""
    context, page, traffic = on_a_phone(browser)
    context.request.get(address)  # the session of a guest, outside of the page and its network
    page.add_init_script(ALONE % photo)
    page.goto(f"{address}/healthz", wait_until="commit")
    page.wait_for_function("() => window.drawn")
    seconds = page.evaluate("drawn / 1000")
    size = sum(traffic.bytes_before(seconds).values())
    context.close()
    return seconds, size


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench page", description=__doc__)
    parser.add_argument("--photos", type=int, default=60, help="photos in the catalogue, at most as many as there are samples")
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--swipes", type=int, default=15, help="swipes of each visit")
    options = parser.parse_args(arguments)
    chromium = find_chromium()
    if chromium is None:
        parser.error("no Chromium or Chrome was found; `./pav doctor` says how to get one")
    with running(options.photos, FILL) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=launch_flags())
        visit(browser, address, 1)  # the first is a warm-up of the server
        visits, alone = [], []
        for _ in range(options.visits):
            visits.append(visit(browser, address, options.swipes))
            alone.append(photo_alone(browser, address, visits[-1].largest))
        browser.close()
    report(visits, alone)


def report(visits: list[Visit], alone: list[tuple[float, int]]) -> None:
    print("| | before the first card: KB | requests | first card s | can be rated s | LCP s | CLS | worst event ms | longest task ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, which in (("median", statistics.median), ("worst", max)):
        cells = [
            f"{which(sum(one.sizes.values()) for one in visits) / 1000:.0f}",
            f"{which(one.requests for one in visits):.0f}",
            *(f"{which(getattr(one, part) for one in visits):.2f}" for part in ("card", "ready", "paint", "shift")),
            *(f"{which(getattr(one, part) for one in visits):.0f}" for part in ("event", "task")),
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    seconds, size = (statistics.median(one) for one in zip(*alone, strict=True))
    ratio = statistics.median(one.card / seconds for one, (seconds, _) in zip(visits, alone, strict=True))
    print(f"\nThe photo alone, at its largest width: {size / 1000:.0f} KB, {seconds:.2f} s. Ratio of the first card to it: {ratio:.2f}.")
    kinds = sorted({kind for one in visits for kind in one.sizes})
    parts = ", ".join(f"{kind} {statistics.median(one.sizes[kind] for one in visits) / 1000:.0f}" for kind in kinds)
    print(f"KB before the first card, by kind: {parts}.")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
