"""The page says which model orders the photos."""

from collections.abc import Callable

from tests.browser.stack import Stack
from tests.browser.visitor import Visitor


def active_model(visitor: Visitor) -> str:
    return visitor.page.inner_text("#active-model").strip() if visitor.page.is_visible("#active-model") else ""


def rate_two(visitor: Visitor) -> None:
    version = visitor.version()
    visitor.press("ArrowUp")
    visitor.press("ArrowLeft")
    visitor.wait_for_ranking_after(version)
    visitor.page.wait_for_selector("#active-model[data-model]")


def test_before_the_first_rating_no_model_is_named(alice: Visitor) -> None:
    alice.wait_until_live()
    assert active_model(alice) == ""
    rate_two(alice)
    assert active_model(alice) == "Ranked by the instant model."


def test_an_exact_model_that_becomes_active_shows_at_once(alice: Visitor, stack: Stack) -> None:
    alice.wait_until_live()
    rate_two(alice)
    alice.wait_until_fitted(2)
    before, version = alice.ranking(), alice.version()
    stack.step("exact_refit")
    alice.wait_for_ranking_after(version)
    assert active_model(alice) == "Ranked by the exact model. It guesses your ratings better."
    assert alice.ranking()[:10] == [row["id"] for row in alice.get("/api/v1/ranking?limit=10")["top"]] != before[:10]
    rate_two(alice)
    assert active_model(alice) == "Ranked by the instant model."


def test_without_a_score_for_everyone_the_page_says_that_photos_are_newest_first(visit: Callable[..., Visitor], stack: Stack) -> None:
    def give_score(given: bool) -> None:
        stack.step("rows", "Projection", {}, {"has_generic_score": given})

    give_score(False)
    try:
        alice = visit()
        alice.wait_until_live()
        alice.page.wait_for_selector("#active-model[data-model=date]")
        assert active_model(alice) == "Newest first: PAV doesn’t know yet how people rank these photos."
        alice.page.click("label:has([name=ranking-of][value=everyone])")
        alice.page.wait_for_selector("#ranking-whose:text-is('Newest first')")
    finally:
        give_score(True)
