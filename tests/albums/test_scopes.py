"""Scopes: the catalogue and albums have decks and rankings of their own; one taste serves them all."""

from uuid import UUID, uuid4

import numpy as np
import pytest

from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.tasks import refit_rater
from personalize.worker import instant_fit, loaded_bank
from ratings.albums import services
from ratings.deck.services import record_imported
from ratings.models import Fit, Photo, PhotoFeatures, Presentation, RatingEvent
from ratings.photos.scopes import CATALOGUE, Scope
from ratings.ranking import events
from ratings.ranking.features import store_features
from ratings.ranking.histories import rating_history
from ratings.ranking.open_scopes import keep_open, open_scopes
from ratings.ranking.services import store_fit
from tests.guests import current_projection, make_photos


@pytest.fixture(autouse=True)
def hyperprior(monkeypatch):
    monkeypatch.setattr(loaded_bank, "hyperprior", Hyperprior.flat)


def ids_of(message) -> list[int]:
    return [placed["id"] for placed in message["top"]]


def ranking(rater, album=None, **query) -> dict:
    query |= {"limit": 500} | ({"album": album.id} if album else {})
    return rater.browser.get("/api/v1/ranking", query).json()


def deck(rater, album=None) -> dict:
    return rater.browser.get("/api/v1/deck", {"album": album.id} if album else {}).json()


def pick(rater, photo: int, value: str = "love", client_id: str | None = None):
    body = {"client_id": client_id or str(uuid4()), "photo": photo, "value": value}
    return rater.browser.post("/api/v1/ratings/picked", body, content_type="application/json", headers=rater.headers())


@pytest.fixture
def pushed(monkeypatch, django_capture_on_commit_callbacks) -> list:
    sent: list = []
    monkeypatch.setattr(events, "push_ranking", lambda _rater, message: sent.append(message))
    return sent


def test_own_photos_are_in_their_album_and_not_in_the_catalogue(alice, album, photos, own_photos):
    own, others = {photo.id for photo in own_photos}, {photo.id for photo in photos}
    assert (set(ids_of(ranking(alice, album))), set(ids_of(ranking(alice)))) == (own, others)
    assert {card["photo"]["id"] for card in deck(alice, album)["cards"]} < own
    assert {card["photo"]["id"] for card in deck(alice)["cards"]} < others
    assert (deck(alice, album)["photos"]["total"], deck(alice)["photos"]["total"]) == (12, 30)
    assert set(ids_of(ranking(alice, album, of="everyone"))) == own


@pytest.mark.parametrize("address", ["deck", "ranking", "photos?ids=1"])
def test_an_album_of_somebody_else_is_answered_as_one_that_never_was(bob, album, address):
    joint = "&" if "?" in address else "?"
    replies = [bob.get(f"/api/v1/{address}{joint}album={which}") for which in (album.id, uuid4())]
    assert [reply.status_code for reply in replies] == [404, 404]
    assert replies[0].json() == replies[1].json()


def test_a_rating_in_an_album_teaches_the_catalogue(alice, album):
    before = ids_of(ranking(alice))
    for value in ("love", "dislike", "love", "dislike"):
        alice.rate(deck(alice, album)["cards"][0]["token"], value)
    refit_rater(alice.id)
    assert ids_of(ranking(alice)) != before
    assert (deck(alice, album)["rated"], deck(alice)["rated"]) == (4, 0)


def test_places_moved_from_are_those_of_the_scope_asked(alice, album):
    new = {"rater_id": UUID(alice.id), "projection": current_projection(), "covariance": b"", "accuracy": None}
    rng = np.random.default_rng(3)
    store_fit(ratings_seq=1, weights=rng.normal(size=256).tolist(), **new)
    before = {which: ids_of(ranking(alice, which)) for which in (None, album)}
    store_fit(ratings_seq=2, weights=rng.normal(size=256).tolist(), **new)
    for which, order in before.items():
        after = ranking(alice, which)
        assert ids_of(after) != order
        assert [order.index(placed["id"]) + 1 for placed in after["top"]] == [placed["was"] for placed in after["top"]]


def test_the_exact_order_serves_the_catalogue_alone(alice, album, photos, own_photos):
    order = {"photos": [photo.id for photo in photos[::-1]], "scores": [float(score) for score in range(30, 0, -1)]}
    store_fit(
        rater_id=UUID(alice.id), projection=current_projection(), ratings_seq=1, weights=[1.0] + [0.0] * 255, covariance=b"", accuracy=None
    )
    Fit.objects.update(exact_order=order)
    assert (ranking(alice)["active_model"]["name"], ids_of(ranking(alice))[0]) == ("exact", photos[-1].id)
    own = ranking(alice, album)
    assert (own["active_model"]["name"], ids_of(own)[0]) == ("generic", own_photos[0].id)


def test_a_refit_pushes_and_chooses_for_the_scopes_that_are_open(alice, album, own_photos, pushed, django_capture_on_commit_callbacks):
    rater = UUID(alice.id)
    assert open_scopes(rater) == [CATALOGUE]
    keep_open(rater, Scope(album.id))
    assert open_scopes(rater) == [Scope(album.id)]
    alice.rate(deck(alice, album)["cards"][0]["token"], "love")
    with django_capture_on_commit_callbacks(execute=True):
        refit_rater(alice.id)
    assert [message.scope for message in pushed] == [str(album.id)]
    chosen = Fit.objects.get(rater=rater).next_photos
    assert {photo["photo"] for photo in chosen[str(album.id)]} < {photo.id for photo in own_photos}
    keep_open(rater, CATALOGUE)
    alice.rate(deck(alice, album)["cards"][0]["token"], "dislike")
    with django_capture_on_commit_callbacks(execute=True):
        refit_rater(alice.id)
    assert {message.scope for message in pushed[1:]} == {"catalogue", str(album.id)}
    assert len(Fit.objects.get(rater=rater).next_photos["catalogue"]) == 10


def test_revisions_rise_when_photos_come_go_or_can_be_ranked(alice, album, photos, own_photos):
    owner, seen = UUID(alice.id), [(ranking(alice, album)["revision"], ranking(alice)["revision"])]

    def after(change) -> tuple[bool, bool]:
        change()
        seen.append((ranking(alice, album)["revision"], ranking(alice)["revision"]))
        return seen[-1][0] > seen[-2][0], seen[-1][1] > seen[-2][1]

    first = own_photos[0].id
    assert after(lambda: services.bin_photos(owner_id=owner, photo_ids=[first])) == (True, False)
    assert after(lambda: services.restore_photos(owner_id=owner, photo_ids=[first])) == (True, False)
    assert after(lambda: services.remove_photos(owner_id=owner, album_id=album.id, photo_ids=[first])) == (True, False)
    PhotoFeatures.objects.filter(photo__in=[own_photos[1], photos[0]]).delete()
    features = np.zeros((1, 256))
    assert after(lambda: store_features(projection=current_projection(), photo_ids=[own_photos[1].id], features=features)) == (True, False)
    assert after(lambda: store_features(projection=current_projection(), photo_ids=[photos[0].id], features=features)) == (False, True)
    assert after(lambda: own_photos[2].delete()) == (True, False)
    assert after(lambda: photos[1].delete()) == (False, True)
    assert after(lambda: alice.rate(deck(alice)["cards"][0]["token"])) == (False, False)


def test_a_photo_in_the_bin_leaves_deck_and_ranking_and_goes_on_teaching(alice, album):
    card = deck(alice, album)["cards"][0]
    pick(alice, card["photo"]["id"], "love")
    services.bin_photos(owner_id=UUID(alice.id), photo_ids=[card["photo"]["id"]])
    assert card["photo"]["id"] not in ids_of(ranking(alice, album))
    assert len(rating_history(UUID(alice.id)).values) == 1
    waiting = deck(alice, album)["cards"][0]["photo"]["id"]
    services.bin_photos(owner_id=UUID(alice.id), photo_ids=[waiting])
    assert waiting not in [card["photo"]["id"] for card in deck(alice, album)["cards"]]
    assert pick(alice, waiting).status_code == 404


def test_an_album_that_is_deleted_while_it_is_open_is_a_404_and_the_refit_goes_on(alice, album, pushed, django_capture_on_commit_callbacks):
    keep_open(UUID(alice.id), Scope(album.id))
    token = deck(alice, album)["cards"][0]["token"]
    services.delete_album(owner_id=UUID(alice.id), album_id=album.id)
    assert alice.rate(token).status_code == 201  # what was on screen still teaches
    with django_capture_on_commit_callbacks(execute=True):
        refit_rater(alice.id)
    assert (pushed[0].total, pushed[0].revision) == (0, 0)
    assert alice.browser.get("/api/v1/deck", {"album": album.id}).status_code == 404


def test_a_deck_tells_undo_which_card_was_rated_last_in_its_scope(alice, album):
    tokens = [deck(alice, which)["cards"][0]["token"] for which in (album, None)]
    for token in tokens:
        alice.rate(token)
    assert [deck(alice, which)["last_rated"] for which in (album, None)] == [[token] for token in tokens]


def test_a_picked_rating_is_a_presentation_without_a_probability_and_can_be_given_anew(alice, album):
    card, client_id = deck(alice, album)["cards"][0], str(uuid4())
    assert pick(alice, card["photo"]["id"], "like", client_id).status_code == 201
    assert pick(alice, card["photo"]["id"], "like", client_id).status_code == 200
    assert pick(alice, card["photo"]["id"], "love", client_id).status_code == 422
    assert pick(alice, card["photo"]["id"], "dislike").json() == {"ratings_seq": 2, "token": card["token"]}
    shown = Presentation.objects.get(token=card["token"])
    assert (shown.algorithm, shown.reason, shown.value) == ("picked", {}, 1)
    assert list(RatingEvent.objects.order_by("seq").values_list("value", flat=True)) == [2, 1]


def test_photos_deleted_during_a_refit_stop_nothing_and_teach_no_more_after_the_next(alice, album, own_photos, monkeypatch):
    rated, dealt = own_photos[0].id, own_photos[1].id
    pick(alice, rated)
    keep_open(UUID(alice.id), Scope(album.id))
    accuracy_of = instant_fit.accuracy_of

    def deleting(*fit):
        services.bin_photos(owner_id=UUID(alice.id), photo_ids=[rated, dealt])
        Photo.objects.filter(id__in=[rated, dealt]).update(binned_at="2026-01-01T00:00Z")
        services.purge_bin()
        return accuracy_of(*fit)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(instant_fit, "accuracy_of", deleting)
        refit_rater(alice.id)
    assert {rated, dealt}.isdisjoint(ids_of(ranking(alice, album)))
    refit_rater(alice.id)  # which the purge has queued
    fit = Fit.objects.get(rater=alice.id)
    assert fit.ratings_seq == 2
    assert {rated, dealt}.isdisjoint(photo["photo"] for photo in fit.next_photos.get(Scope(album.id).key, []))


def test_a_stranger_cannot_rate_an_own_photo(bob, album, own_photos):
    assert pick(bob, own_photos[0].id).status_code == pick(bob, 10**9).status_code == 404
    assert not RatingEvent.objects.exists()


def test_imported_stars_are_ratings_once_and_never_replace_what_was_said_here(alice, bob, album, own_photos):
    pick(alice, own_photos[0].id, "dislike")
    values = {photo.id: 3 for photo in own_photos} | {10**9: 3}
    assert record_imported(rater_id=UUID(alice.id), values=values) == 11
    assert record_imported(rater_id=UUID(alice.id), values=values) == 0
    assert record_imported(rater_id=UUID(bob.id), values=values) == 0
    seqs = list(RatingEvent.objects.filter(rater=alice.id).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 13))
    assert Presentation.objects.get(photo=own_photos[0]).value == 1
    assert rating_history(UUID(alice.id)).ratings_seq == 12


def test_a_fit_takes_the_newest_ratings(alice, album, own_photos, settings):
    settings.PAV = settings.PAV | {"FIT_RATINGS": 5}
    for photo in own_photos:
        pick(alice, photo.id)
    history = rating_history(UUID(alice.id))
    assert history.photo_ids.tolist() == [photo.id for photo in own_photos[-5:]]
    assert len(instant_fit.fit(history).weights) == 256


def test_photos_of_others_are_in_no_ranking(alice, bob, album):
    make_photos(3, seed=9, owner=alice.browser and None)
    assert len(ids_of(ranking(bob))) == 33
