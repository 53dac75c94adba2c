"""The look of the page: without layout shifts, never wider than the screen, in the reader's language."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.visitor import TOP, Visitor

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1280, "height": 800}}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_shifts_while_the_page_loads_and_cards_leave(visit: Callable[..., Visitor], size: dict[str, Any]) -> None:
    alice = visit(
        **size,
        prepare=lambda context: context.add_init_script(
            """window.shifts = [];
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries())
                    window.shifts.push([entry.value, entry.sources.map((s) => s.node?.id || s.node?.className)]);
            }).observe({ type: 'layout-shift', buffered: true });"""
        ),
    )
    alice.wait_until_live()
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "z"):
        version = alice.version()
        alice.press(key)
        alice.wait_for_ranking_after(version)

    shifts = [
        (value, moved)
        for value, moved in alice.page.evaluate("window.shifts")
        if not moved or not all(str(node).startswith("tile") for node in moved)
    ]
    assert sum(value for value, _ in shifts) < 0.02, shifts


@pytest.mark.parametrize("width", [320, 360, 390, 430, 768, 900, 1280, 1920])
def test_nothing_overflows_sideways(visit: Callable[..., Visitor], width: int) -> None:
    alice = visit(viewport={"width": width, "height": 800})
    alice.wait_for_photo()
    alice.ranking()

    assert alice.page.evaluate("document.documentElement.scrollWidth") <= width
    assert alice.page.evaluate("document.querySelector('#help-open').getBoundingClientRect().right") <= width


@pytest.mark.parametrize("width", [320, 1280])
def test_a_card_that_leaves_does_not_widen_the_page(visit: Callable[..., Visitor], width: int) -> None:
    alice = visit(viewport={"width": width, "height": 800})
    alice.wait_for_photo()
    alice.page.evaluate(
        """() => {
            window.widest = 0;
            const look = () => {
                widest = Math.max(widest, document.documentElement.scrollWidth);
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    for key in ("ArrowRight", "ArrowLeft", "z"):
        alice.press(key)
        alice.page.wait_for_function("() => !document.querySelector('.card[data-leaving]')")

    assert alice.page.evaluate("widest") <= width


@pytest.mark.parametrize("locale", ["en", "ja"])
@pytest.mark.parametrize("width", [320, 390])
def test_ratings_waiting_to_sync_fit_on_a_phone(visit: Callable[..., Visitor], width: int, locale: str) -> None:
    alice = visit(viewport={"width": width, "height": 800}, locale=locale, expects_errors=True)
    alice.wait_for_photos()
    alice.context.set_offline(True)
    alice.press("ArrowRight")

    alice.page.wait_for_selector("#unsynced", state="visible")
    box = alice.page.locator("#unsynced").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert alice.page.evaluate("document.documentElement.scrollWidth") <= width


def test_buttons_are_large_enough_for_a_thumb(visit: Callable[..., Visitor]) -> None:
    alice = visit(**PHONE)
    alice.wait_for_photo()

    boxes = [button.bounding_box() for button in alice.page.locator(".rate-buttons .rate-button").all()]

    assert len(boxes) == 5
    assert all(box and box["width"] >= 48 and box["height"] >= 48 and box["y"] + box["height"] <= 844 for box in boxes)


def test_every_photo_has_the_same_frame(visit: Callable[..., Visitor]) -> None:
    alice = visit(reduced_motion="reduce")  # without it, the first card sways after a moment to show the gestures
    alice.wait_for_photo()
    stage = alice.page.locator("#cards").bounding_box()
    frames, shapes = [], set()
    while len(shapes) < 3:  # wide, tall and square: a third of the photos each
        alice.wait_for_photo()
        alice.page.wait_for_function("() => document.getAnimations().length === 0")
        frames.append(alice.page.locator('.card[data-depth="0"]').bounding_box())
        photo = alice.page.locator(f"{TOP} .card-photo")
        frames.append(photo.bounding_box())
        # Laid whole into a box as large as the frame: that keeps the shape of every photo.
        fit, width, height = photo.evaluate("image => [getComputedStyle(image).objectFit, image.naturalWidth, image.naturalHeight]")
        assert fit == "contain"
        shapes.add((width > height) - (width < height))
        alice.press("ArrowRight")

    assert stage
    assert all(frame and abs(frame["width"] - stage["width"]) < 1 and abs(frame["height"] - stage["height"]) < 1 for frame in frames)


def test_the_theme_can_be_chosen_and_is_kept(alice: Visitor) -> None:
    alice.wait_for_photo()
    before = alice.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    alice.page.click("#theme")
    chosen = alice.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    alice.reload()

    assert chosen != before
    assert alice.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == chosen


def test_a_japanese_browser_gets_a_japanese_page(visit: Callable[..., Visitor]) -> None:
    alice = visit(locale="ja")
    alice.wait_for_photo()

    assert alice.page.get_attribute("html", "lang") == "ja"
    alice.wait_until_live()
    alice.version()
    assert alice.page.inner_text("#certainty-headline") == "好みを学習中：あと8枚"
    alice.press("ArrowRight")
    assert alice.page.inner_text("#last-rating-text") == "好き"


def test_the_language_can_be_switched_in_the_page(alice: Visitor) -> None:
    alice.wait_for_photo()
    alice.wait_until_live()  # leaving a page that is still connecting logs an error

    alice.page.select_option("#language", "ja")

    alice.page.wait_for_selector("html[lang=ja]")
    alice.wait_until_live()


def test_an_unknown_address_leads_back_to_the_photos(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    response = alice.page.goto(f"{alice.address}/nothing-here")

    assert response
    assert response.status == 404
    assert "We can’t find that page" in alice.page.inner_text("main")
    alice.page.click("main .button")
    alice.wait_for_photo()


def test_everything_comes_from_this_server(visit: Callable[..., Visitor]) -> None:
    asked: list[str] = []
    alice = visit(prepare=lambda context: context.on("request", lambda request: asked.append(request.url)))
    alice.wait_until_live()
    alice.press("ArrowRight")

    assert {url for url in asked if not url.startswith((alice.address, "data:", "blob:"))} == set()
