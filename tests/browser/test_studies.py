"""Taking part in a study in a real browser, from the consent to the link back; other ends; researchers' pages; axe on each."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from pav_site.simulation.in_browser import SHOWN
from tests.browser.stack import Stack
from tests.browser.taker import Taker
from tests.browser.test_accessibility import findings
from tests.studies.designs import design, written

CHOICE = {"id": "task", "kind": "choice", "text": "What do you judge?", "options": ["Beauty", "Fame"]}
WHOLE = {
    "practice_count": 1,
    "questions_before": [{"set": "age_gender"}],
    "comprehension": {"questions": [CHOICE | {"correct": 1}]},
    "questions_after": [{"id": "remarks", "kind": "text", "text": "Anything else?", "required": False}],
    "debriefing": "We study taste.",
    "trials__checks": [{"text": "Please choose 2 here.", "value": 2, "after": 2}],
    "trials__undo": True,
    "entry": {"prolific": {"codes": {"completed": "C1ABCDEF"}}},
    "photo_count": 3,
}

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDTHS: tuple[tuple[str, dict[str, Any]], ...] = (("desktop", {}), ("phone", PHONE))


@pytest.fixture
def arrive(browser: Browser, stack: Stack) -> Iterator[Callable[..., Taker]]:
    takers = []

    def open_as_new(**options: Any) -> Taker:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en", **options})
        takers.append(Taker(context, stack.address))
        return takers[-1]

    yield open_as_new
    for taker in takers:
        taker.context.close()
    assert [taker.errors for taker in takers if taker.errors] == []


def make(stack: Stack, slug: str, **changes: Any) -> str:
    """A study; returns a session of its researcher."""
    return str(stack.step("studies", slug, changes))


def sign_in(taker: Taker, session: str) -> None:
    taker.context.add_cookies([{"name": "sessionid", "value": session, "url": taker.address}])


def table(taker: Taker, slug: str, name: str = "trials.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(taker.context.request.get(f"{taker.address}/studies/{slug}/files/{name}").text())))


def test_the_whole_way_by_keyboard_and_by_touch_with_a_reload(stack: Stack, arrive: Callable[..., Taker]) -> None:
    session = make(stack, "whole", **WHOLE)
    found: dict[str, list[str]] = {}
    for who, options in WIDTHS:
        taker = arrive(**options)
        page = taker.page

        def look(state: str, taker: Taker = taker, who: str = who) -> None:
            found[f"{state}, {who}"] = findings(taker)  # type: ignore[arg-type]

        def answer(value: int, taker: Taker = taker, who: str = who) -> None:
            if who == "desktop":
                taker.press(str(value))
                return
            place = taker.wait_for_trial()
            taker.page.tap(f'[data-value="{value}"]')
            taker.wait_after(place)

        taker.go(f"/study/whole/?PROLIFIC_PID={who}&SESSION_ID=s-{who}")
        look("consent")
        taker.agree()
        look("questions")
        page.fill("#age", "many")
        taker.next()
        assert "Please write a number" in page.inner_text("main")
        page.fill("#age", "40")
        taker.next()
        look("instructions")
        taker.next()
        answer(4)
        taker.finish_practice()
        page.check('[name=task][value="2"]')
        taker.next()
        assert "another try" in page.inner_text("main")
        look("comprehension")
        page.check('[name=task][value="1"]')
        taker.next()
        answer(1)
        look("trial")
        page.click("#undo")
        page.wait_for_selector('#trial[data-place="1"][data-state=shown]')
        answer(5)
        answer(3)
        assert "Please choose 2 here." in page.inner_text("#stage")
        look("check")
        page.reload()
        taker.wait_for_trial()
        assert "3 of 7" in page.inner_text("#progress-text")
        answer(2)
        answer(1)
        assert page.is_visible("#break")
        look("break")
        page.reload()
        page.wait_for_selector("#break:not([hidden])")
        page.click("#break-over")
        for _trial in range(3):
            answer(4)
        page.fill("#remarks", "Nice.")
        taker.next()
        taker.next()
        look("done")
        assert page.get_attribute("#to-prolific", "href") == "https://app.prolific.com/submissions/complete?cc=C1ABCDEF"
    researcher = arrive()
    sign_in(researcher, session)
    rows = table(researcher, "whole")
    assert [row["phase"] for row in rows[:9]] == ["practice", "main", "main", "main", "check", *["main"] * 4]
    assert [row["undone"] for row in rows[:9]] == ["0", "1", *["0"] * 7]
    assert [row["input_kind"] for row in rows] == ["key"] * 9 + ["touch"] * 9
    times = [[float(row[name]) for name in ("shown_ms", "first_input_ms", "answer_ms")] for row in rows]
    assert all(shown < first <= answered for shown, first, answered in times)
    assert all(row["shown_width"] and row["derivative"] for row in rows if row["phase"] != "check")
    assert {row["viewport_width"] for row in rows} == {"1280", "390"}
    kinds = [row["kind"] for row in table(researcher, "whole", "events.csv")]
    assert sorted(kinds) == ["break"] * 2 + ["resume"] * 4 + ["undo"] * 2
    assert [row["state"] for row in table(researcher, "whole", "participants.csv")] == ["completed"] * 2
    for path in ("/studies/", "/studies/whole/", "/studies/whole/design/", "/studies/whole/participants/"):
        researcher.go(path)
        found[path] = findings(researcher)  # type: ignore[arg-type]
    assert {state: problems for state, problems in found.items() if problems} == {}


@pytest.mark.parametrize(("who", "options"), WIDTHS)
def test_a_researcher_makes_a_study_previews_opens_and_downloads_it_by_clicks(
    stack: Stack, arrive: Callable[..., Taker], who: str, options: dict[str, Any]
) -> None:
    slug = f"clicks-{who}"
    researcher, participant = arrive(**options), arrive(**options)
    sign_in(researcher, make(stack, f"other-{who}", state="draft"))
    page = researcher.page
    researcher.go("/studies/")
    page.fill("#slug", slug)
    researcher.open_by("main [type=submit]")
    photos = re.findall(r"sha256: ([0-9a-f]{64})", page.input_value("#text"))[:2]
    text = written(design(photos, slug=slug, trials__blocks=[{"name": "a"}]))
    for draft, said in ((text.replace("title:", "titel:"), "titel: this key is unknown"), (text, "The design is sound.")):
        page.fill("#text", draft)
        researcher.open_by("main [type=submit]")
        assert said in page.inner_text("main")
    researcher.open_by(f"main a[href='/studies/{slug}/']")

    def take_part(taker: Taker) -> None:
        taker.agree()
        taker.next()
        taker.press("2")
        place = taker.wait_for_trial()
        taker.page.evaluate("document.querySelector('[data-value=\"4\"]').click()")  # as a screen reader does: no pointer comes down
        taker.wait_after(place)
        taker.page.wait_for_selector("#withdrawal-code")

    researcher.open_by("[name=to][value=preview]")
    researcher.open_by(".research-link a")
    assert "Preview" in page.inner_text("header")
    take_part(researcher)
    researcher.go(f"/studies/{slug}/")
    researcher.open_by("[name=to][value=open]")
    participant.page.goto(page.inner_text(".research-link a"))
    take_part(participant)
    page.reload()
    with page.expect_download() as download:
        page.click("main a[href$='/files/trials.csv']")
    with download.value.path().open() as file:
        rows = list(csv.DictReader(file))
    assert [row["value"] for row in rows] == ["2", "4"]
    assert all(row["first_input_ms"] for row in rows)


def test_a_swipe_is_timed_and_answers_wait_out_a_lost_connection_and_a_pause(stack: Stack, arrive: Callable[..., Taker]) -> None:
    session = make(stack, "swipes", scale={"kind": "swipe"}, trials__blocks=[{"name": "a"}], trials__minimum_seconds=0.2, photo_count=5)
    taker, researcher = arrive(), arrive()
    sign_in(researcher, session)
    researcher.go("/studies/swipes/")
    taker.go("/study/swipes/")
    taker.agree()
    taker.next()
    place = taker.wait_for_trial()
    box = taker.page.locator(".trial-photo").bounding_box()
    assert box
    taker.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    taker.page.mouse.down()
    taker.page.mouse.move(box["x"] + box["width"] / 2 + 600, box["y"] + box["height"] / 2, steps=8)
    taker.page.mouse.up()
    taker.wait_after(place)
    taker.page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    researcher.open_by("[name=to][value=paused]")
    taker.press("ArrowLeft")
    taker.page.wait_for_selector("#unsaved:not([hidden])")
    researcher.open_by("[name=to][value=open]")
    taker.page.wait_for_selector("#unsaved", state="hidden")
    taker.page.route("**/api/v1/studies/swipes/trials", lambda route: route.abort())
    taker.press("ArrowLeft")
    taker.press("ArrowUp")
    taker.press("ArrowRight")
    assert taker.page.is_disabled("#go-on-button")  # not before everything is saved
    taker.page.unroute("**/api/v1/studies/swipes/trials")
    taker.page.wait_for_selector("#withdrawal-code")
    rows = table(researcher, "swipes")
    assert [row["value"] for row in rows] == ["2", "1", "1", "3", "2"]
    assert all(float(row["answer_ms"]) - float(row["shown_ms"]) >= 200 for row in rows)
    assert float(rows[0]["swipe_start_ms"]) < float(rows[0]["swipe_release_ms"]) == float(rows[0]["answer_ms"])
    taker.errors = [error for error in taker.errors if "ERR_FAILED" not in error and "status of 503" not in error]


def test_a_second_tab_is_refused_kindly_and_can_take_over(stack: Stack, arrive: Callable[..., Taker]) -> None:
    make(stack, "tabs")
    first = arrive()
    first.go("/study/tabs/")
    first.agree()
    first.next()
    first.press("3")
    second = Taker(first.context, first.address)
    second.go("/study/tabs/run/")
    second.page.wait_for_selector("#elsewhere:not([hidden])")
    second.page.click("#go-on-here")
    second.press("4")
    first.page.wait_for_selector("#elsewhere:not([hidden])")
    assert second.errors == []


def test_a_trial_page_whose_scripts_do_not_come_offers_to_open_it_again(stack: Stack, arrive: Callable[..., Taker]) -> None:
    make(stack, "scripts")
    taker = arrive(**PHONE)
    taker.go("/study/scripts/")
    taker.agree()
    taker.page.route("**/studies/outbox*.js", lambda route: route.abort())  # one part is enough
    taker.next()
    taker.page.wait_for_selector("#trial")
    assert taker.page.evaluate(SHOWN) == ""
    taker.page.evaluate("() => document.getAnimations().forEach((one) => one.finish())")
    assert taker.page.evaluate(SHOWN) == "late"
    taker.page.unroute("**/studies/outbox*.js")

    taker.page.click("#late a")

    taker.press("3")
    assert not taker.page.is_visible("#late")
    taker.errors = [error for error in taker.errors if "ERR_FAILED" not in error]


def test_a_preview_in_japanese_is_the_researchers_alone_and_counts_nothing(stack: Stack, arrive: Callable[..., Taker]) -> None:
    texts = {"title": {"en": "Sunsets", "ja": "夕日"}, "consent__text": {"en": "We study.", "ja": "研究します。"}}
    labels = {"scale__labels": {1: {"en": "ugly", "ja": "美しくない"}, 5: {"en": "beautiful", "ja": "美しい"}}}
    shown = {"languages": ["en", "ja"], "trials__blocks": [{"name": "a"}], "questions_before": [{"set": "age_gender"}], **texts, **labels}
    session = make(stack, "preview", state="preview", photo_count=2, **shown)
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "locale": "ja"}
    taker, stranger = arrive(**phone), arrive()
    sign_in(taker, session)
    page = taker.page
    taker.go("/study/preview/")
    assert page.get_attribute("html", "lang") == "ja"
    assert "研究します。" in page.inner_text("main")
    taker.agree()
    assert "年齢を教えてください" in page.inner_text("main")
    taker.next()
    assert page.inner_text("h1") == "していただくこと"
    taker.next()
    taker.wait_for_trial()
    assert page.inner_text("#progress-text") == "1 / 2"
    assert "プレビュー" in page.inner_text(".trial-progress")
    taker.press("2")
    taker.press("4")
    page.wait_for_selector("#withdrawal-code")
    assert "ありがとう" in page.inner_text("h1")
    response = stranger.page.goto(f"{stranger.address}/study/preview/")
    assert response
    assert response.status == 404
    assert table(taker, "preview") == table(taker, "preview", "participants.csv") == []
    assert "/participants/" in page.goto(f"{taker.address}/studies/preview/participants/").url  # type: ignore[union-attr]
    assert page.locator("tbody tr").count() == 0


def test_screen_out_and_a_device_that_the_study_does_not_admit_end_kindly(stack: Stack, arrive: Callable[..., Taker]) -> None:
    codes = {"completed": "C1", "screened_out": "S1"}
    question = CHOICE | {"screen_out": [2]}
    session = make(stack, "desk", devices=["desktop"], questions_before=[question], entry={"link": False, "prolific": {"codes": codes}})
    phone = arrive(viewport={"width": 390, "height": 844}, screen={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.go("/study/desk/?PROLIFIC_PID=p1")
    phone.page.wait_for_selector("#wrong-device:not([hidden])")
    assert phone.page.is_hidden("#consent")
    desktop = arrive()
    desktop.go("/study/desk/?PROLIFIC_PID=p2")
    desktop.agree()
    desktop.page.check('[name=task][value="2"]')
    desktop.next()
    assert "Thank you for your interest" in desktop.page.inner_text("h1")
    assert str(desktop.page.get_attribute("#to-prolific", "href")).endswith("?cc=S1")
    found = {"device": findings(phone), "screened out": findings(desktop)}  # type: ignore[arg-type]
    desktop.go("/study/desk/run/")
    assert desktop.page.locator("#trial").count() == 0
    researcher = arrive()
    sign_in(researcher, session)
    (row,) = table(researcher, "desk", "participants.csv")
    assert (row["state"], row["counts_for_target"]) == ("screened_out", "0")
    assert {state: problems for state, problems in found.items() if problems} == {}


def test_closed_full_declined_and_withdrawn_end_kindly(stack: Stack, arrive: Callable[..., Taker]) -> None:
    session = make(stack, "full", participants={"places": 1}, trials__blocks=[{"name": "a"}], photo_count=1)
    researcher = arrive()
    sign_in(researcher, session)
    for _who, options in WIDTHS:
        one, two = arrive(**options), arrive(**options)
        two.go("/study/full/")
        two.open_by("[value=decline]")
        assert "nothing was saved" in two.page.inner_text("main")
        one.go("/study/full/")
        one.agree()
        one.next()
        one.press("3")
        code = one.page.inner_text("#withdrawal-code")
        two.go("/study/full/")
        two.agree()
        assert "This study is full" in two.page.inner_text("main")
        two.go("/study/full/withdraw/")
        two.page.fill("#code", code)
        two.open_by("main .button")
        assert "You have withdrawn" in two.page.inner_text("main")
        two.go("/study/full/")
        two.agree()
        assert "What to do" in two.page.inner_text("main")
        own = two.page.inner_text("footer b")  # it is there from the first step on
        two.open_by("footer a")
        two.page.fill("#code", own)
        two.open_by("main .button")
        assert "You have withdrawn" in two.page.inner_text("main")
    researcher.go("/studies/full/")
    researcher.open_by("[name=to][value=closed]")
    late = arrive(**PHONE)
    late.go("/study/full/")
    assert "This study is closed" in late.page.inner_text("main")
