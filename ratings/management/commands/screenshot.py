"""`./pav screenshot`: takes the screenshots of the README and the documentation from a running PAV."""

import io
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from PIL import Image

from pav_site.browser import find_chromium, launch_flags
from pav_site.environment import BASE
from ratings.raters import admin_links

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FilePayload, Page  # only there for tests and documentation

Look = dict[str, Any]  # arguments of Playwright's `Browser.new_context`
WIDE: Look = {"viewport": {"width": 1280, "height": 800}}
PHONE: Look = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5, "has_touch": True, "is_mobile": True}
SIZES = {"wide": WIDE, "phone": PHONE}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OWN_AFTER = 10  # ratings after which the page shows that the ranking has become the rater's own
WIDTHS = (390, 820, 1440)  # of the pages of accounts and of albums
GUEST_PAGES = ("/", "/account/signup/", "/account/login/")
ACCOUNT_PAGES = (
    "/account/",
    "/account/merge/",
    "/account/sessions/",
    "/account/password/set/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/2fa/webauthn/",
    "/account/2fa/webauthn/add/",
    "/account/logout/",
)
TOUR = ("album-grid", "album-best")  # of the pages of albums, those that the README shows
BROUGHT = 24  # photos of the catalogue, at most, brought into an album as own photos
ANIMATED, FRAME_WIDTH = 15, 720  # swipes, pixels
TOP = '.card[data-depth="0"]:not([data-leaving])'

# The simulated rater prefers colour: likes photos that are more colourful than most before, and loves the most colourful ones.
COLOURFULNESS = """(image) => {
    const canvas = new OffscreenCanvas(24, 24), paper = canvas.getContext("2d");
    paper.drawImage(image, 0, 0, 24, 24);
    const { data } = paper.getImageData(0, 0, 24, 24);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4)
        sum += Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
    return sum / (data.length / 4) / 255;
}"""


class Command(BaseCommand):
    help = "Take the screenshots of the documentation from a running PAV (needs requirements-dev.txt and Chromium)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the running PAV")
        parser.add_argument("--out", type=Path, default=BASE / "docs" / "images", help="folder for the screenshots")
        parser.add_argument("--swipes", type=int, default=24, help="ratings given before the screenshots")
        parser.add_argument("--animation", action="store_true", help="write the first 15 swipes as an animation, and nothing else")
        parser.add_argument(
            "--every-look", action="store_true", help="take both sizes, themes and languages after 0, 5 and 25 ratings, and nothing else"
        )
        parser.add_argument("--accounts", action="store_true", help="take the pages of accounts in three widths, and nothing else")
        parser.add_argument("--albums", action="store_true", help="bring photos, take the pages of albums in three widths, no others")

    def handle(
        self, *, url: str, out: Path, swipes: int, animation: bool, every_look: bool, accounts: bool, albums: bool, **_options: Any
    ) -> None:
        try:
            from playwright.sync_api import Error, sync_playwright
        except ImportError as error:
            raise CommandError("Playwright is missing. Install it: .venv/bin/pip install -r requirements-dev.txt") from error
        chromium = find_chromium()
        if chromium is None:
            raise CommandError("No Chromium or Chrome was found. `./pav doctor` shows how to install one.")
        out.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(chromium), args=launch_flags())
            try:
                if animation:
                    self._animation(browser, url, out)
                elif accounts:
                    self._accounts(browser, url, out)
                elif albums:
                    self._albums(browser, url, out)
                elif every_look:
                    self._every_look(browser, url, out)
                else:
                    self._wide(browser, url, out, swipes)
                    self._phone(browser, url, out, swipes)
                    self._tour(browser, url, out)
            except Error as error:
                raise CommandError(f"{url} did not behave as expected: {error.message}. Is PAV running there?") from error
            finally:
                browser.close()

    def _wide(self, browser: "Browser", url: str, out: Path, swipes: int) -> None:
        visit = Visit(browser, url, WIDE | {"color_scheme": "light"})
        page = visit.page
        visit.rate(OWN_AFTER)
        page.wait_for_selector(".rise")  # shown once, for seconds: on the first photo that rose when the ranking became the rater's own
        self._take(page, out / "page-light.png")
        visit.rate(swipes)
        page.emulate_media(color_scheme="dark")
        self._take(page, out / "page-dark.png")
        page.check('[name="ranking-of"][value="both"]', force=True)
        page.wait_for_selector(".compare-column li")
        self._take(page, out / "compare-dark.png")
        page.context.close()

    def _phone(self, browser: "Browser", url: str, out: Path, swipes: int) -> None:
        visit = Visit(browser, url, PHONE | {"color_scheme": "dark"})
        page = visit.page
        visit.rate(swipes)
        self._take(page, out / "phone-photos.png")
        page.click("#ranking-tab")
        self._take(page, out / "phone-ranking.png")
        page.context.close()

    def _every_look(self, browser: "Browser", url: str, out: Path) -> None:
        for size, language in product(SIZES, ("en", "ja")):
            visit = Visit(browser, url, SIZES[size] | {"locale": language})
            for swipes in (0, 5, 25):
                visit.rate(swipes)
                for theme in THEMES:
                    visit.page.emulate_media(color_scheme=theme)
                    self._take(visit.page, out / f"{size}-{language}-{theme}-{swipes:02}.png")
            visit.page.context.close()

    def _accounts(self, browser: "Browser", url: str, out: Path) -> None:
        """The pages as a guest sees them, then as the administrator who signs in by a link of this installation."""
        for width, language in product(WIDTHS, ("en", "ja")):
            visit = Visit(browser, url, {"viewport": {"width": width, "height": 844}, "locale": language})
            visit.rate(2)
            for signed_in, paths in ((False, GUEST_PAGES), (True, ACCOUNT_PAGES)):
                if signed_in:
                    with ThreadPoolExecutor(1) as thread:  # Playwright's event loop forbids queries on this one
                        ticket = thread.submit(admin_links.make_ticket).result()
                    visit.page.goto(url + reverse("staff_enter", args=[ticket]))
                for path, theme in product(paths, THEMES):
                    visit.page.goto(f"{url}{path}")
                    visit.page.emulate_media(color_scheme=theme)
                    name = f"{'account' if signed_in else 'guest'}-{path.strip('/').replace('/', '-') or 'home'}"
                    self._take(visit.page, out / f"{name}-{width}-{language}-{theme}.png", pause_ms=150, small=False)
            visit.page.context.close()

    def _albums(self, browser: "Browser", url: str, out: Path) -> None:
        for width, language in product(WIDTHS, ("en", "ja")):
            for name, page in _album_states(browser, url, {"viewport": {"width": width, "height": 844}, "locale": language}):
                for theme in THEMES:
                    page.emulate_media(color_scheme=theme)
                    self._take(page, out / f"{name}-{width}-{language}-{theme}.png", pause_ms=400, small=False)

    def _tour(self, browser: "Browser", url: str, out: Path) -> None:
        for name, page in _album_states(browser, url, WIDE | {"color_scheme": "light"}):
            if name in TOUR:
                self._take(page, out / f"{name}.webp")

    def _animation(self, browser: "Browser", url: str, out: Path) -> None:
        visit = Visit(browser, url, WIDE | {"color_scheme": "light"})
        visit.page.wait_for_selector("html[data-connection=live] #tiles li")
        frames = []
        for swipes in range(1, ANIMATED + 1):
            frames.append((_frame(visit.page), 400))
            visit.rate(swipes, pause_ms=0)
            frames.append((_frame(visit.page), 120))  # the photo flies, the ranking has not moved yet
            visit.page.wait_for_timeout(250)
            frames.append((_frame(visit.page), 250))
        frames.append((_frame(visit.page), 2500))
        images, durations = zip(*frames, strict=True)
        place = out / "swipes.webp"
        images[0].save(place, save_all=True, append_images=images[1:], duration=durations, loop=0, quality=50, method=6)
        self.stdout.write(f"{place}: {place.stat().st_size / 2**20:.1f} MB")
        visit.page.context.close()

    def _take(self, page: "Page", place: Path, pause_ms: int = 1200, small: bool = True) -> None:
        page.wait_for_timeout(pause_ms)  # until animations have ended and all photos have loaded
        # Re-encoded, because browsers compress for speed, and the screenshots are committed to the repository.
        _image(page).save(place, optimize=small, quality=85)
        self.stdout.write(str(place))


def _album_states(browser: "Browser", url: str, options: Look) -> Iterator[tuple[str, "Page"]]:
    """Everything that a guest meets who brings photos of the catalogue as their own, until they take them home: a name, and the page in
    this state."""
    visit = Visit(browser, url, options)
    page = visit.page

    def wait_for_photos(count: int) -> None:
        page.wait_for_function(
            "(count) => Number(document.querySelector('#album-count').textContent.replace(/\\D/g, '')) === count",
            arg=count,
            timeout=120_000,
        )

    photos = _photos_of_everybody(page, url)
    no_photo: FilePayload = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"No photo."}
    page.goto(f"{url}{reverse('albums')}")
    yield "albums-none", page
    page.fill("#album-name", "2026")
    page.press("#album-name", "Enter")
    page.wait_for_selector("#bring")
    yield "album-empty", page
    page.set_input_files("#bring-photos", photos[: len(photos) // 2])
    wait_for_photos(len(photos) // 2)
    page.set_input_files("#bring-photos", [*photos, no_photo])
    yield "album-bringing", page
    wait_for_photos(len(photos))
    page.wait_for_selector("#bring-dismiss", timeout=120_000)
    yield "album-brought", page
    page.click("#bring-dismiss")
    page.wait_for_function("() => !document.querySelector('.tile[data-waiting]')", timeout=600_000)  # an exact refit may occupy the worker
    page.goto(page.url + "rate/")
    visit.rate(OWN_AFTER)
    yield "album-rating", page
    page.goto(page.url.removesuffix("rate/"))
    page.wait_for_selector(".tile")
    yield "album-grid", page
    page.focus("#grid")
    page.keyboard.press("Space")
    yield "album-selected", page
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    yield "album-large", page
    page.keyboard.press("Escape")
    page.evaluate("document.querySelector('[name=view][value=best]').click()")
    yield "album-best", page
    page.click("#home-open")
    yield "album-home", page
    page.goto(f"{url}{reverse('albums')}")
    yield "albums", page
    page.goto(f"{url}{reverse('album_bin')}")
    yield "album-bin", page
    page.context.close()


def _photos_of_everybody(page: "Page", url: str) -> list["FilePayload"]:
    """Files of the first photos of the catalogue, as a file chooser takes them."""
    top = page.request.get(f"{url}/api/v1/ranking?of=everyone&limit={BROUGHT}").json()["top"]
    found = page.request.get(f"{url}/api/v1/photos?ids={','.join(str(photo['id']) for photo in top)}").json()["photos"]
    files = [page.request.get(f"{url}{photo['srcset'].split()[-2]}").body() for photo in found]
    return [{"name": f"IMG_{number:04}.webp", "mimeType": "image/webp", "buffer": data} for number, data in enumerate(files, 1)]


def _image(page: "Page") -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _frame(page: "Page") -> Image.Image:
    image = _image(page)
    return image.resize((FRAME_WIDTH, round(image.height * FRAME_WIDTH / image.width)), Image.Resampling.LANCZOS)


class Visit:
    """The page as a simulated rater sees it who likes colour."""

    def __init__(self, browser: "Browser", url: str, options: Look) -> None:
        self.page = browser.new_context(**{"locale": "en", **options}).new_page()
        self.page.goto(url)
        self._seen: list[float] = []

    def rate(self, swipes: int, pause_ms: int = 250) -> None:
        """Rate photos until there are this many ratings, pausing as a rater would who looks at the ranking."""
        page = self.page
        while len(self._seen) < swipes:
            page.wait_for_selector(f"{TOP}[data-ready]")
            token = page.get_attribute(TOP, "data-token")
            colour = page.eval_on_selector(f"{TOP} img", COLOURFULNESS)
            self._seen.append(colour)
            rank = sum(other < colour for other in self._seen) / len(self._seen)
            page.keyboard.press("ArrowUp" if rank > 0.8 else "ArrowRight" if rank > 0.5 else "ArrowLeft")
            page.wait_for_function(
                "([top, token]) => document.querySelector(top) && document.querySelector(top).dataset.token !== token", arg=[TOP, token]
            )
            page.wait_for_timeout(pause_ms)
        page.wait_for_selector(f"{TOP}[data-ready]")
