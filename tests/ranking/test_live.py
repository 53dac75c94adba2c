"""Live ranking end to end, with the real web server, PostgreSQL, Celery worker and websocket."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

import httpx
import numpy as np
import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from benchmarks.stack import PATIENCE_SECONDS, Swiper, running
from personalize.numerics.metrics import srocc
from tests.ranking import planted

PHOTOS = 200


@pytest.fixture(scope="module")
def stack() -> Iterator[str]:
    with running(PHOTOS, "from tests.ranking.planted import fill; fill({count})") as (address, _):
        yield address


def with_raters(address: str, visit: Callable[..., Awaitable[None]], count: int = 1) -> None:
    """Run a visit with `count` raters, each with a session, a deck and an open websocket."""

    async def run_visit() -> None:
        raters = [Swiper(address) for _ in range(count)]
        try:
            for rater in raters:
                await rater.arrive()
            await visit(*raters)
        finally:
            for rater in raters:
                await rater.leave()

    asyncio.run(run_visit())


async def until(rater: Swiper, condition: Callable[[dict], bool]) -> dict:
    """The first pushed ranking that meets the condition."""
    async with rater.seen:
        await asyncio.wait_for(rater.seen.wait_for(lambda: bool(rater.latest) and condition(rater.latest)), PATIENCE_SECONDS)
        return rater.latest


async def send_all(socket: websockets.ClientConnection, messages: list[str | bytes]) -> None:
    """Send all messages, then wait for one reply."""
    for message in messages:
        await socket.send(message)
    await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS)


def planted_rater() -> Callable[[int], str]:
    liking = planted.liking(PHOTOS)
    low, high = np.quantile(liking, [1 / 3, 2 / 3])
    return lambda photo: "dislike" if liking[photo - 1] < low else "love" if liking[photo - 1] > high else "like"


async def agreement(rater: Swiper, of: str = "me") -> float:
    """Rank correlation of a rater's ranking of all photos with the planted taste."""
    top = (await rater.http.get(f"/api/v1/ranking?limit=500&of={of}")).json()["top"]
    liking = planted.liking(PHOTOS)
    return srocc(np.array([photo["score"] for photo in top]), np.array([liking[photo["id"] - 1] for photo in top]))


def test_the_ranking_approaches_the_taste_of_the_rater(stack):
    async def visit(alice: Swiper) -> None:
        choose, agreements = planted_rater(), []
        for _ in range(3):
            for _ in range(15):
                await alice.swipe(choose)
            agreements.append(await agreement(alice))
        assert await agreement(alice, "everyone") < 0 < agreements[0] < agreements[-1]
        assert agreements[-1] > 0.8
        assert alice.latest["accuracy"]["low"] > 0

    with_raters(stack, visit)


def test_each_rating_pushes_a_new_version_with_the_previous_places(stack):
    async def visit(alice: Swiper) -> None:
        first = await until(alice, lambda ranking: True)
        assert (first["version"], first["ratings_seq"], first["accuracy"]) == (0, 0, None)
        assert [photo["place"] for photo in first["top"]] == list(range(1, 51))
        before = first
        for number, value in enumerate(["dislike", "love", "dislike"], start=1):
            await alice.swipe(lambda _photo, value=value: value)
            ranking = await until(alice, lambda ranking, number=number: ranking["ratings_seq"] == number)
            assert ranking["version"] == number
            assert any(photo["was"] != photo["place"] for photo in ranking["top"])
            places = {photo["id"]: photo["place"] for photo in before["top"]}
            assert all(photo["was"] == places[photo["id"]] for photo in ranking["top"] if photo["id"] in places)
            before = ranking

    with_raters(stack, visit)


def test_a_rater_never_receives_the_ranking_of_another_rater(stack):
    async def visit(alice: Swiper, bob: Swiper) -> None:
        await until(bob, lambda ranking: True)
        for _ in range(5):
            await alice.swipe(lambda _photo: "love")
        await bob.swipe(lambda _photo: "dislike")  # his own push arrives after all of hers
        assert {seq for seq, _ in bob.rankings} == {0, 1}

    with_raters(stack, visit, count=2)


def test_every_open_page_of_a_rater_receives_the_ranking(stack):
    async def visit(alice: Swiper) -> None:
        async with alice.another_page() as second:
            assert json.loads(await second.recv())["version"] == 0
            await alice.swipe(lambda _photo: "love")
            assert json.loads(await asyncio.wait_for(second.recv(), PATIENCE_SECONDS))["version"] == 1

    with_raters(stack, visit)


def test_a_page_that_reconnects_receives_the_latest_ranking(stack):
    async def visit(alice: Swiper) -> None:
        await alice.swipe(lambda _photo: "love")
        async with alice.another_page() as second:
            assert json.loads(await second.recv())["ratings_seq"] == 1

    with_raters(stack, visit)


def test_ratings_faster_than_fits_end_in_a_ranking_of_all_of_them(stack):
    async def visit(alice: Swiper) -> None:
        cards = (await alice.http.get("/api/v1/deck")).json()["cards"]
        alice.cards = [(card["token"], card["photo"]["id"]) for card in cards]
        await asyncio.gather(*(alice.swipe(lambda _photo: "like") for _ in cards))
        last = await until(alice, lambda ranking: ranking["ratings_seq"] == len(cards))
        assert last["version"] <= len(cards)

    with_raters(stack, visit)


def test_undoing_every_rating_restores_the_generic_ranking(stack):
    async def visit(alice: Swiper) -> None:
        generic = await until(alice, lambda ranking: True)
        await alice.swipe(lambda _photo: "dislike")
        await alice.http.delete("/api/v1/ratings/last", headers=alice.headers)
        last = await until(alice, lambda ranking: ranking["ratings_seq"] == 2)
        assert [photo["id"] for photo in last["top"]] == [photo["id"] for photo in generic["top"]]

    with_raters(stack, visit)


def test_a_ping_is_answered(stack):
    async def visit(alice: Swiper) -> None:
        async with alice.another_page() as socket:
            await socket.recv()
            await socket.send('{"type": "ping"}')
            assert json.loads(await socket.recv()) == {"type": "pong"}

    with_raters(stack, visit)


@pytest.mark.parametrize("sent", [["x" * 300], ["{}"] * 30, [b"\x00"]])
def test_a_socket_that_sends_too_much_is_closed(stack, sent):
    async def visit(alice: Swiper) -> None:
        async with alice.another_page() as socket:
            await socket.recv()
            with pytest.raises(ConnectionClosed) as closed:
                await send_all(socket, sent)
            assert closed.value.rcvd.code == 4429

    with_raters(stack, visit)


@pytest.mark.parametrize("sent", ["", "null", "[]", '{"type": "rate", "value": "love"}', "\u0000"])
def test_other_socket_messages_are_ignored(stack, sent):
    async def visit(alice: Swiper) -> None:
        async with alice.another_page() as socket:
            await socket.recv()
            await socket.send(sent)
            await socket.send('{"type": "ping"}')
            assert json.loads(await socket.recv()) == {"type": "pong"}

    with_raters(stack, visit)


def test_a_socket_without_a_session_is_refused(stack):
    async def visit() -> None:
        async with websockets.connect(stack.replace("http", "ws") + "/ws/taste/", origin=stack, open_timeout=PATIENCE_SECONDS) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd.code == 4401

    asyncio.run(visit())


@pytest.mark.parametrize("origin", ["https://evil.example", None])
def test_a_socket_from_another_site_is_refused(stack, origin):
    async def visit(alice: Swiper) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await alice.another_page(origin=origin)
        assert refused.value.response.status_code == 403

    with_raters(stack, visit)


def test_the_health_check_passes(stack):
    health = httpx.get(f"{stack}/healthz", timeout=PATIENCE_SECONDS)
    assert (health.status_code, health.json()["ok"]) == (200, True)
