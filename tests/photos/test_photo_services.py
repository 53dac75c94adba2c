"""Adding and deleting photos: rows, files, features requested, and failures while writing."""

import base64
import json
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from celery import current_app
from django.db import transaction

from ratings.models import Photo
from ratings.photos import files
from ratings.photos.refusals import PhotoRefused
from ratings.photos.services import add_photo
from ratings.ranking.features import Progress, progress
from tests.guests import give_features, use_bank
from tests.photos import making

pytestmark = pytest.mark.django_db


def stored_files(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_photo_gets_a_row_and_a_file_for_each_size(media):
    photo = add_photo(data=making.full_of_metadata("JPEG"), name="../holiday.jpg", credit="Eve", licence="CC0 1.0", alt="A beach")

    place = f"photos/{photo.sha256[:2]}/{photo.sha256}/"
    assert stored_files(media) == [place + name for name in ("320.webp", "640.webp", "master.jpg")]
    assert (photo.name, photo.credit, photo.licence, photo.alt) == ("holiday.jpg", "Eve", "CC0 1.0", "A beach")
    assert (photo.width, photo.height) == (640, 480)
    assert photo.content_hash == photo.sha256[:16]
    assert 15 <= len(base64.b64decode(photo.thumbhash)) <= 25
    assert photo.owner is None


def test_paths_contain_no_part_of_the_file_name(media):
    add_photo(data=making.encoded(making.scene()), name="../../SNEAKY\0.jpg")

    assert not [name for name in stored_files(media) if "SNEAKY" in name]
    assert not list(media.parent.glob("*SNEAKY*"))


def test_a_photo_added_twice_is_stored_once():
    data = making.encoded(making.scene(), "PNG")

    first = add_photo(data=data, name="a.png", credit="Eve")
    again = add_photo(data=data, name="b.png", credit="Mallory")

    assert (again.id, again.name, again.credit) == (first.id, "a.png", "Eve")
    assert Photo.objects.count() == 1


def test_the_same_photo_of_two_owners_is_two_photos(alice, bob):
    data = making.encoded(making.scene(), "PNG")

    owned = {add_photo(data=data, name="a.png", owner=owner).id for owner in (None, alice, bob)}

    assert len(owned) == 3


def test_a_refused_photo_leaves_neither_row_nor_file(media):
    with pytest.raises(PhotoRefused):
        add_photo(data=making.whole("JPEG")[:5000], name="cut.jpg")

    assert stored_files(media) == []
    assert not Photo.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_feature_extraction_is_requested_after_commit(services):
    with current_app.connection_for_write() as connection:
        connection.default_channel._purge("gpu")
        with transaction.atomic():
            photo = add_photo(data=making.encoded(making.scene()), name="a.jpg")
            before = connection.default_channel.client.llen("gpu")
        add_photo(data=making.encoded(making.scene()), name="again.jpg")

        waiting = connection.default_channel.client.lrange("gpu", 0, -1)

    assert (before, len(waiting)) == (0, 1)
    message = json.loads(waiting[0])
    assert message["headers"]["task"] == "personalize.tasks.extract_features"
    assert json.loads(base64.b64decode(message["body"]))[0] == [photo.id]


def test_a_disk_error_leaves_no_row_and_no_partial_file(media, monkeypatch):
    calls = iter([None, OSError("No space left on device")])

    def fsync(_handle):
        if (error := next(calls, None)) is not None:
            raise error

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        add_photo(data=making.encoded(making.scene()), name="a.jpg")

    assert not Photo.objects.exists()
    assert [name.rpartition("/")[2] for name in stored_files(media)] == ["320.webp"]
    add_photo(data=making.encoded(making.scene()), name="a.jpg")
    assert len(stored_files(media)) == 3


def test_a_process_killed_while_writing_leaves_only_complete_files(media, tmp_path):
    """The process ends while it writes the third file; files under their final names are complete."""
    (tmp_path / "scene.jpg").write_bytes(making.encoded(making.scene(1000, 700)))
    program = """
        import os, sys, django
        django.setup()
        from django.conf import settings
        from ratings.photos import files
        from ratings.photos.intake import normalise
        settings.MEDIA_ROOT = sys.argv[1]
        photo = normalise(open(sys.argv[2], "rb").read(), "a.jpg")
        left, real = iter(range(2)), os.fsync
        os.fsync = lambda handle: real(handle) if next(left, None) is not None else os.kill(os.getpid(), 9)
        files.store_files(photo)
    """
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", textwrap.dedent(program), str(media), str(tmp_path / "scene.jpg")]
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)

    assert killed.returncode == -9, killed.stderr.decode()
    assert [name.rpartition("/")[2] for name in stored_files(media / "photos")] == ["320.webp", "640.webp"]
    photo = add_photo(data=(tmp_path / "scene.jpg").read_bytes(), name="a.jpg")
    assert {name.rpartition("/")[2] for name in stored_files(media / "photos")} == set(files.file_names(photo))


def test_temporary_files_of_a_killed_import_are_removed_after_an_hour(media):
    old, young = media / "unfinished" / "old", media / "unfinished" / "young"
    old.parent.mkdir()
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)

    files.remove_unfinished()

    assert (old.exists(), young.exists()) == (False, True)


def test_the_next_import_restores_a_lost_file():
    data = making.encoded(making.scene())
    photo = add_photo(data=data, name="a.jpg")
    files.path(photo, "320.webp").unlink()

    add_photo(data=data, name="a.jpg")

    assert files.path(photo, "320.webp").exists()


def test_the_master_is_opened_as_rgb():
    photo = add_photo(data=making.encoded(making.scene(2500, 1000)), name="a.jpg")

    image = files.open_master(photo)

    assert (image.mode, image.size) == ("RGB", (2048, 819))


def test_urls_contain_the_content_hash():
    photo = add_photo(data=making.encoded(making.scene(1000, 600)), name="a.jpg")

    root = f"/photos/{photo.id}/{photo.content_hash}"
    assert files.src(photo) == f"{root}/640.webp"
    assert files.srcset(photo) == f"{root}/320.webp 320w, {root}/640.webp 640w, {root}/960.webp 960w, {root}/1000.webp 1000w"


def test_a_small_photo_has_only_urls_of_existing_files():
    photo = add_photo(data=making.encoded(making.scene(200, 100)), name="a.jpg")

    assert files.src(photo).endswith("/200.webp")
    assert files.srcset(photo).endswith("/200.webp 200w")
    assert files.srcset(photo).count(",") == 0


def test_texts_too_long_for_their_columns_are_truncated():
    photo = add_photo(data=making.encoded(making.scene()), name="n" * 5000, credit="c" * 5000, licence="l" * 5000, alt="a" * 5000)

    photo.refresh_from_db()
    assert (len(photo.name), len(photo.credit), len(photo.licence), len(photo.alt)) == (120, 300, 100, 300)


def test_progress_counts_photos_and_photos_with_features_of_the_current_projection():
    ready = add_photo(data=making.encoded(making.scene(seed=1)), name="a.jpg")
    add_photo(data=making.encoded(making.scene(seed=2)), name="b.jpg")
    use_bank("old")
    give_features(ready, np.zeros(256))
    assert progress() == Progress(total=2, ready=1)

    use_bank("new")

    assert progress() == Progress(total=2, ready=0)


def test_the_files_of_a_deleted_photo_are_deleted(media, django_capture_on_commit_callbacks):
    photo = add_photo(data=making.encoded(making.scene()), name="a.jpg")

    with django_capture_on_commit_callbacks(execute=True):
        photo.delete()

    assert stored_files(media) == []


def test_deleting_an_owner_deletes_the_files_of_their_photos(media, alice, django_capture_on_commit_callbacks):
    add_photo(data=making.encoded(making.scene()), name="a.jpg", owner=alice)

    with django_capture_on_commit_callbacks(execute=True):
        alice.delete()

    assert stored_files(media) == []


def test_files_stay_while_another_owner_has_the_same_photo(media, alice, bob, django_capture_on_commit_callbacks):
    for owner in (alice, bob):
        add_photo(data=making.encoded(making.scene()), name="a.jpg", owner=owner)

    with django_capture_on_commit_callbacks(execute=True):
        alice.delete()

    assert len(stored_files(media)) == 3


def test_files_stay_when_the_deletion_is_rolled_back(media):
    photo = add_photo(data=making.encoded(making.scene()), name="a.jpg")

    with transaction.atomic():
        photo.delete()
        transaction.set_rollback(True)

    assert len(stored_files(media)) == 3
