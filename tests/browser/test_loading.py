"""What the page loads, and in which order: the photo in view first, in a size that fits the screen."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from benchmarks import page as benchmark
from tests.browser.stack import Stack
from tests.browser.visitor import PATIENCE_MS, TOP, Visitor

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CHOSEN = """() => {
    const image = new Image();
    image.sizes = document.querySelector('#cards').dataset.sizes;
    image.srcset = [320, 640, 960, 1280].map((width) => `/nothing-here/${width} ${width}w`).join(', ');
    document.body.append(image);
    return new Promise((chosen) => image.addEventListener('error', () => chosen(image.currentSrc.split('/').pop())));
}"""
# Photos, and the list of those in the ranking.
LOADED = r"""performance.getEntriesByType('resource').filter((entry) => /^\/(api\/v1\/)?photos/.test(new URL(entry.name).pathname))
    .map((entry) => ({ name: entry.name, start: entry.startTime, end: entry.responseEnd }))"""


def test_the_first_photo_needs_no_script(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(stack.address)

    photo = page.locator(".first-photo img")
    page.wait_for_load_state()
    assert photo.is_visible()
    assert photo.get_attribute("alt")
    shown = int(str(photo.get_attribute("data-photo")))
    assert shown == context.request.get(f"{stack.address}/api/v1/deck").json()["cards"][0]["photo"]["id"]
    context.close()


def test_the_first_card_takes_over_the_photo_of_the_page(visit: Callable[..., Visitor]) -> None:
    asked: list[str] = []

    def prepare(context: BrowserContext) -> None:
        # No ranking comes: its tile of the same photo is another file, and would be counted.
        context.add_init_script("window.WebSocket = class { close() {} send() {} }")
        context.on("request", lambda request: asked.append(request.url))

    alice = visit(prepare=prepare)
    alice.wait_for_photo()

    photo = alice.page.get_attribute(f"{TOP} .card-photo", "data-photo")  # only the image of the page has it
    assert photo
    assert alice.page.locator(".first-photo").count() == 0
    assert len([url for url in asked if f"/photos/{photo}/" in url]) == 1


def test_a_reload_with_an_unsent_rating_shows_the_next_photo(visit: Callable[..., Visitor]) -> None:
    alice = visit(expects_errors=True)
    first = alice.wait_for_photo()
    alice.page.route("**/api/v1/ratings", lambda route: route.abort())
    alice.press("ArrowRight")
    second = alice.wait_for_photo()
    alice.page.on("dialog", lambda dialog: dialog.accept())

    alice.page.reload()  # the server does not know yet that the first photo is rated, and puts it into the page again

    assert alice.wait_for_photo() == second != first
    assert alice.page.locator(".first-photo").count() == 0


def test_a_page_whose_scripts_do_not_come_offers_to_open_it_again(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(**PHONE)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.route("**/page/app*.js", lambda route: route.abort())
    page.goto(stack.address)
    assert not page.is_visible(".late")  # it comes after ten seconds
    page.evaluate("() => document.getAnimations().forEach((one) => one.finish())")
    assert page.is_visible(".late")

    page.unroute("**/page/app*.js")
    page.click(".late a")

    page.wait_for_selector("html[data-started]")
    page.evaluate("() => document.getAnimations().forEach((one) => one.finish())")
    assert not page.is_visible(".late")
    context.close()


def test_the_first_photo_comes_before_other_photos_and_the_ranking(alice: Visitor) -> None:
    alice.wait_until_live()
    alice.ranking()
    alice.page.wait_for_function(f"() => {LOADED}.length > 2")

    first, *others = sorted(alice.page.evaluate(f"() => {LOADED}"), key=lambda entry: float(entry["start"]))

    photo = alice.page.get_attribute(".card-photo[data-photo]", "data-photo")
    assert f"/photos/{photo}/" in first["name"]
    assert [entry for entry in others if entry["start"] < first["end"]] == []


def test_the_page_names_every_script_that_it_loads(visit: Callable[..., Visitor]) -> None:
    scripts: set[str] = set()
    alice = visit(
        prepare=lambda context: context.on(
            "request", lambda request: scripts.add(request.url) if request.resource_type == "script" else None
        )
    )
    alice.wait_until_live()
    named = alice.page.eval_on_selector_all("link[rel=modulepreload], script[src]", "nodes => nodes.map((node) => node.href || node.src)")

    assert scripts == set(named)
    imported = alice.page.evaluate("performance.getEntriesByType('resource').filter((r) => r.name.endsWith('.js')).map((r) => r.name)")
    assert set(imported) == set(named)


@pytest.mark.parametrize(
    ("options", "width"),
    [
        (PHONE | {"device_scale_factor": 3}, 960),
        (PHONE | {"device_scale_factor": 2}, 960),
        ({"viewport": {"width": 1280, "height": 800}}, 640),
        ({"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 2}, 1280),
    ],
    ids=["phone, 3 pixels", "phone, 2 pixels", "wide", "wide, 2 pixels"],
)
def test_a_card_gets_the_file_that_fits_the_screen(visit: Callable[..., Visitor], options: dict[str, Any], width: int) -> None:
    alice = visit(**options, expects_errors=True)
    alice.wait_for_photo()

    assert alice.page.evaluate(CHOSEN) == str(width)


def test_the_benchmark_of_the_page_runs(browser: Browser, stack: Stack) -> None:
    visit = benchmark.visit(browser, stack.address, swipes=2)
    seconds, size = benchmark.photo_alone(browser, stack.address, visit.largest)

    assert set(visit.sizes) >= {"HTML", "styles", "scripts", "images"}
    assert 0 < visit.card <= visit.ready
    assert visit.event > 0
    assert seconds > 0
    assert size > 0
