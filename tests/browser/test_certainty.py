"""How sure PAV is, on the page: a state in words and a picture, and the number on request."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_accessibility import findings
from tests.browser.test_looks import PHONE, WIDE
from tests.browser.visitor import Visitor

HEADLINES = {
    "learning": "Learning your taste: 3 more",
    "alike": "Learning your taste",
    "unsure": "PAV hasn’t found your taste yet",
    "finding": "PAV is getting to know your taste",
    "good": "PAV knows your taste",
    "very_good": "PAV knows your taste very well",
}
LIT = {"finding": 1, "good": 2, "very_good": 3}
ACCURACY = {"unsure": (0.1, -0.3, 0.5), "finding": (0.35, 0.02, 0.6), "good": (0.5, 0.31, 0.65), "very_good": (0.7, 0.55, 0.8)}


def show(visitor: Visitor, state: str, comparison: dict[str, float] | None = None) -> None:
    """Show a state as a message of the server would."""
    visitor.page.evaluate(
        """async ([state, accuracy, comparison]) => {
            const { Certainty } = await import('/static/ranking/certainty.js');
            const [srocc, low, high] = accuracy ?? [];
            new Certainty().show({
                certainty: { state, more: state === 'learning' ? 3 : 0 },
                accuracy: accuracy && { srocc, low, high },
                ratingsSeq: 20,
                activeModel: { name: 'instant', comparison },
            });
        }""",
        [state, ACCURACY.get(state), comparison],
    )


def open_ranking(visit: Callable[..., Visitor], size: dict[str, Any]) -> Visitor:
    alice = visit(**size)
    alice.wait_until_live()
    alice.version()
    if size is PHONE:
        alice.page.click("#ranking-tab")
    return alice


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_each_state_has_its_words_and_picture_and_no_serious_accessibility_problem(
    visit: Callable[..., Visitor], size: dict[str, Any]
) -> None:
    alice = open_ranking(visit, size)
    for state, headline in HEADLINES.items():
        show(alice, state)
        assert alice.page.inner_text("#certainty-headline") == headline
        assert alice.page.locator("#certainty-picture .picture-lit").count() == LIT.get(state, 0)
        assert alice.page.locator("#certainty-picture .picture-done").count() == (state == "learning")
        assert alice.page.is_visible("#certainty-more") == (state in LIT)
        assert not alice.page.is_visible("#certainty-numbers-text")
        if state in LIT:
            alice.page.click("#certainty-more")
            assert alice.page.is_visible("#certainty-bar .bar-dot")
            assert findings(alice) == []
            alice.page.click("#certainty-more")
        assert alice.page.evaluate("document.documentElement.scrollWidth") <= size["viewport"]["width"]


def test_the_number_and_its_interval_open_by_keyboard(visit: Callable[..., Visitor]) -> None:
    alice = open_ranking(visit, WIDE)
    show(alice, "good")
    alice.page.focus("#certainty-more")
    alice.page.keyboard.press("Enter")
    text = alice.page.inner_text("#certainty-numbers-text")
    assert text == "Match between its guesses and your ratings: 0.50, likely 0.31 to 0.65 (0 is chance, 1 is perfect)."
    assert alice.page.locator("#certainty-trail .trail-dot").count() == 1
    assert alice.rated() == 0


def test_a_number_that_was_open_is_hidden_when_the_interval_includes_chance_again(visit: Callable[..., Visitor]) -> None:
    alice = open_ranking(visit, WIDE)
    show(alice, "finding")
    alice.page.click("#certainty-more")
    show(alice, "unsure")
    assert not alice.page.is_visible("#certainty-numbers-text")
    assert not alice.page.is_visible("#certainty-more")


def test_the_comparison_of_the_models_is_among_the_numbers_without_one_below_zero(visit: Callable[..., Visitor]) -> None:
    alice = open_ranking(visit, WIDE)
    show(alice, "good", {"exact": 0.5, "instant": -0.2})
    alice.page.click("#certainty-more")
    assert alice.page.inner_text("#certainty-models") == "On the same ratings: exact model 0.50, instant model no match."


def test_the_first_ratings_count_down_and_skips_do_not(alice: Visitor) -> None:
    alice.wait_until_live()
    alice.page.wait_for_function("() => document.querySelector('#certainty-headline').textContent === 'Learning your taste: 8 more'")
    for key in ("ArrowUp", "ArrowDown", "ArrowLeft"):
        alice.press(key)
    alice.page.wait_for_function("() => document.querySelector('#certainty-headline').textContent === 'Learning your taste: 6 more'")
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowRight", "ArrowLeft", "ArrowRight"):
        alice.press(key)
    alice.page.wait_for_selector("#certainty:not([data-state='learning'])")
