"""Feature extraction: waiting photos are processed in one batch; lost and damaged files are skipped."""

import numpy as np
import pytest

from personalize.files import banks
from personalize.tasks import extract_features, fill_projection, sweep
from ratings import jobs
from ratings.models import PhotoFeatures, RawFeatures
from ratings.photos import files
from ratings.photos.services import add_photo
from ratings.ranking import projections, raw_features
from tests.guests import features_of, use_bank
from tests.photos.making import encoded, scene


@pytest.fixture
def photos(db):
    use_bank(banks.read_metadata().hash)
    return [add_photo(data=encoded(scene(seed=number), "PNG"), name=f"p{number}.png") for number in range(3)]


def with_features():
    return set(PhotoFeatures.objects.values_list("photo_id", flat=True))


def test_one_task_extracts_features_of_the_photos_that_follow(photos):
    extract_features(photos[0].id)
    assert with_features() == {photo.id for photo in photos}


def test_raw_vectors_are_stored_and_features_of_every_projection_that_is_wanted(photos):
    current = projections.current()
    filling = projections.begin(after=current, data=projections.data(current.id), photo_count=100)
    extract_features(photos[0].id)
    assert set(RawFeatures.objects.values_list("photo_id", flat=True)) == {photo.id for photo in photos}
    stored = [PhotoFeatures.objects.get(photo=photos[1], projection=version) for version in (current.id, filling.pk)]
    assert list(stored[0].features) == list(stored[1].features)
    (expected,) = features_of([files.open_master(photos[1])])
    np.testing.assert_allclose(list(stored[0].features), expected, atol=5e-3)


def test_a_worker_killed_after_storing_raw_vectors_leaves_the_features_to_the_sweeper(photos, monkeypatch):
    def killed(**_):
        raise SystemExit

    filled: list[int] = []
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    monkeypatch.setattr(jobs, "request_fill", filled.append)
    with monkeypatch.context() as context:
        context.setattr("personalize.worker.feature_extraction.store_features", killed)
        with pytest.raises(SystemExit):
            extract_features(photos[0].id)
    assert with_features() == set()
    sweep()
    fill_projection(filled.pop())
    assert with_features() == {photo.id for photo in photos}


def test_a_photo_that_has_features_starts_no_extraction(photos):
    extract_features(photos[2].id)
    assert with_features() == {photos[2].id}
    extract_features(photos[2].id)
    assert with_features() == {photos[2].id}


def test_the_lost_file_of_one_photo_does_not_stop_the_batch(photos):
    files.path(photos[1], files.MASTER).unlink()
    extract_features(photos[0].id)
    assert with_features() == {photos[0].id, photos[2].id}
    with pytest.raises(FileNotFoundError):
        extract_features(photos[1].id)


def test_a_damaged_file_does_not_stop_the_batch_and_is_restored_by_the_next_import(photos):
    master = files.path(photos[1], files.MASTER)
    intact = master.read_bytes()
    master.write_bytes(intact[: len(intact) // 2])
    extract_features(photos[0].id)
    assert with_features() == {photos[0].id, photos[2].id}
    assert not files.is_readable(photos[1])
    add_photo(data=encoded(scene(seed=1), "PNG"), name="p1.png")
    assert master.read_bytes() == intact
    extract_features(photos[1].id)
    assert with_features() == {photo.id for photo in photos}


def test_photos_with_lost_files_do_not_block_the_photos_that_follow(photos, monkeypatch):
    requested: list[int] = []
    monkeypatch.setattr(jobs, "request_features", requested.append)
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    monkeypatch.setattr("personalize.tasks.QUEUED_AT_ONCE", 1)
    monkeypatch.setattr(raw_features, "READ_AT_ONCE", 1)
    files.path(photos[0], files.MASTER).unlink()
    files.path(photos[1], files.MASTER).unlink()
    sweep()
    assert requested == [photos[2].id]
