"""What an older version of the page left in a browser stays valid: ratings that wait to be sent, and the visitor's choices."""

from uuid import uuid4

from tests.browser.visitor import Visitor

# The database and the entries exactly as the first version of the page writes them.
WRITE_ENTRIES = """(entries) => new Promise((resolve, reject) => {
    indexedDB.deleteDatabase('pav');
    const opening = indexedDB.open('pav', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('outbox', { keyPath: 'order', autoIncrement: true });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
        const transaction = opening.result.transaction('outbox', 'readwrite');
        for (const entry of entries) transaction.objectStore('outbox').add(entry);
        transaction.oncomplete = () => { opening.result.close(); resolve(); };
    };
})"""
COUNT_ENTRIES = """() => new Promise((resolve) => {
    const opening = indexedDB.open('pav', 1);
    opening.onsuccess = () => {
        const counting = opening.result.transaction('outbox').objectStore('outbox').count();
        counting.onsuccess = () => { opening.result.close(); resolve(counting.result); };
    };
})"""


def leave_the_page(visitor: Visitor) -> None:
    """Open an address of the same origin that runs none of the page's scripts."""
    visitor.wait_until_live()
    visitor.page.route("**/blank", lambda route: route.fulfill(content_type="text/html", body='<link rel="icon" href="data:,">'))
    visitor.page.goto(f"{visitor.address}/blank")


def test_ratings_of_an_older_page_are_sent(alice: Visitor) -> None:
    alice.wait_for_photo()
    first, second, third = (card["token"] for card in alice.get("/api/v1/deck")["cards"][:3])
    leave_the_page(alice)
    alice.page.evaluate(
        WRITE_ENTRIES,
        [
            {"kind": "set", "client_id": str(uuid4()), "token": first, "value": "love", "on_screen_ms": 1200, "modality": "touch"},
            {"kind": "set", "client_id": str(uuid4()), "token": second, "value": "dislike", "on_screen_ms": 700, "modality": "key"},
            {"kind": "undo", "client_id": str(uuid4()), "token": second},
            {"kind": "set", "client_id": str(uuid4()), "token": third, "value": "skip", "on_screen_ms": 0},
        ],
    )
    with alice.page.expect_response(lambda response: third in (response.request.post_data or "")) as last:
        alice.open()

    assert last.value.json() == {"ratings_seq": 4}
    alice.wait_until_rated(2)
    assert alice.wait_for_photo() == second  # the rating that was taken back
    assert alice.page.evaluate(COUNT_ENTRIES) == 0


def test_choices_of_an_older_page_are_kept(alice: Visitor) -> None:
    alice.wait_for_photo()
    leave_the_page(alice)
    alice.page.evaluate(
        "Object.entries({'pav-theme': 'dark', 'pav-shortcuts': 'off', 'pav-knows-the-gestures': 'yes'})"
        ".forEach(([key, value]) => localStorage.setItem(key, value))"
    )
    alice.open()
    before = alice.wait_for_photo()

    assert alice.page.get_attribute("html", "data-theme") == "dark"
    assert not alice.page.is_visible("#welcome")
    alice.page.keyboard.press("ArrowRight")
    assert alice.wait_for_photo() == before
