"""Raters decide whether their ratings help others."""

from collections.abc import Callable

from tests.browser.visitor import Visitor


def wait_for_status(visitor: Visitor, text: str) -> None:
    visitor.page.wait_for_function("text => document.querySelector('#share-ratings-status').textContent.includes(text)", arg=text)


def test_sharing_is_off_until_chosen_and_stays_as_chosen(alice: Visitor) -> None:
    alice.wait_for_photo()
    alice.page.keyboard.press("?")
    assert not alice.page.is_checked("#share-ratings")
    alice.page.check("#share-ratings")
    wait_for_status(alice, "your ratings help others")
    alice.reload()
    alice.wait_for_photo()
    assert alice.page.is_checked("#share-ratings")
    assert alice.get("/api/v1/me") == {"shares_ratings": True}
    alice.page.keyboard.press("?")
    alice.page.uncheck("#share-ratings")
    wait_for_status(alice, "no longer help others")
    assert alice.get("/api/v1/me") == {"shares_ratings": False}


def test_without_a_connection_the_box_shows_what_the_server_has(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.wait_for_photo()
    alice.page.keyboard.press("?")
    alice.context.set_offline(True)
    alice.page.click("#share-ratings")
    wait_for_status(alice, "nothing has changed")
    assert not alice.page.is_checked("#share-ratings")
    alice.context.set_offline(False)
