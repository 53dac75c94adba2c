"""Photos that wait are described together."""

import pytest

from personalize.files import banks
from personalize.tasks import extract_features, sweep
from ratings import jobs
from ratings.models import PhotoFeatures
from ratings.photos import files
from ratings.photos.services import add_photo
from ratings.ranking import features
from ratings.ranking.features import use_bank
from tests.photos.making import encoded, scene


@pytest.fixture
def photos(db):
    card = banks.read_metadata()
    use_bank(hash=card.hash, metadata=card.facts)
    return [add_photo(data=encoded(scene(seed=number), "PNG"), name=f"p{number}.png") for number in range(3)]


def described():
    return set(PhotoFeatures.objects.values_list("photo_id", flat=True))


def test_one_photo_takes_those_after_it_along(photos):
    extract_features(photos[0].id)
    assert described() == {photo.id for photo in photos}


def test_a_photo_that_is_described_already_starts_nothing(photos):
    extract_features(photos[2].id)
    assert described() == {photos[2].id}
    extract_features(photos[2].id)
    assert described() == {photos[2].id}


def test_the_lost_file_of_another_photo_is_no_hindrance(photos):
    files.path(photos[1], files.MASTER).unlink()
    extract_features(photos[0].id)
    assert described() == {photos[0].id, photos[2].id}
    with pytest.raises(FileNotFoundError):
        extract_features(photos[1].id)


def test_a_damaged_file_is_no_hindrance_and_the_next_import_mends_it(photos):
    master = files.path(photos[1], files.MASTER)
    whole = master.read_bytes()
    master.write_bytes(whole[: len(whole) // 2])
    extract_features(photos[0].id)
    assert described() == {photos[0].id, photos[2].id}
    assert not files.is_readable(photos[1])
    add_photo(data=encoded(scene(seed=1), "PNG"), name="p1.png")
    assert master.read_bytes() == whole
    extract_features(photos[1].id)
    assert described() == {photo.id for photo in photos}


def test_lost_files_do_not_keep_those_after_them_waiting(photos, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(jobs, "request_features", asked.append)
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    monkeypatch.setattr("personalize.tasks.QUEUED_AT_ONCE", 1)
    monkeypatch.setattr(features, "READ_AT_ONCE", 1)
    files.path(photos[0], files.MASTER).unlink()
    files.path(photos[1], files.MASTER).unlink()
    sweep()
    assert asked == [photos[2].id]
