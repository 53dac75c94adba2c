"""Concurrent deck requests from several threads on the real PostgreSQL: each one takes effect once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connection

from ratings.deck.services import Recorded, deal, record_rating, undo_rating
from ratings.errors import RatingError
from ratings.models import Presentation, Rater, RatingEvent
from ratings.photos.scopes import CATALOGUE
from ratings.ranking.services import store_fit
from ratings.raters.services import make_guest
from tests.guests import current_projection, make_photos

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def at_once(actions: list[Callable[[], object]]) -> list[object]:
    """Run all actions at the same moment, each on its own connection; return the result or the error name of each."""
    start = Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        connection.ensure_connection()
        start.wait()
        try:
            return action()
        except RatingError as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))


@pytest.fixture
def alice() -> UUID:
    make_photos(30)
    return make_guest().id


def rating(alice: UUID, token: UUID, client_id: UUID, value: int) -> Callable[[], object]:
    return lambda: record_rating(rater_id=alice, token=token, client_id=client_id, value=value)


def test_the_same_rating_sent_eight_times_at_once_is_stored_once(alice):
    token, client_id = deal(rater_id=alice, scope=CATALOGUE, count=5)[0].token, uuid4()
    recorded = at_once([rating(alice, token, client_id, 3)] * THREADS)
    assert Counter(reply.created for reply in recorded) == {True: 1, False: THREADS - 1}
    assert {reply.ratings_seq for reply in recorded} == {1}
    assert RatingEvent.objects.count() == 1
    assert Rater.objects.get(id=alice).ratings_seq == 1


def test_one_of_several_concurrent_ratings_of_a_card_is_accepted(alice):
    token = deal(rater_id=alice, scope=CATALOGUE, count=5)[0].token
    replies = at_once([rating(alice, token, uuid4(), 1 + number % 3) for number in range(THREADS)])
    winners = [reply for reply in replies if isinstance(reply, Recorded)]
    assert (len(winners), Counter(reply for reply in replies if isinstance(reply, str))) == (1, {"UsedCard": THREADS - 1})
    assert Presentation.objects.get(token=token).value == RatingEvent.objects.get().value
    assert Rater.objects.get(id=alice).ratings_seq == 1


def test_concurrent_ratings_of_different_cards_get_consecutive_numbers(alice):
    cards = deal(rater_id=alice, scope=CATALOGUE, count=THREADS)
    at_once([rating(alice, card.token, uuid4(), 2) for card in cards])
    assert sorted(RatingEvent.objects.values_list("seq", flat=True)) == list(range(1, THREADS + 1))


def test_concurrent_deck_requests_get_the_same_cards(alice):
    decks = at_once([lambda: [card.token for card in deal(rater_id=alice, scope=CATALOGUE, count=5)]] * THREADS)
    assert all(deck == decks[0] for deck in decks)
    assert Presentation.objects.count() == 5


def test_concurrent_undos_each_undo_one_rating(alice):
    for card in deal(rater_id=alice, scope=CATALOGUE, count=5):
        record_rating(rater_id=alice, token=card.token, client_id=uuid4(), value=2)
    replies = at_once([lambda: undo_rating(rater_id=alice, client_id=uuid4())] * THREADS)
    assert Counter(type(reply).__name__ for reply in replies) == {"Undone": 5, "str": 3}
    assert Presentation.objects.filter(rated_at=None).count() == 5


def test_the_same_undo_sent_eight_times_at_once_undoes_one_rating(alice):
    for card in deal(rater_id=alice, scope=CATALOGUE, count=5):
        record_rating(rater_id=alice, token=card.token, client_id=uuid4(), value=2)
    client_id = uuid4()
    at_once([lambda: undo_rating(rater_id=alice, client_id=client_id)] * THREADS)
    assert Presentation.objects.filter(rated_at=None).count() == 1


def test_the_newest_of_several_concurrent_fits_is_kept(alice):
    projection = current_projection()
    store = [
        lambda seq=seq: store_fit(
            rater_id=alice, projection=projection, ratings_seq=seq, weights=[float(seq)] * 256, covariance=b"", accuracy=None
        )
        for seq in range(1, THREADS + 1)
    ]
    at_once(store)
    fit = Rater.objects.get(id=alice).fit
    assert (fit.ratings_seq, next(iter(fit.weights))) == (THREADS, float(THREADS))
