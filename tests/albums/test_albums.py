"""Albums: who may change them, the bin, and what is refused with a sentence."""

from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from personalize.tasks import purge_bin
from personalize.worker import instant_fit
from ratings import jobs
from ratings.albums import services
from ratings.errors import UnknownCard
from ratings.models import Album, AlbumPhoto, Fit, Photo, Rater
from ratings.sql import to_list
from tests.guests import make_photos


def ask(rater, method: str, address: str, body: dict | None = None):
    return getattr(rater.browser, method)(f"/api/v1{address}", body, content_type="application/json", headers=rater.headers())


def test_an_album_is_made_renamed_and_listed(alice):
    made = ask(alice, "post", "/albums", {"name": "  Sea\u0000 and\n sky "})
    assert (made.status_code, made.json()["name"], made.json()["photo_count"]) == (201, "Sea and sky", 0)
    renamed = ask(alice, "patch", f"/albums/{made.json()['id']}", {"name": "🏖️ " + "x" * 300})
    assert (renamed.status_code, len(renamed.json()["name"])) == (200, 120)
    assert [album["id"] for album in alice.get("/api/v1/albums").json()["albums"]] == [made.json()["id"]]
    assert ask(alice, "patch", f"/albums/{made.json()['id']}", {"name": " \u200b "}).json() == {"detail": "Please give the album a name."}


def test_a_form_makes_an_album_and_opens_it(alice):
    reply = alice.browser.post("/albums/", {"name": "Sea", "csrfmiddlewaretoken": alice.browser.cookies["csrftoken"].value})
    assert (reply.status_code, reply["Location"]) == (302, f"/albums/{Album.objects.get().id}/")
    assert "Sea" in alice.get(reply["Location"]).text


OWNERS = [
    ("get", "/albums/{album}/", None),
    ("get", "/albums/{album}/rate/", None),
    ("get", "/api/v1/albums/{album}", None),
    ("patch", "/api/v1/albums/{album}", {"name": "mine"}),
    ("delete", "/api/v1/albums/{album}", None),
    ("post", "/api/v1/albums/{album}/photos", {"photos": []}),
    ("post", "/api/v1/albums/{album}/remove", {"photos": []}),
    ("get", "/api/v1/albums/{album}/photos", None),
    ("get", "/api/v1/albums/{album}/opinions", None),
    ("get", "/api/v1/albums/{album}/best", None),
    ("get", "/api/v1/uploads?album={album}", None),
    ("delete", "/api/v1/uploads?album={album}", None),
    ("post", "/api/v1/uploads/known", {"album": "{album}", "hashes": []}),
    ("get", "/api/v1/uploads/stars?album={album}", None),
    ("patch", "/api/v1/uploads/stars?album={album}", {"stars": {}}),
    ("post", "/api/v1/uploads/stars?album={album}", None),
    ("post", "/api/v1/downloads", {"album": "{album}"}),
]


CHANGING = [("patch", "/api/v1/albums/{album}"), ("delete", "/api/v1/albums/{album}")]


@pytest.mark.parametrize(("method", "address", "body"), OWNERS, ids=[f"{method} {address}" for method, address, _ in OWNERS])
def test_only_the_owner_reaches_an_album_and_others_learn_nothing(
    method, address, body, alice, bob, album, django_user_model, monkeypatch, settings
):
    def reply(browser, which, **headers):
        sent = {name: str(which) if value == "{album}" else value for name, value in body.items()} if body else None
        return getattr(browser, method)(address.format(album=which), sent, content_type="application/json", **headers)

    monkeypatch.setattr(jobs, "request_download", lambda _id: None)
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 0}
    admin = Client()
    admin.force_login(django_user_model.objects.create_superuser("admin"))
    admin.get("/")  # an administrator who rates is a rater like any other
    for browser, headers in ((bob.browser, {"headers": bob.headers()}), (admin, {})):
        there, nowhere = reply(browser, album.id, **headers), reply(browser, uuid4(), **headers)
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert there.content == nowhere.content
    assert reply(Client(), album.id).status_code in (403, 404)
    assert reply(alice.browser, album.id, headers=alice.headers()).status_code in (200, 201)
    assert Album.objects.filter(id=album.id, name="Sea").exists() == ((method, address) not in CHANGING)


def test_photos_of_others_and_of_the_catalogue_do_not_enter_an_album(alice, bob, album, photos):
    foreign = make_photos(2, seed=8, owner=Rater.objects.get(id=bob.id))
    ids = [photo.id for photo in (*foreign, photos[0])]
    assert ask(alice, "post", f"/albums/{album.id}/photos", {"photos": [*ids, 10**9]}).json() == {"count": 0}
    assert ask(alice, "post", "/bin", {"photos": ids}).json() == {"count": 0}
    assert ask(bob, "post", "/bin", {"photos": [AlbumPhoto.objects.first().photo_id]}).json() == {"count": 0}
    assert not Photo.objects.filter(binned_at__isnull=False).exists()


def test_a_photo_leaves_its_last_album_through_the_bin_and_comes_back_into_it(alice, album, own_photos):
    second = services.create_album(owner_id=UUID(alice.id), name="Best")
    both, alone = own_photos[0].id, own_photos[1].id
    services.add_photos(owner_id=UUID(alice.id), album_id=second.id, photo_ids=[both])
    assert ask(alice, "post", f"/albums/{album.id}/remove", {"photos": [both, alone]}).json() == {"count": 2}
    assert list(Photo.objects.filter(binned_at__isnull=False)) == [own_photos[1]]
    assert ask(alice, "post", "/bin/restore", {"photos": [both, alone]}).json() == {"count": 1}
    assert set(AlbumPhoto.objects.filter(photo__in=[both, alone]).values_list("album", "photo")) == {(album.id, alone), (second.id, both)}


def test_deleting_an_album_bins_its_photos_and_restoring_them_makes_a_new_one(alice, album, own_photos):
    assert ask(alice, "delete", f"/albums/{album.id}").json() == {"count": 12}
    assert ask(alice, "post", "/bin/restore", {"photos": [photo.id for photo in own_photos[:3]]}).json() == {"count": 3}
    assert Album.objects.get().name == "Restored photos"
    assert AlbumPhoto.objects.count() == 3


def test_a_cover_is_a_photo_of_the_album_and_goes_with_it(alice, album, own_photos, photos):
    last = own_photos[-1].id
    assert ask(alice, "patch", f"/albums/{album.id}", {"cover": photos[0].id}).json()["cover"]["id"] == last
    assert ask(alice, "patch", f"/albums/{album.id}", {"cover": own_photos[2].id}).json()["cover"]["id"] == own_photos[2].id
    ask(alice, "post", "/bin", {"photos": [own_photos[2].id]})
    assert alice.get(f"/api/v1/albums/{album.id}").json()["cover"]["id"] == last


def test_the_bin_is_emptied_after_thirty_days_and_the_owner_is_refitted(
    alice, album, own_photos, monkeypatch, django_capture_on_commit_callbacks
):
    requested: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", requested.append)
    services.bin_photos(owner_id=UUID(alice.id), photo_ids=[photo.id for photo in own_photos[:2]])
    Photo.objects.filter(id=own_photos[0].id).update(binned_at=timezone.now() - timedelta(days=31))
    before = Rater.objects.get(id=alice.id).ratings_seq
    with django_capture_on_commit_callbacks(execute=True):
        purge_bin()
        purge_bin()
    assert set(Photo.objects.filter(owner=alice.id)) == set(own_photos[1:])
    assert requested == [UUID(alice.id)]
    assert Rater.objects.get(id=alice.id).ratings_seq == before + 1


def test_photos_are_deleted_for_good_at_once_and_their_ratings_teach_no_more(
    alice, bob, album, own_photos, monkeypatch, django_capture_on_commit_callbacks
):
    requested: list[str] = []
    monkeypatch.setattr(jobs, "request_purge", lambda: requested.append("purge"))
    monkeypatch.setattr(jobs, "request_refit", lambda _rater: None)

    def weights() -> np.ndarray:
        instant_fit.refit(UUID(alice.id))
        return np.array(to_list(Fit.objects.get(rater=alice.id).weights))

    def pick(photo: Photo, value: str) -> None:
        assert ask(alice, "post", "/ratings/picked", {"client_id": str(uuid4()), "photo": photo.id, "value": value}).status_code == 201

    kept, gone, other = own_photos[:3]
    pick(kept, "love")
    before = weights()
    pick(gone, "dislike")
    assert not np.allclose(weights(), before, atol=1e-3)
    ask(alice, "post", "/bin", {"photos": [gone.id, other.id]})
    assert ask(bob, "post", "/bin/purge", {"photos": [gone.id]}).json() == {"count": 0}
    with django_capture_on_commit_callbacks(execute=True):
        assert ask(alice, "post", "/bin/purge", {"photos": [gone.id, kept.id]}).json() == {"count": 1}  # what is not in the bin stays
    assert set(requested) == {"purge"}
    assert [photo["id"] for photo in alice.get("/api/v1/bin").json()["photos"]] == [other.id]
    purge_bin()
    assert set(Photo.objects.filter(owner=alice.id)) == set(own_photos) - {gone}
    assert np.allclose(weights(), before, atol=1e-3)


def test_a_photo_that_is_purged_or_binned_while_its_card_is_dealt_is_no_card_any_more(alice, album, own_photos):
    def deck() -> dict[str, int]:
        return {card["token"]: card["photo"]["id"] for card in alice.get(f"/api/v1/deck?album={album.id}").json()["cards"]}

    (purged, first), (binned, second), *_others = deck().items()
    services.bin_photos(owner_id=UUID(alice.id), photo_ids=[first, second])
    Photo.objects.get(id=first).delete()
    assert alice.rate(purged).json() == {"detail": str(UnknownCard.sentence)}
    assert {purged, binned}.isdisjoint(deck())
    assert alice.rate(next(iter(deck()))).status_code == 201  # the others go on


def test_undo_on_the_grid_names_its_photo_and_not_the_newest_rating(alice, album, own_photos, photos):
    def last() -> str | None:
        return alice.get(f"/api/v1/albums/{album.id}/opinions").json()["last_rated"]

    assert last() is None
    picked = ask(alice, "post", "/ratings/picked", {"client_id": str(uuid4()), "photo": own_photos[0].id, "value": "love"}).json()
    assert alice.rate(alice.deck()[0]["token"]).status_code == 201
    assert last() == picked["token"]
    undone = alice.browser.delete(f"/api/v1/ratings/last?token={picked['token']}", headers=alice.headers()).json()
    assert (undone["card"]["photo"]["id"], last()) == (own_photos[0].id, None)


def test_the_best_of_an_album_begins_with_picks_and_leaves_rejects_out(alice, album, own_photos):
    def pick(photo: Photo, value: str) -> None:
        assert ask(alice, "post", "/ratings/picked", {"client_id": str(uuid4()), "photo": photo.id, "value": value}).status_code == 201

    pick(own_photos[-1], "love")  # the lowest generic score
    pick(own_photos[0], "dislike")
    stacks = alice.get(f"/api/v1/albums/{album.id}/best?count=5&fold=0").json()["stacks"]
    assert [stack[0] for stack in stacks] == [own_photos[-1].id, *(photo.id for photo in own_photos[1:5])]
    assert alice.get(f"/api/v1/albums/{album.id}/best?fold=2").status_code == 422


def test_the_grid_shows_what_is_known_of_each_photo(alice, album, own_photos):
    photos = alice.get(f"/api/v1/albums/{album.id}/photos").json()["photos"]
    assert [photo["id"] for photo in photos] == [photo.id for photo in own_photos]
    assert {(photo["value"], photo["taken"]) for photo in photos} == {(None, None)}
    scores = [photo["score"] for photo in photos]
    assert scores == sorted(scores, reverse=True)
    opinions = alice.get(f"/api/v1/albums/{album.id}/opinions").json()
    assert (opinions["ids"], opinions["scores"]) == ([photo["id"] for photo in photos], scores)
