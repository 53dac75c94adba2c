"""Bringing photos in a browser and taking them home, at the width of a phone and of a desktop."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, WebSocket, expect

from ratings.photos import xmp
from tests.browser.stack import Stack
from tests.browser.stock import picture
from tests.browser.visitor import Visitor
from tests.photos import making

WAIT_MS = 60_000
WIDTHS = pytest.mark.parametrize("width", [390, 1280])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of nine photos in four formats, one below another folder, one with stars beside it; an empty file, a text, and what systems
    leave behind."""
    root = tmp_path_factory.mktemp("sea") / "Sea"
    (root / "second day").mkdir(parents=True)
    for number in range(6):
        place = root / ("second day" if number == 5 else ".") / f"IMG_{number}.jpg"
        Image.open(io.BytesIO(picture("teal", number))).save(place, "JPEG")
    (root / "IMG_6.heic").write_bytes(making.encoded(making.scene(seed=6), "HEIF"))
    (root / "IMG_7.avif").write_bytes(making.encoded(making.scene(seed=7), "AVIF"))
    (root / "IMG_8.dng").write_bytes(making.dng(making.scene(320, 240)))
    (root / "IMG_2.jpg.xmp").write_bytes(xmp.with_stars(None, xmp.Stars(5, xmp.RATED)))
    (root / "empty.jpg").touch()
    (root / "notes.jpg").write_text("Not a photo.")
    (root / ".DS_Store").write_bytes(b"x")
    return root


def new_album(visitor: Visitor, name: str) -> Page:
    page, live = visitor.page, list[WebSocket]()
    visitor.wait_until_live()
    page.goto(f"{visitor.address}/albums/")
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _: live.append(socket)))
    page.fill("#album-name", name)
    page.press("#album-name", "Enter")
    page.wait_for_selector("#bring[data-busy]")  # by its script
    visitor.wait_until(lambda: live, "the album's socket received nothing")  # left earlier, it would log a warning
    return page


def expect_sentence(page: Page, text: str) -> None:
    expect(page.locator("#bring-sentence")).to_contain_text(text, timeout=WAIT_MS)


@WIDTHS
def test_a_folder_is_brought_and_what_is_no_photo_is_listed_until_dismissed(
    visit: Callable[..., Visitor], folder: Path, width: int
) -> None:
    page = new_album(visit(viewport={"width": width, "height": 800}), "Sea")
    page.set_input_files("#bring-folder", folder)
    expect_sentence(page, "9 photos are here.")
    expect(page.locator("#bring-reasons")).to_contain_text("The file is empty.")
    expect(page.locator("#bring-reasons")).to_contain_text("This is not a photo that can be read.", timeout=WAIT_MS)
    expect(page.locator("#grid .tile")).to_have_count(9, timeout=WAIT_MS)
    expect(page.locator("#stars-text")).to_contain_text("1 photo came with stars.", timeout=WAIT_MS)
    assert "200 in all" in page.inner_text("#bring-room-text")
    assert "deleted on" in page.inner_text("#bring-room-text")

    page.click("#bring-dismiss")
    expect(page.locator("#bring-problems")).to_be_hidden()
    page.reload()
    page.set_input_files("#bring-folder", folder)
    expect_sentence(page, "9 were here already.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@WIDTHS
def test_a_folder_is_dropped_a_photo_pasted_and_one_that_changes_meanwhile_left_out(
    visit: Callable[..., Visitor], tmp_path: Path, width: int
) -> None:
    below = tmp_path / "Sea" / "first day"
    below.mkdir(parents=True)
    for place, number in ((below.parent / "one.png", 21), (below / "two.png", 22), (tmp_path / "changing.png", 23)):
        place.write_bytes(picture("violet", number))
    (below / ".hidden.png").write_bytes(b"x")
    visitor = visit(expects_errors=True, viewport={"width": width, "height": 800})
    page = new_album(visitor, "Ways")
    # A drop that the browser itself makes: scripts cannot make one that has folders.
    drop = {"items": [], "files": [str(below.parent)], "dragOperationsMask": 1}
    devtools = visitor.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": drop})
    expect_sentence(page, "2 photos are here.")
    page.evaluate(
        """(bytes) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([new Uint8Array(bytes)], 'pasted.png', {type: 'image/png'}));
            dispatchEvent(new ClipboardEvent('paste', {clipboardData}));
        }""",
        list(picture("violet", 24)),
    )
    expect_sentence(page, "3 photos are here.")

    def change(route):
        (tmp_path / "changing.png").write_bytes(picture("violet", 25) * 2)
        route.fallback()

    visitor.context.route("**/api/v1/uploads/known", change)  # after its hash was taken
    page.set_input_files("#bring-photos", tmp_path / "changing.png")
    expect(page.locator("#bring-reasons")).to_contain_text("The file changed or is gone since you chose it.", timeout=WAIT_MS)
    expect(page.locator("#grid .tile")).to_have_count(3, timeout=WAIT_MS)


def test_a_photo_is_dropped_among_ten_thousand_empty_files(visit: Callable[..., Visitor]) -> None:
    page = new_album(visit(), "Dropped")
    page.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            for (let n = 0; n < 10000; n++) data.items.add(new File([], `${n}.jpg`, {type: 'image/jpeg'}));
            data.items.add(new File([new Uint8Array(bytes)], 'dropped.png', {type: 'image/png'}));
            const options = {dataTransfer: data, cancelable: true};
            for (const type of ['dragenter', 'dragover', 'drop']) dispatchEvent(new DragEvent(type, options));
        }""",
        list(picture("gold", 1)),
    )
    expect_sentence(page, "1 photo is here.")
    expect(page.locator("#bring-reasons summary")).to_have_text("10,000 files: The file is empty.")


def test_a_folder_that_two_tabs_bring_at_once_is_there_once(visit: Callable[..., Visitor], folder: Path) -> None:
    visitor = visit(expects_errors=True)  # what both send at once is refused to one of them: 409 or 423
    one = new_album(visitor, "Twice")
    other = visitor.context.new_page()
    other.goto(one.url)
    other.wait_for_selector("#bring")
    for page in (one, other):
        page.set_input_files("#bring-folder", folder)
    for page in (one, other):
        expect(page.locator("#grid .tile")).to_have_count(9, timeout=WAIT_MS)
        expect(page.locator("#bring-sentence")).not_to_contain_text("sent", timeout=WAIT_MS)
    assert len(visitor.get(f"/api/v1/albums/{one.url.split('/')[-2]}/photos")["photos"]) == 9


@WIDTHS
def test_a_pause_and_a_lost_connection_go_on_where_they_stopped(visit: Callable[..., Visitor], folder: Path, width: int) -> None:
    visitor = visit(expects_errors=True, viewport={"width": width, "height": 800})
    page, context = new_album(visitor, "Lost"), visitor.context
    cut = []

    def lose(route):
        cut.append(route.request.method)
        route.abort("connectionfailed") if len(cut) <= 3 else route.fallback()

    context.route("**/uploads/*-*", lose)  # the first three pieces are lost
    page.set_input_files("#bring-photos", [folder / f"IMG_{number}.jpg" for number in range(3)])
    expect_sentence(page, "3 photos are here.")
    assert len(cut) > 3
    context.unroute("**/uploads/*-*")

    held = []
    context.route("**/uploads/*-*", lambda route: held.append(route))  # nothing comes through while somebody looks
    page.set_input_files("#bring-photos", [folder / "IMG_3.jpg", folder / "IMG_4.jpg"])
    expect_sentence(page, "3 of 5 sent")
    visitor.wait_until(lambda: held, "no piece of a file was sent")
    page.click("#bring-pause")
    expect_sentence(page, "Paused: 3 of 5 sent")
    context.unroute("**/uploads/*-*")  # and what was held fails
    page.click("#bring-pause")
    expect_sentence(page, "5 photos are here.")


def test_photos_chosen_before_the_scripts_come_are_brought(visit: Callable[..., Visitor], folder: Path) -> None:
    visitor = visit()
    page, held = new_album(visitor, "Early"), []
    visitor.context.route("**/uploads/bring*.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.set_input_files("#bring-photos", [folder / f"IMG_{number}.jpg" for number in range(2)])
    visitor.wait_until(lambda: held, "no script was asked for")
    held.pop().continue_()
    expect_sentence(page, "2 photos are here.")


def test_photos_are_called_here_only_once_the_server_has_said_so(visit: Callable[..., Visitor], folder: Path) -> None:
    visitor = visit()
    page, asked, held = new_album(visitor, "Sent"), [], []
    expect(page.locator("#bring-room")).to_be_visible()  # the page has asked once, and knows of no photo that waits

    def hold(route):
        asked.append(route)
        held.append(route) if len(asked) > 1 else route.continue_()  # the first asks for the room that is left

    visitor.context.route("**/api/v1/uploads?album=*", hold)
    page.set_input_files("#bring-photos", [folder / f"IMG_{number}.jpg" for number in range(2)])
    expect_sentence(page, "2 photos are being prepared")
    visitor.context.unroute("**/api/v1/uploads?album=*")
    while held:
        held.pop().continue_()
    expect_sentence(page, "2 photos are here.")


@WIDTHS
def test_photos_beyond_the_quota_are_left_out_with_the_numbers_before_they_are_sent_and_come_once_there_is_room(
    visit: Callable[..., Visitor], stack: Stack, folder: Path, width: int
) -> None:
    visitor = visit(viewport={"width": width, "height": 800})
    page = new_album(visitor, "Full")
    rater = page.evaluate("JSON.parse(document.getElementById('page-config').textContent).rater")
    others = stack.step("brought", rater, 198)
    page.set_input_files("#bring-photos", [folder / f"IMG_{number}.jpg" for number in range(4)])
    expect_sentence(page, "2 photos are here.")
    expect(page.locator("#bring-reasons")).to_contain_text("2 files: A guest can bring 200 photos. Make an account to bring more.")
    # Photos that are deleted for good make room.
    (token,) = [each["value"] for each in visitor.context.cookies() if each["name"] == "csrftoken"]
    for address in ("bin", "bin/purge"):
        asked = {"data": {"photos": others}, "headers": {"X-CSRFToken": token}}
        assert visitor.context.request.post(f"{visitor.address}/api/v1/{address}", **asked).json() == {"count": 198}
    uploads = f"/api/v1/uploads?album={page.url.split('/')[-2]}"
    visitor.wait_until(lambda: visitor.get(uploads)["room"]["photos"] <= 2, "the room says nothing of the photos that are gone")
    page.click("#bring-retry")
    expect_sentence(page, "4 photos are here.")
    expect(page.locator("#bring-problems")).to_be_hidden()


@WIDTHS
def test_photos_are_taken_home_in_a_zip_with_stars(visit: Callable[..., Visitor], folder: Path, width: int) -> None:
    page = new_album(visit(viewport={"width": width, "height": 800}), "Home")
    page.set_input_files("#bring-photos", [folder / f"IMG_{number}.jpg" for number in range(3)])
    expect_sentence(page, "3 photos are here.")
    page.click("#home-open")
    page.fill("[data-stars='5']", "50")
    expect(page.locator("#home-sum")).to_contain_text("140 per cent")
    expect(page.locator("#home-begin")).to_be_disabled()
    page.fill("[data-stars='3']", "0")
    page.click("#home-begin")
    expect(page.locator("#home-sentence")).to_contain_text("3 photos are packed.", timeout=WAIT_MS)
    with page.expect_download() as started:
        page.click("#home-link")
    with zipfile.ZipFile(started.value.path()) as packed:
        assert {"IMG_0.jpg", "IMG_1.jpg", "IMG_2.jpg", "pav.csv"} == set(packed.namelist())
        assert packed.testzip() is None
        assert all(b"xmp:Rating" in packed.read(f"IMG_{number}.jpg") for number in range(3))
