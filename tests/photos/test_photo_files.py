"""Who may fetch which file of which photo, and what a browser is told about it."""

import pytest
from django.test import Client

from ratings.photos import files
from ratings.photos.services import add_photo
from tests.photos import making

pytestmark = pytest.mark.django_db
FILES = ["320.webp", "640.webp", "1280.webp", "master.jpg"]
NOT_THERE = 404


@pytest.fixture
def catalogue_photo(db):
    return add_photo(data=making.encoded(making.scene(1500, 900, seed=1)), name="for-all.jpg")


@pytest.fixture
def photo_of_alice(alice):
    return add_photo(data=making.encoded(making.scene(1500, 900, seed=2)), name="mine.jpg", owner=alice)


def test_these_are_all_the_files(catalogue_photo):
    assert files.file_names(catalogue_photo) == FILES


@pytest.mark.parametrize("file", FILES)
def test_any_guest_gets_every_file_of_a_catalogue_photo(file, catalogue_photo, bob, browser_of):
    answer = browser_of(bob).get(files.address(catalogue_photo, file))

    assert answer.status_code == 200
    assert answer.content == files.path(catalogue_photo, file).read_bytes()
    assert answer["Content-Type"] == ("image/jpeg" if file == "master.jpg" else "image/webp")


@pytest.mark.parametrize("file", FILES)
def test_without_a_session_there_is_no_photo(file, catalogue_photo):
    assert Client().get(files.address(catalogue_photo, file)).status_code == NOT_THERE


@pytest.mark.parametrize("file", FILES)
def test_alice_gets_every_file_of_her_own_photo(file, photo_of_alice, alice, browser_of):
    assert browser_of(alice).get(files.address(photo_of_alice, file)).status_code == 200


@pytest.mark.parametrize("file", FILES)
def test_bob_gets_no_file_of_alices_photo(file, photo_of_alice, bob, browser_of):
    assert browser_of(bob).get(files.address(photo_of_alice, file)).status_code == NOT_THERE


@pytest.mark.parametrize("file", FILES)
def test_bob_who_owns_the_same_photo_gets_his_and_not_alices(file, photo_of_alice, bob, browser_of):
    his = add_photo(data=making.encoded(making.scene(1500, 900, seed=2)), name="mine.jpg", owner=bob)
    assert his.content_hash == photo_of_alice.content_hash

    assert browser_of(bob).get(files.address(his, file)).status_code == 200
    assert browser_of(bob).get(files.address(photo_of_alice, file)).status_code == NOT_THERE


@pytest.mark.parametrize("file", FILES)
def test_the_staff_gets_every_file(file, photo_of_alice, catalogue_photo, dora):
    assert dora.get(files.address(photo_of_alice, file)).status_code == 200
    assert dora.get(files.address(catalogue_photo, file)).status_code == 200


@pytest.mark.parametrize("file", FILES)
def test_a_signed_in_user_who_is_no_staff_gets_nothing_of_alices(file, photo_of_alice, dora, django_user_model):
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
def test_other_file_names_do_not_exist(file, catalogue_photo, bob, browser_of):
    address = f"/photos/{catalogue_photo.id}/{catalogue_photo.content_hash}/{file}"

    assert browser_of(bob).get(address).status_code == NOT_THERE


def test_an_address_with_another_hash_does_not_exist(catalogue_photo, photo_of_alice, bob, browser_of):
    for hashed in (photo_of_alice.content_hash, "0" * 16, catalogue_photo.sha256, "x"):
        assert browser_of(bob).get(f"/photos/{catalogue_photo.id}/{hashed}/320.webp").status_code == NOT_THERE


def test_browsers_keep_a_file_for_ever_and_never_guess_its_kind(catalogue_photo, bob, browser_of):
    answer = browser_of(bob).get(files.address(catalogue_photo, "320.webp"))

    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Content-Disposition"] == "inline"


def test_a_refusal_is_not_kept(photo_of_alice, bob, browser_of):
    answer = browser_of(bob).get(files.address(photo_of_alice, "320.webp"))

    assert "immutable" not in answer.get("Cache-Control", "")


def test_files_are_only_read(catalogue_photo, bob, browser_of):
    address = files.address(catalogue_photo, "320.webp")
    browser = browser_of(bob)

    assert browser.head(address).status_code == 200
    assert {browser.post(address).status_code, browser.put(address).status_code, browser.delete(address).status_code} == {405}


def test_a_file_that_the_disk_has_lost_is_not_there(catalogue_photo, bob, browser_of):
    files.path(catalogue_photo, "320.webp").unlink()

    assert browser_of(bob).get(files.address(catalogue_photo, "320.webp")).status_code == NOT_THERE


def test_a_photo_of_a_deleted_rater_is_gone(photo_of_alice, alice, browser_of):
    browser, address = browser_of(alice), files.address(photo_of_alice, "320.webp")

    alice.delete()

    assert browser.get(address).status_code == NOT_THERE


def test_whoever_fetches_very_many_files_is_asked_to_wait(catalogue_photo, bob, browser_of, settings):
    settings.PAV = settings.PAV | {"LIMIT_FILES": "2/hour"}
    browser, address = browser_of(bob), files.address(catalogue_photo, "320.webp")

    answers = [browser.get(address) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert "wait" in answers[2].content.decode()
