"""Deck requests over HTTP: deal, rate, resend, skip and undo."""

from uuid import uuid4

import pytest

from ratings.models import Fit, Photo, Presentation, Rater, RatingEvent
from ratings.ranking.selectors import generic_weights


def test_a_rating_is_stored_with_its_time_on_screen_and_modality(alice):
    card = alice.deck()[0]
    reply = alice.rate(card["token"], "love", on_screen_ms=1200, modality="key")
    assert (reply.status_code, reply.json()) == (201, {"ratings_seq": 1})
    event = RatingEvent.objects.get()
    assert (event.value, event.on_screen_ms, event.modality, str(event.rater_id)) == (3, 1200, "key", alice.id)


def test_a_resent_rating_is_stored_once(alice):
    card, same = alice.deck()[0], str(uuid4())
    first, again = alice.rate(card["token"], "like", same), alice.rate(card["token"], "like", same)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert RatingEvent.objects.count() == 1
    assert Rater.objects.get(id=alice.id).ratings_seq == 1


def test_a_client_id_with_a_different_rating_is_refused(alice):
    card, same = alice.deck()[0], str(uuid4())
    alice.rate(card["token"], "like", same)
    refused = alice.rate(card["token"], "love", same)
    assert refused.status_code == 422
    assert "client id" in refused.json()["detail"]
    assert RatingEvent.objects.count() == 1


def test_a_rated_card_cannot_be_rated_again(alice):
    card = alice.deck()[0]
    alice.rate(card["token"])
    refused = alice.rate(card["token"], "dislike")
    assert (refused.status_code, "already" in refused.json()["detail"]) == (409, True)
    assert Rater.objects.get(id=alice.id).ratings_seq == 1


def test_a_rater_cannot_rate_the_card_of_another_rater(alice, bob):
    card = bob.deck()[0]
    assert alice.rate(card["token"]).status_code == 404
    assert RatingEvent.objects.count() == 0


def test_an_unknown_token_is_refused_with_a_sentence(alice):
    refused = alice.rate(str(uuid4()))
    assert refused.status_code == 404
    assert refused.json()["detail"] == "This photo is not in your deck. Reload the page to get your photos."


@pytest.mark.parametrize("body", [{"value": "hate"}, {"on_screen_ms": -1}, {"modality": "telepathy"}, {"client_id": "7"}])
def test_an_invalid_rating_is_refused_and_not_stored(alice, body):
    card = alice.deck()[0]
    whole = {"client_id": str(uuid4()), "token": card["token"], "value": "like"} | body
    refused = alice.browser.post("/api/v1/ratings", whole, content_type="application/json", headers=alice.headers())
    assert refused.status_code == 422
    assert RatingEvent.objects.count() == 0


def test_reload_deals_the_same_cards(alice):
    assert alice.deck() == alice.deck()


def test_a_photo_is_never_dealt_twice(alice):
    seen = []
    while cards := alice.deck():
        seen.append(cards[0]["photo"]["id"])
        alice.rate(cards[0]["token"])
    assert len(seen) == len(set(seen)) == 30


def test_the_deck_is_empty_when_every_photo_is_rated(alice):
    while cards := alice.deck():
        alice.rate(cards[0]["token"], "skip")
    deck = alice.get("/api/v1/deck").json()
    assert len(deck.pop("last_rated")) == 20
    assert deck == {"cards": [], "rated": 30, "photos": {"ready": 30, "total": 30, "updated": None}}


def test_undo_makes_the_card_the_first_of_the_deck_again(alice):
    first, second = alice.deck()[:2]
    alice.rate(first["token"], "dislike")
    alice.rate(second["token"], "love")
    undone = alice.undo()
    assert (undone.status_code, undone.json()["ratings_seq"], undone.json()["card"]["token"]) == (200, 3, second["token"])
    assert alice.deck()[0]["token"] == second["token"]
    assert [(event.kind, event.value) for event in RatingEvent.objects.order_by("seq")] == [("set", 1), ("set", 3), ("undo", 3)]


def test_undo_reaches_back_to_the_first_rating(alice):
    first, second = alice.deck()[:2]
    alice.rate(first["token"])
    alice.rate(second["token"], "skip")
    assert [alice.undo().json()["card"]["token"] for _ in range(2)] == [second["token"], first["token"]]
    nothing = alice.undo()
    assert (nothing.status_code, nothing.json()["detail"]) == (404, "There is no rating to undo.")


def test_a_resent_undo_undoes_one_rating(alice):
    for card in alice.deck()[:2]:
        alice.rate(card["token"])
    same = str(uuid4())
    assert [alice.undo(same).status_code, alice.undo(same).status_code] == [200, 200]
    assert Presentation.objects.filter(rated_at__isnull=False).count() == 1


def test_an_undone_card_can_be_rated_again(alice):
    card = alice.deck()[0]
    alice.rate(card["token"], "dislike")
    alice.undo()
    assert alice.rate(card["token"], "love").status_code == 201
    assert Presentation.objects.get(token=card["token"]).value == 3


def test_photos_chosen_by_a_fit_are_dealt_first(alice, photos):
    Presentation.objects.all().delete()  # the page has dealt photos already
    chosen = [{"photo": photos[n].id, "algorithm": "teach", "reason": {"gain": 0.1}} for n in (7, 3)]
    Fit.objects.create(rater_id=alice.id, weights=generic_weights(), next_photos={"catalogue": chosen})
    assert [card["photo"]["id"] for card in alice.deck()[:2]] == [photos[7].id, photos[3].id]
    assert Presentation.objects.filter(algorithm="teach").count() == 2


def test_a_deleted_photo_chosen_by_a_fit_is_skipped(alice, photos):
    Fit.objects.create(
        rater_id=alice.id,
        weights=generic_weights(),
        next_photos={"catalogue": [{"photo": photos[7].id, "algorithm": "teach", "reason": {}}]},
    )
    photos[7].delete()
    assert len(alice.deck()) == 5


def test_a_card_contains_no_owner_path_or_file_name(alice):
    photo = alice.deck()[0]["photo"]
    assert set(photo) == {"id", "src", "srcset", "width", "height", "thumbhash", "alt", "credit", "licence"}
    assert Photo.objects.get(id=photo["id"]).name not in str(photo)


def test_a_rating_takes_few_database_queries(alice, django_assert_max_num_queries):
    card = alice.deck()[0]
    with django_assert_max_num_queries(7):  # the session, four for the rating, and the start and end of the test's savepoint
        alice.rate(card["token"])


@pytest.mark.parametrize("address", ["/", "/api/v1/deck", "/api/v1/ranking"])
def test_what_a_phone_loads_before_the_first_photo_is_compressed(alice, address):
    plain, compressed = alice.get(address), alice.browser.get(address, headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain
    assert compressed["Content-Encoding"] == "gzip"
    assert len(compressed.content) < len(plain.content) / 2
