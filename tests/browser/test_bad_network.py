"""Answers survive a network that does not: kept on the device, sent once, in order."""

import time
from collections.abc import Callable

from playwright.sync_api import Route

from tests.browser.visitor import PATIENCE_MS, Visitor


def test_answers_given_offline_are_kept_and_sent_once(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    alice.wait_until_live()
    alice.wait_for_photo()
    alice.context.set_offline(True)
    alice.press("ArrowRight")
    alice.press("ArrowLeft")
    alice.page.wait_for_selector("#saves", state="visible")
    assert alice.page.inner_text("#saves-text") == "2 saves waiting"
    alice.wait_for_connection("offline")

    alice.context.set_offline(False)

    alice.wait_until_answered(2)
    alice.page.wait_for_selector("#saves", state="hidden")
    assert alice.events() == 2


def test_answers_survive_a_reload_before_they_could_be_sent(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    alice.wait_for_photo()
    alice.page.route("**/api/v1/ratings", lambda route: route.abort())
    alice.press("ArrowRight")
    alice.press("ArrowUp")
    third = alice.wait_for_photo()
    alice.page.on("dialog", lambda dialog: dialog.accept())

    alice.page.reload()

    assert alice.wait_for_photo() == third  # answered cards do not come again, though the server still deals them
    alice.page.unroute("**/api/v1/ratings")
    alice.page.reload()
    alice.wait_until_answered(2)
    assert alice.events() == 2


def test_an_answer_whose_receipt_was_lost_is_stored_once(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    alice.wait_for_photo()
    sent: list[str] = []

    def deliver_but_lose_the_receipt(route: Route) -> None:
        sent.append(str(route.request.post_data_json["client_id"]))
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    alice.page.route("**/api/v1/ratings", deliver_but_lose_the_receipt)
    with alice.page.expect_response(lambda answer: answer.url.endswith("/api/v1/ratings") and answer.status == 200):
        alice.press("ArrowRight")

    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert alice.answered() == 1
    assert alice.events() == 1


def test_an_undo_of_an_answer_that_still_waits_is_sent_in_order(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    first = alice.wait_for_photo()
    alice.context.set_offline(True)
    alice.press("ArrowRight")
    alice.press("z")
    assert alice.wait_for_photo() == first
    alice.page.wait_for_selector("#saves", state="visible")

    alice.context.set_offline(False)

    alice.page.wait_for_selector("#saves", state="hidden")
    alice.wait_until_answered(0)
    assert alice.wait_for_photo() == first
    assert alice.events() == 2


def test_leaving_with_unsent_answers_is_warned_of(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    alice.wait_for_photo()
    alice.page.route("**/api/v1/ratings", lambda route: route.abort())
    alice.press("ArrowRight")
    alice.page.wait_for_selector("#saves", state="visible")

    with alice.page.expect_event("dialog") as asked:
        alice.page.close(run_before_unload=True)

    assert asked.value.type == "beforeunload"
    with alice.page.expect_event("close"):
        asked.value.accept()


def test_a_photo_that_is_broken_is_passed_over_with_a_word(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    before = alice.wait_for_photo()
    broken = alice.get("/api/v1/deck")["cards"][1]["photo"]["id"]
    alice.page.route(f"**/photos/{broken}/**", lambda route: route.fulfill(status=404))
    alice.page.reload()
    assert alice.wait_for_photo() == before

    alice.page.keyboard.press("ArrowRight")

    alice.page.wait_for_selector(".toast")
    assert "passed over" in alice.page.inner_text(".toast")
    assert alice.photo_on_top() != broken


def test_a_server_that_is_busy_is_waited_for(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True)
    alice.wait_for_photo()
    said: list[float] = []

    def busy_once(route: Route) -> None:
        said.append(time.monotonic())
        if len(said) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "That was a lot at once. Please wait a second."})
        else:
            route.continue_()

    alice.page.route("**/api/v1/ratings", busy_once)
    alice.press("ArrowRight")

    alice.wait_until_answered(1)
    first, second = said
    assert second - first > 0.9  # as long as it asked for


def test_a_deck_that_cannot_be_had_is_explained_and_tried_again(visit: Callable[..., Visitor]) -> None:
    alice = visit(
        expects_trouble=True,
        prepare=lambda context: context.route("**/api/v1/deck", lambda route: route.fulfill(status=500, json={}), times=1),
    )

    alice.page.wait_for_selector("#deck-notice[data-notice=error]")
    assert "Something went wrong on the server" in alice.page.inner_text("#deck-notice")
    alice.page.click("#deck-notice .button")

    alice.wait_for_photo()


def test_while_no_photo_can_be_reached_the_page_says_so_and_goes_on_later(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_trouble=True, prepare=lambda context: context.route("**/photos/**", lambda route: route.abort()))
    alice.page.wait_for_selector("#deck-notice[data-notice=offline]", timeout=2 * PATIENCE_MS)

    alice.context.unroute("**/photos/**")

    alice.wait_for_photo()
    assert alice.answered() == 0  # nothing was passed over
