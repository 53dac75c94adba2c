"""What the page says where it has nothing to show, and that each of these states ends without a reload."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from pav_site import starting_page
from tests.browser.conftest import visitors_of
from tests.browser.stack import Stack, new_stack
from tests.browser.test_accessibility import findings
from tests.browser.visitor import Visitor

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PHOTO_FILES = re.compile(r"^http://[^/]+/photos/")


@dataclass
class Catalogue:
    """The photos of the stack."""

    stack: Stack

    def change(self, action: str, count: int = 0) -> None:
        self.stack.step("catalogue", action, count)


@pytest.fixture(scope="module")
def stack(chromium: object) -> Iterator[Stack]:
    """A stack without a worker: photos get no features by themselves."""
    with new_stack() as stack:
        stack.start_web()
        yield stack


@pytest.fixture
def catalogue(stack: Stack) -> Iterator[Catalogue]:
    """An empty catalogue, to be filled by the test."""
    catalogue = Catalogue(stack)
    catalogue.change("clear")
    yield catalogue
    catalogue.change("clear")


@pytest.fixture
def visit(browser: Browser, stack: Stack, catalogue: Catalogue) -> Iterator[Callable[..., Visitor]]:
    """Opens the page as a new guest. Pages are left before the catalogue is cleared."""
    with visitors_of(stack, browser) as open_as_new:
        yield open_as_new


@pytest.fixture
def photos(catalogue: Catalogue) -> None:
    """Six photos that are ready: the deck deals five at once."""
    catalogue.change("add", 6)
    catalogue.change("prepare", 6)


def see(visitor: Visitor, notice: str, place: str = "#deck-notice") -> str:
    """Wait for a notice of this name; returns its text."""
    visitor.page.wait_for_selector(f'{place}[data-notice="{notice}"]:not([hidden])', state="visible")
    return str(visitor.page.inner_text(place))


def focused(visitor: Visitor) -> str:
    """What has the focus: its id, or its text."""
    return str(visitor.page.evaluate("document.activeElement.id || document.activeElement.innerText"))


def remember_announcements(context: Any) -> None:
    # On the whole document, since the page may announce something before the event DOMContentLoaded.
    context.add_init_script(
        """window.announced = [];
        new MutationObserver((changes) => {
            for (const {target} of changes) {
                if (target.matches?.('[data-announce]') && target.textContent) window.announced.push(target.textContent);
            }
        }).observe(document, {childList: true, subtree: true});"""
    )


def test_from_no_photos_to_the_first_card_without_a_reload(visit: Callable[..., Visitor], catalogue: Catalogue) -> None:
    alice = visit(prepare=remember_announcements)
    assert "come back in a moment" in see(alice, "no_photos")
    assert alice.page.inner_text("#deck-notice button") == "Bring your own"
    assert "Nothing to rank yet" in see(alice, "nothing_ranked", "#ranking-notice")
    alice.page.evaluate("window.sameDocument = true")
    catalogue.change("add", 3)
    assert "0 of 3 photos are ready" in see(alice, "preparing")
    catalogue.change("prepare", 1)
    first = alice.wait_for_photo()
    alice.page.wait_for_selector("#tiles li")
    assert not alice.page.is_visible("#ranking-notice")

    alice.press("ArrowRight")
    assert "1 of 3 photos are ready" in see(alice, "more_coming")
    catalogue.change("prepare", 1)

    assert alice.wait_for_photo() != first
    assert alice.page.evaluate("window.sameDocument")
    announced = alice.page.evaluate("window.announced")
    assert announced.count("No photos yet. Bring your own, or come back in a moment: this page fills by itself.") == 1
    assert sum(sentence.startswith("Getting photos ready.") for sentence in announced) == 1
    assert announced.count("A photo is ready to rate.") == 2


def test_the_count_of_ready_photos_moves_while_the_next_step_keeps_the_focus(visit: Callable[..., Visitor], catalogue: Catalogue) -> None:
    catalogue.change("add", 5)
    catalogue.change("prepare", 1)
    alice = visit()
    alice.press("ArrowRight")
    see(alice, "more_coming")
    alice.page.focus("#deck-notice .button")
    catalogue.change("add", 7)

    alice.page.wait_for_function("() => document.querySelector('#deck-notice').innerText.includes('1 of 12 photos')")
    assert alice.page.evaluate("document.querySelector('#deck-notice progress').max") == 12
    assert focused(alice) == "See your ranking"


def test_where_no_photo_gets_ready_for_a_minute_the_page_says_whom_to_ask(visit: Callable[..., Visitor], catalogue: Catalogue) -> None:
    def with_a_clock_that_jumps(context: Any) -> None:
        context.add_init_script("window.passed = 0; const now = performance.now.bind(performance); performance.now = () => now() + passed;")

    catalogue.change("add", 3)
    alice = visit(prepare=with_a_clock_that_jumps)
    assert "this page fills by itself" in see(alice, "preparing")

    alice.page.evaluate("window.passed = 61_000")

    alice.page.wait_for_function("() => document.querySelector('#deck-notice').innerText.includes('takes longer than usual')")
    catalogue.change("prepare", 3)
    alice.wait_for_photo()


@pytest.mark.usefixtures("catalogue")
def test_staff_without_photos_see_the_command_that_imports_them(visit: Callable[..., Visitor], stack: Stack) -> None:
    alice = visit()
    alice.wait_until_live()  # left earlier, its socket would log a warning
    alice.page.goto("about:blank")  # the guest's page asks for photos again and again, and would be refused once another rater is signed in
    link = stack.run("manage.py", "admin_link", "--address", stack.address).strip()
    alice.page.goto(link)

    alice.open()

    assert "./pav import_photos DIR" in see(alice, "no_photos")


@pytest.mark.usefixtures("photos")
def test_when_all_are_rated_the_next_step_is_the_ranking(visit: Callable[..., Visitor]) -> None:
    for size in ({}, PHONE):
        alice = visit(**size)
        alice.rate_all()
        assert "6 photos rated" in see(alice, "all_rated")
        alice.ranking()

        alice.page.click("#deck-notice .button")

        assert alice.page.is_visible("#tiles")
        assert alice.page.evaluate("document.activeElement === document.querySelector('#tiles li:first-child button')")


@pytest.mark.usefixtures("photos")
def test_by_keyboard_alone_from_the_last_photo_to_the_ranking_and_back(visit: Callable[..., Visitor]) -> None:
    alice = visit()
    for _ in range(5):
        alice.press("ArrowRight")
    alice.wait_for_photo()
    alice.page.focus('[data-rate="like"]')
    alice.page.keyboard.press("Enter")
    see(alice, "all_rated")
    # The button that had the focus can no longer be pressed.
    alice.page.wait_for_function("() => document.activeElement.closest('#deck-panel') !== null")
    assert focused(alice) in {"See your ranking", "cards"}

    alice.page.focus("#cards")
    alice.page.keyboard.press("Tab")
    assert focused(alice) == "See your ranking"
    assert alice.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    alice.page.keyboard.press("z")

    alice.wait_for_photo()
    assert focused(alice) == "cards"


@pytest.mark.usefixtures("photos")
def test_offline_the_page_says_that_ratings_are_kept(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True, prepare=remember_announcements)
    alice.wait_for_photos()
    alice.wait_until_live()
    alice.context.set_offline(True)

    alice.page.wait_for_selector("#lost-connection-text", state="visible")
    assert "Swipe on: PAV keeps your ratings" in alice.page.inner_text("#deck-line")
    alice.rate_all()
    assert "sends them when you’re back" in see(alice, "offline")
    assert alice.page.inner_text("#deck-notice button") == "See your ranking"
    alice.page.wait_for_selector("#lost-connection-text", state="hidden")
    alice.context.set_offline(False)

    alice.wait_for_photo()  # the sixth
    alice.wait_until_rated(5)
    alice.page.wait_for_selector("#lost-connection-text", state="hidden")
    announced = alice.page.evaluate("window.announced")
    assert sum(sentence.startswith("You’re offline. Swipe on") for sentence in announced) == 1
    assert sum(sentence.startswith("You’re offline. PAV keeps") for sentence in announced) == 1


@pytest.mark.usefixtures("photos")
def test_while_the_server_restarts_swiping_goes_on_and_nothing_is_lost(visit: Callable[..., Visitor], stack: Stack) -> None:
    alice = visit(expects_errors=True)
    alice.wait_for_photos()
    alice.wait_until_live()
    stack.stop_web()
    try:
        alice.wait_for_connection("unreachable")
        assert "PAV isn’t answering" in alice.page.inner_text("#deck-line")
        assert alice.page.is_visible("#lost-connection-action button")
        alice.rate_all()
        assert "It may be restarting" in see(alice, "unreachable")
    finally:
        stack.start_web()

    alice.wait_for_photo()
    alice.wait_until_rated(5)
    alice.wait_until_live()
    alice.page.wait_for_selector("#lost-connection-text", state="hidden")


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("status", [502, 503])
def test_the_next_step_after_a_lost_server_is_to_try_again(visit: Callable[..., Visitor], status: int) -> None:
    deck, asked = "**/api/v1/deck", list[Route]()
    alice = visit(expects_errors=True, prepare=lambda context: context.route(deck, lambda route: route.fulfill(status=status)))
    see(alice, "unreachable")
    alice.page.focus("#cards")
    alice.page.keyboard.press("Tab")
    assert focused(alice) == "Try again now"
    alice.page.route(deck, lambda route: asked.append(route))  # the next answer comes when the test says so
    alice.page.evaluate("document.addEventListener('click', () => (window.said = document.activeElement.innerText), {once: true})")
    alice.page.keyboard.press("Enter")
    assert alice.page.evaluate("window.said") == "Trying…"
    alice.wait_until(lambda: asked, "the deck was not asked for again")
    asked.pop().fulfill(status=status)  # it fails once more
    alice.page.unroute(deck)

    alice.page.wait_for_function("() => document.activeElement.innerText === 'Try again now'")
    alice.context.unroute(deck)
    alice.page.keyboard.press("Enter")

    alice.wait_for_photo()
    assert focused(alice) == "cards"


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("of", ["everyone", "both"])
def test_a_ranking_that_does_not_load_says_so_and_comes_by_itself(visit: Callable[..., Visitor], of: str) -> None:
    alice = visit(expects_errors=True)
    alice.ranking()
    alice.page.route("**/api/v1/ranking?of=everyone*", lambda route: route.fulfill(status=500, json={}), times=1)

    alice.page.check(f'[name="ranking-of"][value="{of}"]', force=True)

    assert "Couldn’t load this ranking" in see(alice, "error", "#ranking-notice")
    assert not alice.page.is_visible("#tiles")
    alice.page.wait_for_selector(".compare-row" if of == "both" else "#tiles li", state="visible")
    assert not alice.page.is_visible("#ranking-notice")


@pytest.mark.usefixtures("photos")
def test_a_ranking_whose_connection_is_lost_before_it_came_says_so(visit: Callable[..., Visitor]) -> None:
    def without_ranking(context: Any) -> None:
        context.add_init_script("window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({}), 5); } close() {} }")
        context.route("**/api/v1/ranking*", lambda route: route.abort())

    alice = visit(**PHONE, expects_errors=True, prepare=without_ranking)
    alice.wait_for_connection("unreachable")
    alice.page.click("#ranking-tab")
    assert "PAV isn’t answering" in see(alice, "unreachable", "#ranking-notice")
    alice.context.unroute("**/api/v1/ranking*")

    alice.page.wait_for_selector("#tiles li", state="visible")
    assert not alice.page.is_visible("#ranking-notice")


@pytest.mark.usefixtures("photos")
def test_a_photo_that_does_not_open_large_is_explained_and_comes_by_itself(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.ranking()
    alice.page.wait_for_function("() => [...document.querySelectorAll('#tiles .tile-photo')].every((image) => image.complete)")
    alice.page.route(PHOTO_FILES, lambda route: route.abort())
    alice.page.evaluate("document.querySelectorAll('.tile-photo').forEach((image) => image.remove())")  # and its copy in memory

    alice.page.click("#tiles li:first-child button")

    assert "Couldn’t load this photo" in see(alice, "photo_failed", "#viewer-notice")
    alice.page.unroute(PHOTO_FILES)
    alice.page.wait_for_selector("#viewer-notice", state="hidden")
    assert alice.page.evaluate("document.querySelector('#viewer-photo img').naturalWidth") > 0


@pytest.mark.usefixtures("photos")
def test_a_photo_that_is_gone_is_not_waited_for(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.ranking()
    alice.page.route(PHOTO_FILES, lambda route: route.fulfill(status=404))

    alice.page.click("#tiles li:first-child button")

    assert "This photo is gone" in see(alice, "photo_gone", "#viewer-notice")
    assert alice.page.locator("#viewer-notice button").count() == 0


@pytest.mark.parametrize("width", [320, 1280])
def test_every_state_is_accessible_and_fits(visit: Callable[..., Visitor], catalogue: Catalogue, width: int) -> None:
    alice = visit(expects_errors=True, viewport={"width": width, "height": 640})
    problems: dict[str, list[str]] = {}

    def check(state: str) -> None:
        see(alice, state)
        problems[state] = findings(alice)
        assert alice.page.evaluate("document.documentElement.scrollWidth") <= width, state
        headings = alice.page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3')].filter((h) => h.checkVisibility()).map((h) => h.tagName)"
        )
        assert headings[0] == "H1", headings
        notice = alice.page.locator("#deck-notice")
        assert notice.evaluate("(notice) => notice.scrollHeight <= notice.clientHeight"), state  # nothing is cut off

    check("no_photos")
    catalogue.change("add", 2)
    check("preparing")
    catalogue.change("prepare", 2)
    alice.wait_for_photos()
    alice.wait_until_live()
    alice.context.set_offline(True)
    alice.page.wait_for_selector("#lost-connection-text", state="visible")
    problems["offline line"] = findings(alice)
    alice.rate_all()
    check("offline")
    alice.context.set_offline(False)
    alice.wait_until_rated(2)
    check("all_rated")
    alice.page.route("**/api/v1/deck", lambda route: route.fulfill(status=503))
    alice.page.reload()
    check("unreachable")

    assert {state: found for state, found in problems.items() if found} == {}


def test_while_pav_starts_a_page_says_so_and_goes_on_by_itself(browser: Browser, stack: Stack) -> None:
    stack.stop_web()
    page = browser.new_context(locale="en").new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        with starting_page.serving(stack.port):
            page.goto(stack.address)
            assert page.inner_text("h1") == "PAV is starting"
            assert page.evaluate("getComputedStyle(document.querySelector('main')).display") == "grid"  # its style sheet is there
    finally:
        stack.start_web()

    page.wait_for_selector("#deck-notice", timeout=60_000)
    assert errors == []
    page.context.close()
