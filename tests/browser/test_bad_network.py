"""Ratings survive a lost network: they are kept on the device, and sent once and in order."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Route

from tests.browser.visitor import PATIENCE_MS, Visitor

PHOTO_FILES = re.compile(r"^http://[^/]+/photos/")


def test_ratings_given_offline_are_kept_and_sent_once(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.wait_until_live()
    alice.wait_for_photos()
    alice.context.set_offline(True)
    alice.press("ArrowRight")
    alice.press("ArrowLeft")
    alice.page.wait_for_selector("#unsynced", state="visible")
    assert alice.page.inner_text("#unsynced-text") == "2 ratings waiting to sync"
    alice.wait_for_connection("offline")

    alice.context.set_offline(False)

    alice.wait_until_rated(2)
    alice.page.wait_for_selector("#unsynced", state="hidden")
    assert alice.events() == 2


def test_unsent_ratings_survive_a_reload(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.wait_for_photo()
    alice.page.route("**/api/v1/ratings", lambda route: route.abort())
    alice.press("ArrowRight")
    alice.press("ArrowUp")
    third = alice.wait_for_photo()
    alice.page.on("dialog", lambda dialog: dialog.accept())

    alice.page.reload()

    assert alice.wait_for_photo() == third  # rated cards do not come again, although the server still deals them
    alice.page.unroute("**/api/v1/ratings")
    alice.page.reload()
    alice.wait_until_rated(2)
    assert alice.events() == 2


def test_a_rating_whose_response_is_lost_is_stored_once(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.wait_for_photo()
    sent: list[str] = []

    def deliver_but_lose_the_response(route: Route) -> None:
        sent.append(str(route.request.post_data_json["client_id"]))
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    alice.page.route("**/api/v1/ratings", deliver_but_lose_the_response)
    with alice.page.expect_response(lambda response: response.url.endswith("/api/v1/ratings") and response.status == 200):
        alice.press("ArrowRight")

    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert alice.rated() == 1
    assert alice.events() == 1


def test_an_undo_of_an_unsent_rating_is_sent_in_order(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    first = alice.wait_for_photo()
    alice.wait_for_photos()
    alice.context.set_offline(True)
    alice.press("ArrowRight")
    alice.press("z")
    assert alice.wait_for_photo() == first
    alice.page.wait_for_selector("#unsynced", state="visible")

    alice.context.set_offline(False)

    alice.page.wait_for_selector("#unsynced", state="hidden")
    alice.wait_until_rated(0)
    assert alice.wait_for_photo() == first
    assert alice.events() == 2


def test_leaving_with_unsent_ratings_asks_first(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.wait_for_photo()
    alice.page.route("**/api/v1/ratings", lambda route: route.abort())
    alice.press("ArrowRight")
    alice.page.wait_for_selector("#unsynced", state="visible")

    with alice.page.expect_event("dialog") as asked:
        alice.page.close(run_before_unload=True)

    assert asked.value.type == "beforeunload"
    with alice.page.expect_event("close"):
        asked.value.accept()


def test_a_broken_photo_is_skipped_with_a_message(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    before = alice.wait_for_photo()
    broken = alice.get("/api/v1/deck")["cards"][1]["photo"]["id"]
    alice.page.route(f"**/photos/{broken}/**", lambda route: route.fulfill(status=404))
    alice.page.reload()
    assert alice.wait_for_photo() == before

    alice.page.keyboard.press("ArrowRight")

    alice.page.wait_for_selector(".toast")
    assert "so we skipped it" in alice.page.inner_text(".toast")
    assert alice.photo_on_top() != broken


def test_a_busy_server_is_asked_again_later(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    alice.wait_until_live()  # becoming live sends what waits, whatever Retry-After says
    alice.wait_for_photo()
    requests: list[float] = []

    def busy_once(route: Route) -> None:
        requests.append(time.monotonic())
        if len(requests) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "Too many requests. Please wait a second."})
        else:
            route.continue_()

    alice.page.route("**/api/v1/ratings", busy_once)
    alice.press("ArrowRight")

    alice.wait_until_rated(1)
    first, second = requests
    assert second - first > 0.9  # the seconds of Retry-After


def test_a_deck_that_does_not_load_is_explained_and_can_be_tried_again(visit: Callable[..., Visitor]) -> None:
    deck = "**/api/v1/deck"
    alice = visit(expects_errors=True, prepare=lambda context: context.route(deck, lambda route: route.fulfill(status=500, json={})))

    alice.page.wait_for_selector("#deck-notice[data-notice=error]")
    assert "Something went wrong on the server" in alice.page.inner_text("#deck-notice")
    alice.context.unroute(deck)
    # Not through Playwright, which waits for a button that stands still: the page also tries again by itself.
    alice.page.evaluate("document.querySelector('#deck-notice .button')?.click()")

    alice.wait_for_photo()


def test_while_no_photo_can_be_reached_the_page_says_so_and_recovers(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True, prepare=lambda context: context.route(PHOTO_FILES, lambda route: route.abort()))
    alice.page.wait_for_selector("#deck-notice[data-notice=unreachable]", timeout=2 * PATIENCE_MS)

    alice.context.unroute(PHOTO_FILES)

    alice.wait_for_photo()
    assert alice.rated() == 0  # nothing is skipped
