"""Albums: two scopes in two tabs, culling by keys and by touch, the best of, the large view, the bin; and axe-core."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.stack import Stack
from tests.browser.test_accessibility import findings
from tests.browser.visitor import Visitor

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
PATIENCE_MS = 60_000
SHOWN = """() => [...document.querySelectorAll('.tile')].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet)
    .map((tile) => Number(tile.id.slice(6)))"""


@dataclass
class Albums:
    """A visitor with an album, on its page."""

    visitor: Visitor
    id: str

    @property
    def page(self) -> Page:
        return self.visitor.page

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.visitor.address}/albums/{self.id}/{path}")
        self.page.wait_for_selector(".tile, .card[data-ready], #album-empty:not([hidden])")

    def shown(self) -> list[int]:
        return list(self.page.evaluate(SHOWN))

    def values(self) -> dict[int, int | None]:
        found = self.visitor.get(f"/api/v1/albums/{self.id}/opinions")
        return dict(zip(found["ids"], found["values"], strict=True))

    def wait_for_values(self, **wanted: int) -> None:
        """Until the server has these numbers of ratings: `picked`, `liked`, `rejected`."""

        def counted() -> dict[str, int]:
            values = list(self.values().values())
            return {"picked": values.count(3), "liked": values.count(2), "rejected": values.count(1)}

        self.visitor.wait_until(lambda: counted() == {"picked": 0, "liked": 0, "rejected": 0} | wanted, f"the values are not {wanted}")

    def wait_for_best(self, ratings: int) -> None:
        """Until the page shows the best of the album after these ratings, with the sliders where they are at first."""
        ranking = f"/api/v1/ranking?album={self.id}&limit=1"
        self.visitor.wait_until(lambda: self.visitor.get(ranking)["ratings_seq"] == ratings, f"no ranking has {ratings} ratings")
        stacks = self.visitor.get(f"/api/v1/albums/{self.id}/best?count=50&fold=0.5&variety=0")["stacks"]
        self.page.wait_for_function(
            f"(best) => {{ const shown = ({SHOWN})(); return shown.length && String(shown) === String(best.slice(0, shown.length)); }}",
            arg=[leader for leader, *_ in stacks],
        )

    def view(self, which: str) -> None:
        self.page.evaluate(f"document.querySelector('[name=view][value={which}]').click()")


@pytest.fixture
def albums(visit: Callable[..., Visitor], stack: Stack) -> Callable[..., Albums]:
    def with_album(**options: object) -> Albums:
        visitor = visit(**options)
        visitor.wait_until_live()
        rater = visitor.page.evaluate("JSON.parse(document.getElementById('page-config').textContent).rater")
        return Albums(visitor, str(stack.step("album_stock", rater, "Sea & sky")))

    return with_album


@SIZES
def test_two_tabs_have_a_scope_each_and_one_taste(albums: Callable[..., Albums], size: dict) -> None:
    tab = albums(**size)
    tab.open("rate/")
    own = set(tab.values())
    tab.visitor.wait_until_live()
    catalogue = tab.visitor.context.new_page()
    catalogue.goto(tab.visitor.address)
    catalogue.wait_for_selector('.card[data-depth="0"][data-ready]')
    for key in ("ArrowUp", "ArrowLeft", "ArrowRight"):
        tab.visitor.press(key)
    tab.visitor.wait_until_fitted(3)
    # What the album taught has moved the other tab's ranking, by a push.
    catalogue.wait_for_function("() => Number(document.querySelector('#ranking-panel').dataset.version) > 0")
    others = set(catalogue.eval_on_selector_all("#tiles li", "tiles => tiles.map((tile) => Number(tile.dataset.photo))"))
    assert set(tab.visitor.ranking()) == own
    assert others.isdisjoint(own)
    assert tab.page.text_content("#rated-count") == "3 photos rated"
    assert catalogue.text_content("#rated-count") == ""
    tab.visitor.reload()
    assert tab.visitor.photo_on_top() in own
    # Undo takes back what was rated last in this scope, also after a reload.
    before = tab.values()
    tab.visitor.wait_until_live()
    tab.page.keyboard.press("z")
    tab.visitor.wait_until_fitted(4)
    assert [photo for photo, value in before.items() if value != tab.values()[photo]] == [tab.visitor.photo_on_top()]
    # On the grid too: what was rated last in another scope stays.
    tab.open()
    picked = next(photo for photo in tab.shown() if tab.values()[photo] is None)
    tab.page.locator(f"#photo-{picked}").scroll_into_view_if_needed()
    with tab.page.expect_response("**/api/v1/ratings/picked"):
        tab.page.locator(f"#photo-{picked}").click(position={"x": 90, "y": 90})
        tab.page.keyboard.press("p")
    with catalogue.expect_response("**/api/v1/ratings"):
        catalogue.keyboard.press("ArrowRight")
    for _ in range(2):  # first the one of this page, then the last one of the album
        with tab.page.expect_response("**/api/v1/ratings/last*"):
            tab.page.keyboard.press("z")
    assert tab.values()[picked] is None
    assert sum(value is not None for value in tab.values().values()) == 1
    assert tab.visitor.get("/api/v1/deck")["rated"] == 1


def test_a_stranger_gets_the_page_that_says_there_is_none(albums: Callable[..., Albums], visit: Callable[..., Visitor]) -> None:
    album, bob = albums(), visit(expects_errors=True)
    replies = [bob.context.request.get(f"{bob.address}/albums/{album.id}/{path}") for path in ("", "rate/")]
    assert [reply.status for reply in replies] == [404, 404]
    address = f"{bob.address.replace('http', 'ws')}/ws/taste/?album={album.id}"
    code = bob.page.evaluate("(address) => new Promise((done) => (new WebSocket(address).onclose = ({code}) => done(code)))", address)
    assert code == 4404


@SIZES
def test_a_grid_is_culled_and_the_best_of_follows(albums: Callable[..., Albums], size: dict) -> None:
    tab = albums(**size)
    tab.open()
    first, second, third = tab.shown()[:3]
    tab.page.focus("#grid")
    for key in ("p", "x", "2"):
        tab.page.keyboard.press(key)
    tab.wait_for_values(picked=1, rejected=1, liked=1)
    assert {photo: value for photo, value in tab.values().items() if value} == {first: 3, second: 1, third: 2}
    tab.view("best")
    tab.page.wait_for_function(f"() => document.querySelectorAll('.tile').length && !document.querySelector('#photo-{second}')")
    best = tab.shown()
    assert best[0] == first  # a pick comes first, a reject is out
    tab.wait_for_best(ratings=3)  # else a photo may move under the pointer
    # A stack opens side by side; each decision is a rating each way.
    assert tab.page.locator(".tile-check[data-stack^='+']").count() >= 1
    tab.page.locator(".tile:has(.tile-check[data-stack^='+'])").first.click()
    tab.page.wait_for_selector("#decide[open]")
    tab.page.click("#decide-right")
    tab.page.keyboard.press("Escape")
    tab.visitor.wait_until(lambda: list(tab.values().values()).count(1) == 2, "the decision rejected no photo")
    tab.page.keyboard.press("z")  # the last rating of the decision
    tab.page.wait_for_selector("#toast .toast")


@SIZES
def test_photos_are_selected_binned_and_brought_back(albums: Callable[..., Albums], size: dict) -> None:
    tab = albums(**size)
    tab.open()
    chosen = tab.shown()[:3]
    tab.page.focus("#grid")
    tab.page.keyboard.press("Space")
    tab.page.keyboard.press("Shift+ArrowRight")
    tab.page.keyboard.press("Shift+ArrowRight")
    assert tab.page.text_content("#selection-count") == "3 selected"
    tab.page.click("[data-act=bin]")
    tab.page.wait_for_function(f"() => !document.querySelector('#photo-{chosen[0]}')")
    assert tab.page.text_content("#album-count") == "21 photos"
    assert set(tab.values()).isdisjoint(chosen)
    tab.page.goto(f"{tab.visitor.address}/albums/bin/")
    tab.page.wait_for_selector(".tile")
    assert set(tab.shown()) == set(chosen)
    tab.page.locator(".tile").first.click()
    tab.page.locator(".tile").nth(1).click()
    tab.page.click("[data-act=restore]")
    tab.page.wait_for_function("() => document.querySelectorAll('.tile').length === 1")
    assert len(set(tab.values()) & set(chosen)) == 2
    # The last one is deleted for good, after a question.
    if size is PHONE:
        asks = "#bin-empty"
    else:
        asks = "[data-act=purge]"
        tab.page.locator(".tile").first.click()
    tab.page.click(asks)
    tab.page.click("#purge [value='']")
    tab.page.wait_for_selector("#purge", state="hidden")
    tab.page.click(asks)
    tab.page.click("#purge [value=yes]")
    expect(tab.page.locator("#toast")).to_contain_text("1 photo is deleted for good.", timeout=PATIENCE_MS)
    expect(tab.page.locator("#album-empty")).to_be_visible()
    assert tab.visitor.get("/api/v1/bin")["photos"] == []


def test_an_album_is_changed_shown_by_its_best_and_shares_photos_with_another(albums: Callable[..., Albums]) -> None:
    tab = albums()
    tab.open()
    page = tab.page
    page.click("#album-rename")
    page.fill("#rename-name", "Holiday")
    page.uncheck("#rename-originals")
    page.click("#rename [value=yes]")
    expect(page.locator("#album-title")).to_have_text("Holiday")
    chosen = tab.shown()[2]
    page.locator(f"#photo-{chosen} .tile-check").click()
    page.click("[data-act=cover]")
    expect(page.locator("#toast")).to_contain_text("This is the album’s cover now.", timeout=PATIENCE_MS)
    stored = tab.visitor.get(f"/api/v1/albums/{tab.id}")
    assert (stored["name"], stored["keeps_originals"], stored["cover"]["id"]) == ("Holiday", False, chosen)

    page.click("[data-act=add]")
    expect(page.locator("#add-none")).to_be_visible()
    page.click("#add [value='']")
    swiping = tab.visitor.context.new_page()
    swiping.goto(f"{tab.visitor.address}/albums/")
    swiping.fill("#album-name", "Best")
    swiping.press("#album-name", "Enter")
    swiping.wait_for_selector("#bring")
    other = swiping.url.split("/")[-2]
    page.click("[data-act=add]")
    page.get_by_role("button", name="Best", exact=True).click()
    expect(page.locator("#toast")).to_contain_text("1 photo is now in that album too.", timeout=PATIENCE_MS)
    assert [photo["id"] for photo in tab.visitor.get(f"/api/v1/albums/{other}/photos")["photos"]] == [chosen]

    # The best of follows the sliders, and what another tab rates.
    tab.view("best")
    page.wait_for_selector(".tile-check[data-stack^='+']")
    with page.expect_response("**/best?count=5&fold=0&variety=1"):
        for name, value in (("count", 5), ("fold", 0), ("variety", 1)):
            page.locator(f"#best-{name}").fill(str(value))
    leaders = [stack[0] for stack in tab.visitor.get(f"/api/v1/albums/{tab.id}/best?count=5&fold=0&variety=1")["stacks"]]
    assert len(leaders) == 5
    page.wait_for_function(f"(leaders) => JSON.stringify(({SHOWN})()) === JSON.stringify(leaders)", arg=leaders)
    swiping.goto(f"{tab.visitor.address}/albums/{tab.id}/rate/")
    swiping.wait_for_selector('[data-connection="live"] .card[data-depth="0"][data-ready]')
    loved = swiping.get_attribute('.card[data-depth="0"]', "data-photo")
    swiping.keyboard.press("ArrowUp")
    page.wait_for_function("(id) => document.querySelector(`#photo-${id}`)?.ariaPosInSet === '1'", arg=loved)


@SIZES
def test_a_photo_opens_large_is_zoomed_rated_and_left_by_keys(albums: Callable[..., Albums], size: dict) -> None:
    tab = albums(**size)
    tab.open()
    first, second = tab.shown()[:2]
    tab.page.locator(f"#photo-{first}").click(position={"x": 90, "y": 90})
    image = "#lightbox-photo img"
    tab.page.wait_for_selector(image)
    assert tab.page.text_content("#lightbox-count") == "1 / 24"
    tab.page.click("#lightbox-photo")
    assert tab.page.get_attribute("#lightbox-photo", "data-zoomed") == ""
    tab.page.click("#lightbox-photo")
    assert tab.page.get_attribute("#lightbox-photo", "data-zoomed") is None
    for start, end, place in ((0.8, 0.2, 2), (0.2, 0.8, 1)):  # swipes, there and back
        width = size["viewport"]["width"]
        tab.page.mouse.move(width * start, 300)
        tab.page.mouse.down()
        tab.page.mouse.move(width * end, 300, steps=3)
        tab.page.mouse.up()
        expect(tab.page.locator("#lightbox-count")).to_have_text(f"{place} / 24")
    tab.page.keyboard.press("p")  # rates, and goes on
    assert tab.page.text_content("#lightbox-count") == "2 / 24"
    tab.page.click('#lightbox [data-value="1"]')
    tab.wait_for_values(picked=1, rejected=1)
    assert (tab.values()[first], tab.values()[second]) == (3, 1)
    tab.page.keyboard.press("Escape")
    assert tab.page.evaluate("document.activeElement.id") == "grid"


def test_a_busy_server_is_asked_again_and_what_goes_in_another_tab_goes_here(albums: Callable[..., Albums]) -> None:
    tab = albums(expects_errors=True)
    late = [503]

    def answer(route: Route) -> None:
        route.fulfill(status=late.pop()) if late else route.fallback()

    tab.page.route(f"**/api/v1/albums/{tab.id}/photos", answer)
    tab.open()
    other = tab.visitor.context.new_page()
    other.goto(tab.page.url)
    other.wait_for_selector(".tile")
    gone = tab.shown()[0]
    other.focus("#grid")
    other.keyboard.press("Delete")
    tab.page.wait_for_function(f"() => !document.querySelector('#photo-{gone}')")
    tab.page.wait_for_function("() => document.querySelector('#album-count').textContent === '23 photos'")


def test_a_photo_that_has_gone_meanwhile_is_refused_with_a_sentence_and_the_rest_goes_on(
    albums: Callable[..., Albums], stack: Stack
) -> None:
    tab = albums(expects_errors=True)
    tab.open()
    gone, *stay = tab.shown()[:3]
    stack.step("rows", "Photo", {"id": gone}, {"binned_at": "2026-11-01T00:00:00Z"})
    tab.page.focus("#grid")
    for key in (" ", "Shift+ArrowRight", "Shift+ArrowRight", "x"):
        tab.page.keyboard.press(key)
    expect(tab.page.locator("#toast")).to_contain_text("This photo isn’t here any more.", timeout=PATIENCE_MS)
    tab.page.wait_for_function(f"() => !document.querySelector('#photo-{gone}')")
    tab.wait_for_values(rejected=2)
    assert {tab.values()[photo] for photo in stay} == {1}


@SIZES
def test_axe_finds_nothing_on_pages_of_albums(albums: Callable[..., Albums], size: dict) -> None:
    tab = albums(**size)
    found = {}
    tab.open()
    tab.page.wait_for_timeout(300)
    found["grid"] = findings(tab.visitor)
    tab.page.focus("#grid")
    tab.page.keyboard.press("Space")
    found["selected"] = findings(tab.visitor)
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Enter")
    found["large"] = findings(tab.visitor)
    tab.page.keyboard.press("Escape")
    tab.view("best")
    tab.page.wait_for_selector(".tile-check[data-stack^='+']")
    found["best of"] = findings(tab.visitor)
    tab.page.locator(".tile:has(.tile-check[data-stack^='+'])").first.click()
    found["decide"] = findings(tab.visitor)
    tab.page.keyboard.press("Escape")
    for path in ("", "bin/"):
        tab.page.goto(f"{tab.visitor.address}/albums/{path}")
        found[f"albums/{path}"] = findings(tab.visitor)
    assert {name: problems for name, problems in found.items() if problems} == {}
