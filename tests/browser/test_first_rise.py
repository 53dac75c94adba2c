"""After the tenth rating the first photo that rose by it is highlighted, once per rater."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_accessibility import findings
from tests.browser.test_looks import PHONE
from tests.browser.visitor import Visitor

# Keeps what was highlighted and announced. The highlight stays until a test ends it: a busy machine may take longer than its four seconds.
REMEMBER = """
window.rises = [];
window.announced = [];
const later = window.setTimeout;
window.setTimeout = (run, ms, ...rest) => (ms === 4000 ? ((window.endRise = run), 0) : later(run, ms, ...rest));
addEventListener('DOMContentLoaded', () => {
    new MutationObserver((changes) => {
        for (const { addedNodes, target } of changes)
            for (const node of addedNodes) {
                if (target.matches('[data-announce]')) window.announced.push(node.textContent);
                if (node.classList?.contains('rise'))
                    window.rises.push({ photo: Number(target.dataset.photo), list: target.parentElement.id, label: node.textContent });
            }
    }).observe(document.body, { childList: true, subtree: true });
});
"""
PLACES = """() => [...document.querySelectorAll('#tiles li, #certainty, .rate-button, #deck-line')].map((node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    return [x, y, width, height];
})"""


@pytest.fixture
def rate(visit: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """A visitor who has given nine ratings, all of them fitted and shown."""

    def rate(**options: Any) -> Visitor:
        alice = visit(prepare=lambda context: context.add_init_script(REMEMBER), **options)
        alice.wait_until_live()
        for number in range(9):
            alice.press("ArrowLeft" if number % 3 else "ArrowUp")
        alice.wait_until_fitted(9)
        return alice

    return rate


def rises(visitor: Visitor) -> list[dict[str, Any]]:
    return list(visitor.page.evaluate("window.rises"))


def rate_until_one_rises(visitor: Visitor) -> list[int]:
    """Love photos until a visible one rises, at the tenth rating or soon after; returns the photos rated meanwhile."""
    loved = []
    for number in range(10, 20):
        loved.append(visitor.photo_on_top())
        visitor.press("ArrowUp")
        visitor.wait_until_fitted(number)
        visitor.page.wait_for_function(
            "() => window.rises.length || !document.getAnimations().some(({effect}) => effect.target.closest('ol'))"
        )
        if rises(visitor):
            return loved
    raise AssertionError("No photo rose")


def test_the_tenth_rating_highlights_a_photo_that_rose_and_the_nine_before_do_not(rate: Callable[..., Visitor]) -> None:
    alice = rate()
    assert rises(alice) == []

    loved = rate_until_one_rises(alice)

    [rise] = rises(alice)
    assert rise["list"] == "tiles"
    assert rise["photo"] not in loved  # PAV has learned something about photos that were not rated
    tile = alice.page.locator(f'#tiles li[data-photo="{rise["photo"]}"]')
    assert rise["label"].startswith("Up ")
    assert rise["label"].endswith("by your ratings")
    assert sum("by your ratings" in sentence for sentence in alice.page.evaluate("window.announced")) == 1
    assert alice.page.evaluate("document.activeElement === document.body")  # the focus stays where it was
    tile.locator("button").click()  # the ring takes no clicks
    alice.page.wait_for_selector("#viewer[open]")
    alice.page.keyboard.press("Escape")
    places = alice.page.evaluate(PLACES)
    alice.page.evaluate("window.endRise()")
    assert alice.page.locator(".rise").count() == 0
    assert alice.page.evaluate(PLACES) == places


def test_the_highlight_comes_once_also_after_a_reload_and_an_undo(rate: Callable[..., Visitor]) -> None:
    alice = rate()
    rate_until_one_rises(alice)
    events = alice.rated()
    undone = events - 9
    for _ in range(undone):
        alice.press("z")
    alice.wait_until_rated(9)
    alice.reload()
    alice.wait_until_live()

    for _ in range(3):
        alice.press("ArrowUp")
    alice.wait_until_fitted(events + undone + 3)
    alice.page.wait_for_timeout(1500)
    alice.page.wait_for_function("() => !document.getAnimations().some(({effect}) => effect.target.closest('ol'))")

    assert rises(alice) == []


def test_another_rater_in_the_same_browser_gets_a_highlight_too(rate: Callable[..., Visitor]) -> None:
    alice = rate()
    rate_until_one_rises(alice)
    alice.context.clear_cookies()
    alice.open()
    alice.wait_until_live()
    for number in range(9):
        alice.press("ArrowLeft" if number % 3 else "ArrowUp")
    alice.wait_until_fitted(9)
    assert rises(alice) == []

    rate_until_one_rises(alice)

    assert len(rises(alice)) == 1


def test_with_less_motion_there_is_a_label_but_no_pulse(rate: Callable[..., Visitor]) -> None:
    pulses = {}
    for motion in ("no-preference", "reduce"):
        alice = rate(reduced_motion=motion)
        rate_until_one_rises(alice)
        pulses[motion] = alice.page.evaluate("getComputedStyle(document.querySelector('.rise'), '::before').animationName")
        assert alice.page.is_visible(".rise-label")

    assert pulses == {"no-preference": "rise-pulse", "reduce": "none"}


def test_on_a_phone_the_highlight_is_on_the_strip_above_the_photo(rate: Callable[..., Visitor]) -> None:
    alice = rate(**PHONE)

    rate_until_one_rises(alice)

    assert [rise["list"] for rise in rises(alice)] == ["ribbon"]
    label, strip = alice.page.locator(".rise-label").bounding_box(), alice.page.locator("#ribbon").bounding_box()
    assert label
    assert strip
    assert label["x"] >= 0
    assert label["x"] + label["width"] <= 390 - 24  # the arrow that opens the ranking stays free
    assert label["y"] >= strip["y"] - 1
    assert label["y"] + label["height"] <= strip["y"] + strip["height"] + 1
    assert findings(alice) == []
