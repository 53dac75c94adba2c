"""Private means private: own photos and their ratings reach neither population, agreement, exports nor lists of the administration."""

import csv
import io
from uuid import UUID

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from PIL import Image

from personalize.worker import instant_fit, model_export
from ratings import jobs
from ratings.accounts.merging import merge_guest
from ratings.agreement.selectors import ratings_to_analyse
from ratings.albums.models import Album, AlbumPhoto
from ratings.albums.services import add_photos, create_album
from ratings.deck.services import record_imported
from ratings.exports.ratings_csv import ratings_csv
from ratings.models import Download, Original, Photo, PhotoFeatures, Projection, Rater, RawFeatures, Upload
from ratings.photos import files
from ratings.photos.services import add_photo
from ratings.ranking import events, features, raw_features
from ratings.ranking.population_prior import shared_ratings
from ratings.raters.services import make_guest, set_sharing
from ratings.uploads import originals, quotas, sweeping, taking_in
from tests.guests import BANK, browser_of, current_projection, make_photos
from tests.photos import making

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(monkeypatch, settings):
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 0}
    for name in ("request_features", "request_refit"):
        monkeypatch.setattr(jobs, name, lambda _id: None)
    monkeypatch.setattr(events, "_send", lambda *_: None)


@pytest.fixture
def alice() -> Rater:
    """A rater who shares ratings, and has rated ten own photos and no other."""
    rater = make_guest()
    set_sharing(rater_id=rater.id, on=True)
    own = make_photos(10, seed=1, owner=rater)
    record_imported(rater_id=rater.id, values={photo.id: 1 + place % 3 for place, photo in enumerate(own)})
    return rater


def test_own_ratings_reach_neither_population_nor_agreement_nor_the_csv(alice):
    assert len(shared_ratings().raters) == 0
    assert ratings_to_analyse().scores == []
    assert list(csv.DictReader(io.StringIO("".join(ratings_csv()).removeprefix("\ufeff")))) == []


def test_an_exported_model_holds_nothing_that_own_photos_taught(alice, photos, guest):
    from ratings.deck.models import Presentation

    instant_fit.refit(alice.id)
    assert model_export.fit_for_export(alice.id) is None  # there is nothing else to export
    bob = make_guest()
    for rater in (alice, bob):
        rated = Presentation.objects.bulk_create(
            Presentation(
                rater=rater, photo=photo, algorithm="random", position=place, value=1 + place % 3, rated_at=f"2026-01-01T00:00:{place:02}Z"
            )
            for place, photo in enumerate(photos[:12])
        )
        Rater.objects.filter(id=rater.id).update(ratings_seq=20 + len(rated))
        instant_fit.refit(rater.id)
    hers, his = model_export.fit_for_export(alice.id), model_export.fit_for_export(bob.id)
    assert np.allclose(hers.weights, his.weights, atol=1e-3)  # one of them was stored in half precision
    assert (hers.facts["ratings"], hers.facts["method"]) == (12, "instant")


def test_the_projection_learns_from_two_hundred_photos_of_an_owner_at_most(db):
    rater = make_guest()
    photos = make_photos(250, owner=rater) + make_photos(30, seed=1)
    RawFeatures.objects.bulk_create(RawFeatures(photo=photo, extractors="e" * 16, data=b"") for photo in photos)
    drawn = raw_features.sample("e" * 16, 1000)
    owners = Photo.objects.in_bulk(drawn)
    assert (len(drawn), sum(photo.owner_id == rater.id for photo in owners.values())) == (230, 200)
    now, other = current_projection(), Projection.objects.create(bank_id=BANK, state="kept").id
    assert len(features.sample(now, 1000)) == 30  # the generic score is everybody's
    PhotoFeatures.objects.bulk_create(
        PhotoFeatures(photo=photo, projection_id=other, generic_score=0, features=[0.0] * 256) for photo in photos
    )
    assert sum(len(new) for new, _old in features.pairs(other, now, 1000)) == 230


def test_lists_of_the_administration_say_counts_and_bytes_and_no_names(alice):
    Photo.objects.update(name="SECRETNAME.jpg", stored_bytes=1024)
    album = create_album(owner_id=alice.id, name="SECRETALBUM")
    photo, secret = Photo.objects.filter(owner=alice).first(), {"owner": alice, "name": "SECRETFILE"}
    upload = Upload.objects.create(**secret, album=album, size_bytes=1, photo=photo)
    original = Original.objects.create(**secret, photo=photo, sha256="5EC" * 21, stem="SECRET", is_raw=False, size_bytes=1)
    download = Download.objects.create(owner=alice, album=album, photos=[], choices={}, step_at=timezone.now())
    browser = Client()
    browser.force_login(get_user_model().objects.create_superuser("admin"))
    for table in (
        "photo",
        "presentation",
        "ratingevent",
        "photofeatures",
        "album",
        "albumphoto",
        "upload",
        "original",
        "download",
        "rater",
    ):
        page = browser.get(f"/admin/ratings/{table}/").text
        assert "SECRET" not in page, table
    assert "10.0" in page  # KB
    for row in (album, upload, original, download):
        for which in ("change", "history"):
            page = browser.get(f"/admin/ratings/{row._meta.model_name}/{row.pk}/{which}/", follow=True)
            assert (page.status_code, "SECRET" in page.text) == (200, False), (row._meta.model_name, which)
    assert browser.get(f"/admin/ratings/photo/{photo.id}/change/").status_code == 302


def test_every_address_of_an_own_photo_answers_strangers_as_if_it_never_was(alice, monkeypatch):
    photo = add_photo(data=making.encoded(making.scene()), name="a.jpg", owner=alice)
    album = create_album(owner_id=alice.id, name="Sea").id
    stranger = Client()
    stranger.get("/")
    never = photo.id + 10**6
    for address in (f"/photos/{{}}/{photo.content_hash}/320.webp", f"/photos/{{}}/{photo.content_hash}/master.jpg"):
        replies = [stranger.get(address.format(number)) for number in (photo.id, never)]
        assert [reply.status_code for reply in replies] == [404, 404]
        assert replies[0].content == replies[1].content
    assert stranger.get(f"/api/v1/photos?ids={photo.id}").json()["photos"] == []
    # The owner's own request never decodes: a file that is lost is missing, and not made anew.
    files.path(photo, "320.webp").unlink()
    monkeypatch.setattr(Image, "open", lambda *_anything, **_more: pytest.fail("decoded"))
    owner = browser_of(alice)
    assert [owner.get(files.address(photo, name)).status_code for name in files.file_names(photo)] == [404, 200, 200]
    for address in (f"/albums/{album}/", f"/api/v1/uploads?album={album}", f"/api/v1/uploads/stars?album={album}"):
        assert stranger.get(address).status_code == 404


def test_a_merge_brings_albums_along_and_folds_equal_photos_with_their_originals(tmp_path, settings, django_capture_on_commit_callbacks):
    settings.PAV = settings.PAV | {"ACCOUNT_PHOTOS": 1}  # a merge may exceed it: nothing is lost
    account = Rater.objects.create(user=get_user_model().objects.create_user("carol"))
    guest = make_guest()
    both, new = (making.encoded(making.scene(320, 240, seed)) for seed in (1, 2))
    for rater, brought in ((account, [both]), (guest, [both, new])):
        album = create_album(owner_id=rater.id, name=str(rater.id), keeps_originals=rater == guest).id
        for place, data in enumerate(brought):
            source = tmp_path / f"{rater.id}-{place}"
            source.write_bytes(data)
            taking_in.take_in(owner_id=rater.id, album_id=album, name="a.jpg", data=data, source=source)
    record_imported(rater_id=guest.id, values={photo.id: 3 for photo in Photo.objects.filter(owner=guest)})
    with django_capture_on_commit_callbacks(execute=True):
        merge_guest(guest=guest.id, rater_id=account.id)

    with pytest.raises(quotas.NoRoom, match="You have 2 photos here, and 1 is the most"):
        quotas.check(account.id, 1)
    mine = Photo.objects.filter(owner=account).order_by("id")
    assert (mine.count(), Photo.objects.count(), Album.objects.filter(owner=account).count()) == (2, 2, 2)
    assert AlbumPhoto.objects.filter(photo=mine[0]).count() == 2
    assert {one.value for photo in mine for one in photo.presentation_set.all()} == {3}
    assert [originals.path(one).read_bytes() for one in Original.objects.filter(owner=account).order_by("photo")] == [both, new]
    assert sweeping.difference(safe_seconds=0) == sweeping.Difference([], [], [])
    for photo in mine:
        assert photo.stored_bytes == sum(place.stat().st_size for place in files.folder(photo).iterdir())


def test_a_folder_is_imported_into_the_album_of_an_account(tmp_path, capsys):
    account = Rater.objects.create(user=get_user_model().objects.create_user("carol", email="carol@example.org"))
    for seed in range(2):
        (tmp_path / f"{seed}.jpg").write_bytes(making.encoded(making.scene(320, 240, seed)))
    (tmp_path / "no.jpg").write_text("no photo")
    call_command("import_photos", str(tmp_path), album="Sea", owner="Carol@example.org")
    assert "2 photos imported, 0 were there already, 1 refused." in capsys.readouterr().out
    call_command("import_photos", str(tmp_path), album="Sea", owner="carol")
    assert "0 photos imported, 2 were there already" in capsys.readouterr().out
    assert (Album.objects.get().owner, AlbumPhoto.objects.count(), Photo.objects.filter(owner=account).count()) == (account, 2, 2)
    assert len(list(tmp_path.iterdir())) == 3  # nothing is moved away
    assert all(originals.path(one).exists() for one in Original.objects.all())
    with pytest.raises(CommandError, match="no account"):
        call_command("import_photos", str(tmp_path), album="Sea", owner="nobody")
    with pytest.raises(CommandError, match="all three"):
        call_command("import_photos", str(tmp_path), album="Sea")


def test_a_guests_end_is_said_before(guest, photos, settings):
    settings.PAV = settings.PAV | {"KEEP_GUESTS_DAYS": 30}
    alice = guest()
    album = create_album(owner_id=UUID(alice.id), name="Sea").id
    first = alice.get(f"/api/v1/uploads?album={album}").json()["room"]
    assert (first["is_guest"], first["most_photos"]) == (True, 200)
    alice.rate(alice.deck()[0]["token"])
    assert alice.get(f"/api/v1/uploads?album={album}").json()["room"]["deleted_on"] > first["deleted_on"]
    assert "photos are deleted on" not in alice.get("/albums/").text
    own = make_photos(1, seed=1, owner=Rater.objects.get(id=alice.id))
    add_photos(owner_id=UUID(alice.id), album_id=album, photo_ids=[own[0].id])
    assert "Without a rating your photos are deleted on" in alice.get("/albums/").text
