"""The ranking updates live: by push, by polling and after a restart. Each rater sees their own."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext

from tests.browser.stack import Stack
from tests.browser.visitor import Visitor


def test_the_ranking_moves_after_every_swipe(alice: Visitor) -> None:
    alice.wait_until_live()
    before, version = alice.ranking(), alice.version()

    alice.press("ArrowUp")
    alice.wait_for_ranking_after(version)
    between, version = alice.ranking(), alice.version()
    alice.press("ArrowLeft")
    alice.wait_for_ranking_after(version)

    assert between != before
    assert alice.ranking() != between
    assert alice.places_with_changes() > 0


def test_two_raters_see_their_own_rankings(alice: Visitor, bob: Visitor) -> None:
    alice.wait_until_live()
    bob.wait_until_live()
    start, version = bob.ranking(), alice.version()

    alice.press("ArrowUp")
    alice.wait_for_ranking_after(version)

    assert alice.ranking() != start
    assert bob.ranking() == start


def test_two_windows_of_one_rater_move_together(alice: Visitor) -> None:
    alice.wait_until_live()
    other = alice.context.new_page()
    other.goto(alice.address)
    other.wait_for_function("() => document.documentElement.dataset.connection === 'live'")
    version = alice.version()

    alice.press("ArrowUp")
    alice.wait_for_ranking_after(version)

    other.wait_for_function("v => Number(document.querySelector('#ranking-panel').dataset.version) > v", arg=version)


def without_websockets(context: BrowserContext) -> None:
    context.add_init_script("window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({}), 5); } close() {} send() {} }")


def test_where_websockets_are_blocked_the_ranking_still_moves(visit: Callable[..., Visitor]) -> None:
    alice = visit(prepare=without_websockets)
    alice.wait_for_connection("polling")
    before, version = alice.ranking(), alice.version()

    alice.press("ArrowUp")
    alice.wait_for_ranking_after(version)

    assert alice.ranking() != before
    assert alice.page.inner_text("#connection-text") == "Delayed updates"


def test_after_a_restart_of_the_server_the_page_catches_up(visit: Callable[..., Visitor], stack: Stack) -> None:
    alice = visit(expects_errors=True)
    alice.wait_until_live()
    alice.press("ArrowRight")
    alice.wait_until_rated(1)
    alice.wait_until_fitted(1)
    version = alice.version()
    alice.wait_for_photos()
    stack.stop_web()
    try:
        alice.page.wait_for_function("() => document.documentElement.dataset.connection !== 'live'")
        alice.press("ArrowUp")
        alice.page.wait_for_selector("#unsynced", state="visible")
    finally:
        stack.start_web()

    alice.wait_until_live()
    alice.wait_until_rated(2)
    alice.wait_for_ranking_after(version)
    alice.page.wait_for_selector("#unsynced", state="hidden")


def test_a_push_that_is_older_than_the_page_is_dropped(alice: Visitor) -> None:
    alice.wait_until_live()

    shown = alice.page.evaluate(
        """async () => {
            const { Ranking } = await import('/static/ranking/ranking.js');
            const ranking = new Ranking();
            const top = (id) => [{ id, place: 1, was: 1, score: 0 }];
            const rest = { accuracy: null, total: 1, active_model: null };
            const message = (version, id) => ({ version, ratings_seq: version, top: top(id), ...rest });
            ranking.receive(message(5, 50), true);
            ranking.receive(message(4, 40));
            ranking.receive(message(5, 51));
            return [ranking.version, ranking.top[0].id];
        }"""
    )

    assert shown == [5, 50]


def test_a_missed_version_is_fetched(alice: Visitor) -> None:
    alice.wait_until_live()

    with alice.page.expect_request("**/api/v1/ranking?of=me*"):
        alice.page.evaluate(
            """async () => {
                const { Ranking } = await import('/static/ranking/ranking.js');
                const ranking = new Ranking();
                const message = (version) => ({ version, ratings_seq: version, accuracy: null, total: 0, active_model: null, top: [] });
                ranking.receive(message(1), true);
                ranking.receive(message(3));
            }"""
        )


def test_more_places_are_shown_on_request(alice: Visitor) -> None:
    alice.wait_for_photo()
    assert len(alice.ranking()) == 50

    alice.page.click("#more")

    alice.page.wait_for_function("() => document.querySelectorAll('#tiles li').length === 60")
    assert len(set(alice.ranking())) == 60


def test_everyones_ranking_shows_the_raters_own_places(alice: Visitor) -> None:
    alice.wait_until_live()
    version = alice.version()
    alice.press("ArrowUp")
    alice.wait_for_ranking_after(version)

    alice.page.check('[name="ranking-of"][value="everyone"]', force=True)

    alice.page.wait_for_selector("#tiles .tile-other:not(:empty)")
    assert alice.page.locator("#tiles .tile-other").first.inner_text().startswith("You: #")


def test_you_and_everyone_are_side_by_side(alice: Visitor) -> None:
    alice.wait_until_live()
    alice.ranking()

    alice.page.check('[name="ranking-of"][value="both"]', force=True)

    alice.page.wait_for_selector(".compare-column[data-of=everyone] li:nth-child(12)")
    assert alice.page.locator(".compare-column[data-of=me] li").count() == 12
    assert alice.page.locator(".compare-lines path:not(.line-out)").count() == 12  # without ratings, both are the same


def test_a_photo_of_the_ranking_opens_large_with_both_places(alice: Visitor) -> None:
    alice.ranking()
    alice.page.click("#tiles li:nth-child(2) button")

    alice.page.wait_for_selector("#viewer[open]")
    alice.page.wait_for_selector("#viewer .viewer-comparison")
    facts = alice.page.inner_text("#viewer-facts")
    assert "#2" in facts
    assert "CC0-1.0" in facts
    alice.page.keyboard.press("ArrowRight")
    alice.page.wait_for_function("() => document.querySelector('#viewer-facts').innerText.includes('#3')")
    alice.page.keyboard.press("Escape")
    assert alice.rated() == 0


def test_on_a_phone_a_dot_shows_that_the_ranking_moved(visit: Callable[..., Visitor]) -> None:
    alice = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    alice.wait_until_live()
    version = alice.version()
    assert not alice.page.is_visible("#ranking-panel")

    alice.press("ArrowUp")
    alice.wait_for_ranking_after(version)
    alice.page.wait_for_selector("#ranking-tab[data-moved]")
    alice.page.click("#ranking-tab")

    assert alice.page.is_visible("#ranking-panel")
    assert not alice.page.is_visible("#deck-panel")
    assert alice.page.get_attribute("#ranking-tab", "data-moved") is None


def test_tiles_glide_and_with_less_motion_only_fade(visit: Callable[..., Visitor]) -> None:
    kinds = {}
    for motion in ("no-preference", "reduce"):
        alice = visit(reduced_motion=motion)
        alice.wait_until_live()
        alice.page.evaluate(
            """() => {
                window.played = [];
                const play = Element.prototype.animate;
                Element.prototype.animate = function (frames, timing) {
                    if (this.closest('#tiles')) window.played.push(...frames.flatMap((frame) => Object.keys(frame)));
                    return play.call(this, frames, timing);
                };
            }"""
        )
        version = alice.version()
        alice.press("ArrowUp")
        alice.wait_for_ranking_after(version)
        alice.page.wait_for_function("() => window.played.length > 0")
        kinds[motion] = set(alice.page.evaluate("window.played"))

    assert "transform" in kinds["no-preference"]
    assert kinds["reduce"] == {"opacity"}
