"""Which model ranks is told, and people decide whether their answers help others."""

from collections.abc import Callable

from tests.browser.stack import Stack
from tests.browser.visitor import Visitor


def speaker(visitor: Visitor) -> str:
    return visitor.page.inner_text("#speaker").strip() if visitor.page.is_visible("#speaker") else ""


def rank(visitor: Visitor) -> None:
    version = visitor.version()
    visitor.press("ArrowUp")
    visitor.press("ArrowLeft")
    visitor.wait_for_ranking_after(version)
    visitor.page.wait_for_selector("#speaker[data-model]")


def test_before_the_first_answer_no_model_speaks(alice: Visitor) -> None:
    alice.wait_until_live()
    assert speaker(alice) == ""
    rank(alice)
    assert speaker(alice) == "Ranked by the instant model."


def test_an_exact_model_that_takes_the_word_is_seen_at_once(alice: Visitor, stack: Stack) -> None:
    alice.wait_until_live()
    rank(alice)
    alice.wait_until_fitted(2)
    before, version = alice.ranking(), alice.version()
    stack.run("-m", "tests.browser.refine")
    alice.wait_for_ranking_after(version)
    assert speaker(alice) == "Ranked by the exact model: it guessed better, 0.62 against 0.41."
    assert alice.ranking()[:10] == [row["id"] for row in alice.get("/api/v1/ranking?limit=10")["top"]] != before[:10]
    rank(alice)
    assert speaker(alice) == "Ranked by the instant model."


def test_sharing_is_off_until_chosen_and_stays_as_chosen(alice: Visitor) -> None:
    alice.wait_for_photo()
    alice.page.keyboard.press("?")
    assert not alice.page.is_checked("#share-answers")
    alice.page.check("#share-answers")
    alice.page.wait_for_function("() => document.querySelector('#share-answers-said').textContent.startsWith('Thank you')")
    alice.reload()
    alice.wait_for_photo()
    assert alice.page.is_checked("#share-answers")
    assert alice.get("/api/v1/me") == {"shares_answers": True}
    alice.page.keyboard.press("?")
    alice.page.uncheck("#share-answers")
    alice.page.wait_for_function("() => document.querySelector('#share-answers-said').textContent.startsWith('From tonight')")
    assert alice.get("/api/v1/me") == {"shares_answers": False}


def test_without_a_connection_the_box_shows_what_the_server_has(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    alice.wait_for_photo()
    alice.page.keyboard.press("?")
    alice.context.set_offline(True)
    alice.page.click("#share-answers")
    alice.page.wait_for_function("() => document.querySelector('#share-answers-said').textContent.includes('nothing was changed')")
    assert not alice.page.is_checked("#share-answers")
    alice.context.set_offline(False)
