"""The page says how far the next version of the ranking is, while photos are ranked by the current one."""

from tests.browser.stack import Stack
from tests.browser.visitor import Visitor


def test_the_page_shows_how_many_photos_are_ready_for_the_next_version(alice: Visitor, stack: Stack) -> None:
    alice.wait_until_live()
    assert not alice.page.is_visible("#preparing")
    stack.step("filling", "begin")
    try:
        alice.reload()
        alice.wait_for_photo()
        alice.page.wait_for_function("document.querySelector('#preparing').textContent === 'Improving your ranking: 0 of 60 photos'")
        assert alice.page.is_visible("#preparing")
        assert len(alice.ranking()) > 0
    finally:
        stack.step("filling", "end")
    alice.page.wait_for_selector("#preparing", state="hidden")  # without a reload
