"""Every way to rate a photo, and undo."""

from collections.abc import Callable

import pytest

from tests.browser.visitor import TOP, Visitor


@pytest.mark.parametrize(
    ("key", "shown"), [("ArrowRight", "Liked"), ("ArrowLeft", "Not for you"), ("ArrowUp", "Loved"), ("ArrowDown", "Skipped")]
)
def test_an_arrow_key_rates_the_photo_on_top(alice: Visitor, key: str, shown: str) -> None:
    alice.press(key)

    assert alice.page.inner_text("#last-rating-text") == shown
    alice.wait_until_rated(1)


@pytest.mark.parametrize("value", ["like", "dislike", "love", "skip"])
def test_every_rating_has_a_button(alice: Visitor, value: str) -> None:
    with alice.page.expect_request(lambda request: request.url.endswith("/api/v1/ratings")) as sent:
        alice.click_rating(value)

    assert sent.value.post_data_json["value"] == value
    alice.wait_until_rated(1)


@pytest.mark.parametrize(("dx", "dy", "shown"), [(320, 10, "Liked"), (-260, 10, "Not for you"), (10, -300, "Loved")])
def test_dragging_a_card_far_enough_rates_it(alice: Visitor, dx: int, dy: int, shown: str) -> None:
    before = alice.wait_for_photo()

    alice.drag(dx, dy)

    alice.wait_until_gone(before)
    assert alice.page.inner_text("#last-rating-text") == shown


def test_a_short_drag_springs_back_and_rates_nothing(alice: Visitor) -> None:
    before = alice.wait_for_photo()

    alice.drag(70, 5)

    assert alice.wait_for_photo() == before
    assert alice.page.evaluate("top => document.querySelector(top).style.transform", TOP) == ""
    assert alice.rated() == 0


def test_a_short_but_fast_throw_rates(alice: Visitor) -> None:
    before = alice.wait_for_photo()

    alice.throw(120, within_ms=60)

    alice.wait_until_gone(before)


def test_the_rating_is_readable_while_dragging(alice: Visitor) -> None:
    alice.wait_for_photo()
    box = alice.page.locator(TOP).bounding_box()
    assert box
    alice.page.mouse.move(box["x"] + 200, box["y"] + 200)
    alice.page.mouse.down()
    alice.page.mouse.move(box["x"] + 420, box["y"] + 205, steps=6)

    assert float(alice.page.evaluate(f"getComputedStyle(document.querySelector('{TOP} .stamp-like')).opacity")) > 0.9
    alice.page.mouse.move(box["x"] + 200, box["y"] + 200, steps=6)
    alice.page.mouse.up()


def touch(visitor: Visitor, points: list[tuple[float, float]], *, end: str = "touchEnd", second_finger: bool = False) -> None:
    session = visitor.context.new_cdp_session(visitor.page)
    (x, y), *rest = points
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y, "id": 1}]})
    other = [{"x": 60, "y": 500, "id": 2}] if second_finger else []
    if second_finger:
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y, "id": 1}, *other]})
    for px, py in rest:
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": px, "y": py, "id": 1}, *other]})
    session.send("Input.dispatchTouchEvent", {"type": end, "touchPoints": []})


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_finger_swipes_on_a_phone(visit: Callable[..., Visitor]) -> None:
    alice = visit(**PHONE)
    before = alice.wait_for_photo()

    touch(alice, [(200, 400), (230, 402), (290, 404), (360, 405)])

    alice.wait_until_gone(before)
    alice.wait_until_rated(1)


@pytest.mark.parametrize(
    ("points", "end"),
    [
        ([(370.0, 400.0), (250.0, 402.0), (60.0, 404.0)], "touchEnd"),  # the browser's own gestures start at the edges
        ([(200.0, 400.0), (260.0, 402.0), (370.0, 404.0)], "touchCancel"),
    ],
)
def test_a_touch_from_the_edge_or_a_cancelled_one_rates_nothing(
    visit: Callable[..., Visitor], points: list[tuple[float, float]], end: str
) -> None:
    alice = visit(**PHONE)
    before = alice.wait_for_photo()

    touch(alice, points, end=end)

    assert alice.wait_for_photo() == before
    assert alice.rated() == 0


def test_undo_brings_the_card_back(alice: Visitor) -> None:
    first = alice.wait_for_photo()
    alice.press("ArrowLeft")
    alice.wait_until_rated(1)

    alice.press("z")

    assert alice.wait_for_photo() == first
    alice.wait_until_rated(0)


def test_undo_works_after_a_reload_too(alice: Visitor) -> None:
    first = alice.wait_for_photo()
    alice.press("ArrowLeft")
    alice.wait_until_rated(1)
    alice.reload()
    second = alice.wait_for_photo()

    alice.page.click(".rate-undo")

    alice.page.wait_for_function("([top, token]) => document.querySelector(top)?.dataset.token === token", arg=[TOP, first])
    assert first != second


def test_a_reload_deals_the_same_cards(alice: Visitor) -> None:
    alice.press("ArrowRight")
    before = alice.wait_for_photo()

    alice.reload()

    assert alice.wait_for_photo() == before


def test_a_held_key_does_not_rate_photos_that_nobody_saw(alice: Visitor) -> None:
    alice.wait_for_photo()

    alice.page.evaluate(
        """for (let i = 0; i < 5; i++)
            document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true, cancelable: true, repeat: i > 0}))"""
    )

    alice.wait_until_rated(1)


def test_a_whole_round_by_keyboard_alone(alice: Visitor) -> None:
    alice.wait_for_photo()
    alice.page.keyboard.press("Tab")  # skip link
    alice.page.keyboard.press("Enter")
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "z"):
        alice.press(key)
    assert alice.page.evaluate("document.activeElement.id") == "cards"  # the focus stays on the photos
    alice.wait_until_rated(3)
    alice.page.keyboard.press("?")
    assert alice.page.is_visible("#help")
    alice.page.keyboard.press("Escape")

    assert not alice.page.is_visible("#help")


def test_a_whole_round_by_buttons_alone(alice: Visitor) -> None:
    for value in ("like", "love", "dislike", "skip"):
        alice.click_rating(value)
    alice.page.click(".rate-undo")

    alice.wait_until_rated(3)


def test_shortcuts_can_be_turned_off(alice: Visitor) -> None:
    before = alice.wait_for_photo()
    alice.page.click("#help-open")
    alice.page.uncheck("#shortcuts-on")
    alice.page.click("#help-close")

    alice.page.keyboard.press("ArrowRight")
    alice.page.keyboard.press("?")

    assert alice.wait_for_photo() == before
    assert not alice.page.is_visible("#help")
    assert alice.rated() == 0


def test_arrow_keys_do_not_rate_after_moving_to_the_ranking_by_keyboard(alice: Visitor) -> None:
    before = alice.wait_for_photo()
    alice.ranking()
    alice.page.keyboard.press("Tab")
    alice.page.focus("#tiles li:first-child button")

    alice.page.keyboard.press("ArrowRight")

    assert alice.wait_for_photo() == before


def test_arrow_keys_rate_after_a_look_at_the_ranking_by_mouse(alice: Visitor) -> None:
    alice.wait_for_photo()
    alice.ranking()
    alice.page.click("#tiles li:first-child button")
    alice.page.keyboard.press("Escape")
    alice.page.click(".segments label:nth-of-type(3)")

    alice.press("ArrowRight")

    alice.wait_until_rated(1)
    assert alice.page.is_checked('[name="ranking-of"][value="everyone"]')


def test_ratings_are_announced_to_screen_readers(alice: Visitor) -> None:
    alice.press("ArrowUp")

    assert "Loved. 1 photo rated. You can undo this." in alice.page.locator("[data-announce]").all_inner_texts()


def test_the_welcome_hint_disappears_with_the_first_rating(alice: Visitor) -> None:
    alice.page.wait_for_selector("#welcome", state="visible")
    alice.press("ArrowRight")
    assert not alice.page.is_visible("#welcome")

    alice.reload()
    alice.wait_for_photo()

    assert not alice.page.is_visible("#welcome")


def test_after_the_last_photo_the_best_three_are_shown(alice: Visitor) -> None:
    alice.rate_elsewhere(alice.get("/api/v1/deck")["photos"]["ready"] - 3)
    alice.rate_all()

    assert "You’ve rated them all" in alice.page.inner_text("#deck-notice")
    alice.page.wait_for_selector(".notice-fan img")
    assert alice.page.is_disabled('[data-rate="like"]')


def test_viewing_time_and_modality_are_sent(alice: Visitor) -> None:
    alice.wait_for_photo()
    # The page's clock starts two frames after the photo is there.
    alice.page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    alice.page.wait_for_timeout(400)

    with alice.page.expect_request(lambda request: request.url.endswith("/api/v1/ratings")) as sent:
        alice.press("ArrowRight")

    rating = sent.value.post_data_json
    assert 300 < rating["on_screen_ms"] < 60_000
    assert rating["modality"] == "key"
