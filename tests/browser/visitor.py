"""A person in front of the page: what they do, and what they see."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Response

TOP = '.card[data-depth="0"]:not([data-leaving])'
PATIENCE_MS = 60_000  # far more than is needed: a busy machine is no failure


class Visitor:
    """One browser with its own cookies and storage, on one page."""

    def __init__(self, context: BrowserContext, address: str, *, expects_errors: bool) -> None:
        self.context = context
        self.address = address
        self.expects_errors = expects_errors
        self.console_errors: list[str] = []
        context.set_default_timeout(PATIENCE_MS)
        self.page = context.new_page()
        self.page.on("pageerror", self._keep_error)
        self.page.on("console", self._keep_line)
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI))"
        )

    def open(self) -> None:
        self.page.goto(self.address)

    def reload(self) -> None:
        """Reload the page once it is connected: leaving it earlier logs an error in the console."""
        self.wait_until_live()
        self.page.reload()

    def leave(self) -> None:
        """Collect the console up to now, and close the page. What the browser logs while it closes does not count."""
        if not self.page.is_closed():
            self.page.evaluate("0")  # its reply comes after everything logged before
        self.page.remove_listener("pageerror", self._keep_error)
        self.page.remove_listener("console", self._keep_line)
        self.context.close()

    def _keep_error(self, error: Error) -> None:
        self.console_errors.append(f"error: {error}")

    def _keep_line(self, line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"} and not self.expects_errors:
            self.console_errors.append(f"{line.type}: {line.text}")

    # What they see

    def wait_for_photo(self) -> str:
        """The token of the card on top, once its photo is decoded."""
        self.page.wait_for_selector(f"{TOP}[data-ready]")
        return str(self.page.get_attribute(TOP, "data-token"))

    def wait_until_gone(self, token: str) -> None:
        """Until the card of this token is not on top."""
        self.page.wait_for_function("([top, token]) => document.querySelector(top)?.dataset.token !== token", arg=[TOP, token])

    def wait_for_photos(self) -> None:
        """Until the photos of all cards dealt are in the browser's memory, so that they can be rated without the server."""
        self.wait_for_photo()
        self.page.evaluate(
            """async () => {
                const {cards} = await (await fetch('/api/v1/deck')).json();
                const {sizes} = document.querySelector('#cards').dataset;
                window.keptPhotos = cards.map(({photo: {srcset, src}}) => Object.assign(new Image(), {sizes, srcset, src}));
                await Promise.all(window.keptPhotos.map((image) => image.decode()));
            }"""
        )

    def photo_on_top(self) -> int:
        self.wait_for_photo()
        return int(str(self.page.get_attribute(TOP, "data-photo")))

    def wait_until_live(self) -> None:
        self.wait_for_connection("live")

    def wait_until(self, happened: Callable[[], object], otherwise: str) -> None:
        """Until this is true; meanwhile the page goes on, and so do the handlers of its requests."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while not happened():
            assert time.monotonic() < until, otherwise
            self.page.wait_for_timeout(50)

    def wait_for_connection(self, state: str) -> None:
        self.page.wait_for_function("state => document.documentElement.dataset.connection === state", arg=state)

    def version(self) -> int:
        self.page.wait_for_selector("#ranking-panel[data-version]", state="attached")
        return int(str(self.page.get_attribute("#ranking-panel", "data-version")))

    def wait_for_ranking_after(self, version: int) -> None:
        self.page.wait_for_function("v => Number(document.querySelector('#ranking-panel').dataset.version) > v", arg=version)

    def wait_until_fitted(self, answers: int) -> None:
        """Until the page shows the ranking that all these answers are in."""

        def fitted() -> bool:
            ranking = self.get("/api/v1/ranking?limit=1")
            return bool(ranking["ratings_seq"] == answers and self.version() == ranking["version"])

        self.wait_until(fitted, f"the page shows no fit of {answers} answers")

    def ranking(self) -> list[int]:
        self.page.wait_for_selector("#tiles li", state="attached")
        return self.page.eval_on_selector_all("#tiles li", "tiles => tiles.map((tile) => Number(tile.dataset.photo))")

    def places_with_changes(self) -> int:
        return self.page.locator(".tile-up, .tile-down").count()

    def rated(self) -> int:
        """How many ratings the server has."""
        return int(self.get("/api/v1/deck")["rated"])

    def get(self, path: str) -> Any:
        return self.context.request.get(self.address + path).json()

    def wait_until_rated(self, count: int) -> None:
        self.wait_until(lambda: self.rated() == count, f"there are not {count} ratings")

    def events(self) -> int:
        """How many ratings and undos the server has counted, by the response to one more rating."""
        token = self.wait_for_photo()

        def is_response(response: Response) -> bool:
            return response.url.endswith("/api/v1/ratings") and token in (response.request.post_data or "")

        with self.page.expect_response(is_response) as caught:
            self.press("ArrowDown")
        return int(caught.value.json()["ratings_seq"]) - 1

    # What they do

    def press(self, key: str) -> None:
        """One key, once the photo is there; returns when the next photo is."""
        before = self.wait_for_photo()
        self.page.keyboard.press(key)
        self._wait_for_another(before)

    def click_rating(self, value: str) -> None:
        before = self.wait_for_photo()
        self.page.click(f'[data-rate="{value}"]')
        self._wait_for_another(before)

    def throw(self, dx: int, within_ms: int) -> None:
        """Throw the card a short way. The events carry their own times, so a busy machine does not slow the throw."""
        self.wait_for_photo()
        box = self.page.locator(TOP).bounding_box()
        assert box
        session = self.context.new_cdp_session(self.page)
        x, y, start = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, time.time()
        for share, kind in ((0, "mousePressed"), (0.3, "mouseMoved"), (0.7, "mouseMoved"), (1, "mouseMoved"), (1, "mouseReleased")):
            session.send(
                "Input.dispatchMouseEvent",
                {
                    "type": kind,
                    "x": x + dx * share,
                    "y": y,
                    "button": "left",
                    "buttons": 1,
                    "clickCount": 1,
                    "timestamp": start + share * within_ms / 1000,
                },
            )

    def drag(self, dx: int, dy: int, *, steps: int = 12) -> None:
        """Drag the card by mouse, and hold it for a moment before release, so that only the distance counts."""
        self.wait_for_photo()
        box = self.page.locator(TOP).bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=steps)
        for _ in range(4):
            self.page.wait_for_timeout(40)
            self.page.mouse.move(x + dx, y + dy)
        self.page.mouse.up()

    def rate_all(self, most: int = 200) -> None:
        for _ in range(most):
            self.page.wait_for_selector(f"{TOP}[data-ready], #deck-notice:not([hidden]) .empty-state")
            if self.page.is_visible("#deck-notice"):
                return
            before = str(self.page.get_attribute(TOP, "data-token"))
            self.page.keyboard.press("ArrowRight")
            self._wait_for_another(before)

    def rate_elsewhere(self, count: int) -> None:
        """Rate so many photos as another page of theirs does; this one opens anew afterwards."""
        self.page.evaluate(
            """async (count) => {
                const {fetchDeck, sendRating} = await import('/static/page/api.js');
                while (count > 0) {
                    for (const {token} of (await fetchDeck()).cards.slice(0, count)) {
                        await sendRating({token, value: 'like', client_id: crypto.randomUUID()});
                        count -= 1;
                    }
                }
            }""",
            count,
        )
        self.reload()

    def _wait_for_another(self, token: str) -> None:
        self.page.wait_for_function(
            """([top, token]) => {
                const card = document.querySelector(top);
                return (card && card.dataset.token !== token) || !document.querySelector('#deck-notice').hidden;
            }""",
            arg=[TOP, token],
        )
