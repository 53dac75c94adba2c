"""Photo files over HTTP: access, caching headers and rate limit."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from PIL import Image

from ratings.models import PhotoView
from ratings.photos import files
from ratings.photos.services import add_photo
from tests.guests import browser_of
from tests.photos import making

pytestmark = pytest.mark.django_db
FILES = ["320.webp", "640.webp", "960.webp", "1280.webp", "master.jpg"]
NOT_THERE = 404


@pytest.fixture
def catalogue_photo(db):
    return add_photo(data=making.encoded(making.scene(1500, 900, seed=1)), name="for-all.jpg")


@pytest.fixture
def photo_of_alice(alice):
    return add_photo(data=making.encoded(making.scene(1500, 900, seed=2)), name="mine.jpg", owner=alice)


def test_a_photo_has_four_sizes_and_a_master(catalogue_photo):
    assert files.file_names(catalogue_photo) == FILES


@pytest.mark.parametrize("file", FILES)
def test_every_guest_can_fetch_the_files_of_a_catalogue_photo(file, catalogue_photo, bob):
    reply = browser_of(bob).get(files.address(catalogue_photo, file))

    assert reply.status_code == 200
    assert reply.content == files.path(catalogue_photo, file).read_bytes()
    assert reply["Content-Type"] == ("image/jpeg" if file == "master.jpg" else "image/webp")


@pytest.mark.parametrize("file", FILES)
def test_a_photo_is_not_found_without_a_session(file, catalogue_photo):
    assert Client().get(files.address(catalogue_photo, file)).status_code == NOT_THERE


@pytest.mark.parametrize("file", FILES)
def test_an_owner_can_fetch_the_files_of_their_photo(file, photo_of_alice, alice):
    assert browser_of(alice).get(files.address(photo_of_alice, file)).status_code == 200


@pytest.mark.parametrize("file", FILES)
def test_a_rater_cannot_fetch_the_files_of_another_owner(file, photo_of_alice, bob):
    assert browser_of(bob).get(files.address(photo_of_alice, file)).status_code == NOT_THERE


@pytest.mark.parametrize("file", FILES)
def test_an_owner_of_the_same_photo_can_only_fetch_their_own_copy(file, photo_of_alice, bob):
    his = add_photo(data=making.encoded(making.scene(1500, 900, seed=2)), name="mine.jpg", owner=bob)
    assert (his.sha256 == photo_of_alice.sha256, his.content_hash == photo_of_alice.content_hash) == (True, False)

    assert browser_of(bob).get(files.address(his, file)).status_code == 200
    assert browser_of(bob).get(files.address(photo_of_alice, file)).status_code == NOT_THERE


@pytest.mark.parametrize("file", FILES)
def test_staff_can_fetch_the_catalogue_and_no_own_photo(file, photo_of_alice, catalogue_photo, dora):
    assert dora.get(files.address(photo_of_alice, file)).status_code == NOT_THERE
    assert dora.get(files.address(catalogue_photo, file)).status_code == 200


@pytest.mark.parametrize("file", FILES)
def test_a_user_without_staff_status_cannot_fetch_the_files_of_an_owner(file, photo_of_alice, dora, django_user_model):
    django_user_model.objects.update(is_staff=False)

    assert dora.get(files.address(photo_of_alice, file)).status_code == NOT_THERE


@pytest.mark.parametrize(
    "file",
    [
        "321.webp",
        "0.webp",
        "-1.webp",
        "1500.webp",
        "master.webp",
        "master.jpg.",
        "..%2fmaster.jpg",
        "%00",
        "..",
        "320.webp%20",
        ".320.webp",
    ],
)
def test_other_file_names_do_not_exist(file, catalogue_photo, bob):
    address = f"/photos/{catalogue_photo.id}/{catalogue_photo.content_hash}/{file}"

    assert browser_of(bob).get(address).status_code == NOT_THERE


def test_an_address_with_another_hash_does_not_exist(catalogue_photo, photo_of_alice, bob):
    for hashed in (photo_of_alice.content_hash, "0" * 16, catalogue_photo.sha256, "x"):
        assert browser_of(bob).get(f"/photos/{catalogue_photo.id}/{hashed}/320.webp").status_code == NOT_THERE


def test_files_are_cached_permanently_and_never_sniffed(catalogue_photo, bob):
    reply = browser_of(bob).get(files.address(catalogue_photo, "320.webp"))

    assert reply["Cache-Control"] == "private, max-age=31536000, immutable"
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert reply["Cross-Origin-Resource-Policy"] == "same-origin"
    assert reply["Content-Disposition"] == "inline"


def test_a_refusal_is_not_cached(photo_of_alice, bob):
    reply = browser_of(bob).get(files.address(photo_of_alice, "320.webp"))

    assert "immutable" not in reply.get("Cache-Control", "")


def test_files_can_only_be_read(catalogue_photo, bob):
    address = files.address(catalogue_photo, "320.webp")
    browser = browser_of(bob)

    assert browser.head(address).status_code == 200
    assert {browser.post(address).status_code, browser.put(address).status_code, browser.delete(address).status_code} == {405}


def test_a_width_that_older_versions_did_not_write_is_made_from_the_master(catalogue_photo, bob):
    path = files.path(catalogue_photo, "960.webp")
    path.unlink()

    reply = browser_of(bob).get(files.address(catalogue_photo, "960.webp"))

    assert reply.status_code == 200
    assert reply.content == path.read_bytes()  # kept for the next request
    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (960, 576))


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"broken")], ids=["missing", "broken"])
def test_a_width_is_not_found_without_the_master(lose, catalogue_photo, bob):
    lose(files.path(catalogue_photo, "master.jpg"))
    files.path(catalogue_photo, "320.webp").unlink()

    assert browser_of(bob).get(files.address(catalogue_photo, "320.webp")).status_code == NOT_THERE
    assert not files.path(catalogue_photo, "320.webp").exists()


def test_a_missing_master_is_not_found(catalogue_photo, bob):
    files.path(catalogue_photo, "master.jpg").unlink()

    assert browser_of(bob).get(files.address(catalogue_photo, "master.jpg")).status_code == NOT_THERE


def test_a_photo_of_a_deleted_rater_is_not_found(photo_of_alice, alice):
    browser, address = browser_of(alice), files.address(photo_of_alice, "320.webp")

    alice.delete()

    assert browser.get(address).status_code == NOT_THERE


def test_too_many_file_requests_are_refused_with_the_time_to_wait(catalogue_photo, bob, settings):
    settings.PAV = settings.PAV | {"LIMIT_FILES": "2/hour"}
    browser, address = browser_of(bob), files.address(catalogue_photo, "320.webp")

    replies = [browser.get(address) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert int(replies[2]["Retry-After"]) > 0
    assert "wait" in replies[2].content.decode()


def test_staff_open_an_own_photo_with_a_reason_that_is_logged_for_a_quarter_of_an_hour(photo_of_alice, catalogue_photo, dora, caplog):
    address, page = files.address(photo_of_alice, "320.webp"), "/staff/photos/"
    user = get_user_model().objects.get(username="dora")
    assert dora.post(page, {"number": photo_of_alice.id, "reason": "report 17 of 3 May"}).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_photo"))

    assert "Say why you open" in dora.post(page, {"number": photo_of_alice.id, "reason": "  look  "}).text
    assert "no such private photo" in dora.post(page, {"number": catalogue_photo.id, "reason": "report 17 of 3 May"}).text
    assert dora.get(address).status_code == NOT_THERE
    assert files.src(photo_of_alice) in dora.post(page, {"number": photo_of_alice.id, "reason": "report 17 of 3 May"}).text
    assert dora.get(address).status_code == 200
    logged = PhotoView.objects.get()
    assert (logged.user, logged.owner, logged.reason) == (user, photo_of_alice.owner_id, "report 17 of 3 May")
    assert "report 17 of 3 May" in caplog.text

    PhotoView.objects.update(created_at=timezone.now() - timedelta(minutes=16))
    assert dora.get(address).status_code == NOT_THERE
