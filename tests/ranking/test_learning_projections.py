"""Learning of projections: when it is due, what it refuses, and the command learn_projection."""

import io

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from personalize import tasks
from personalize.errors import BadProjection
from personalize.tasks import learn_projection, sweep
from personalize.worker import loaded_bank
from personalize.worker import projections as worker
from ratings.models import Photo, PhotoFeatures, Projection, RawFeatures
from ratings.ranking import projections, raw_features
from ratings.ranking.projections import next_threshold
from ratings.sql import to_list
from tests.ranking.versions import (
    EXTRACTORS,
    OTHER_EXTRACTORS,
    WIDTH,
    add_photos,
    collect_all_requests,
    fill,
    install,
    learn,
    new_installation,
)


@pytest.fixture
def installation(db, monkeypatch) -> None:
    new_installation(monkeypatch)


@pytest.fixture
def requested(monkeypatch) -> dict[str, list]:
    return collect_all_requests(monkeypatch)


def command(**options: bool) -> str:
    out = io.StringIO()
    call_command("learn_projection", stdout=out, **options)
    return out.getvalue()


def refused(**options: bool) -> str:
    with pytest.raises(CommandError) as error:
        command(**options)
    return str(error.value)


@pytest.mark.parametrize(
    ("learned_from", "threshold"), [(0, 100), (99, 100), (100, 300), (299, 300), (300, 1000), (999, 1000), (1000, 3000), (20_000, 30_000)]
)
def test_thresholds(learned_from: int, threshold: int):
    assert next_threshold(learned_from) == threshold


class TestDue:
    def test_the_sweeper_requests_learning_at_each_threshold(self, installation, requested):
        add_photos(99)
        sweep()
        assert requested["request_learning"] == []
        add_photos(1, seed=1)
        sweep()
        assert requested["request_learning"] == [projections.current().id]
        learn_projection(requested["request_learning"].pop())
        fill(requested["request_fill"].pop())
        assert projections.current().photo_count == 100
        add_photos(199, seed=2)
        sweep()
        assert requested["request_learning"] == []
        add_photos(1, seed=3)
        sweep()
        assert requested["request_learning"] == [projections.current().id]

    def test_learning_that_runs_twice_or_late_begins_one_projection(self, installation, requested):
        add_photos(100)
        first = projections.current().id
        learn_projection(first)
        learn_projection(first)
        fill(projections.filling().id)
        learn_projection(first)
        assert Projection.objects.count() == 2

    def test_a_projection_that_was_brought_back_stays_until_the_next_threshold(self, installation, requested):
        add_photos(100)
        fill(learn())
        fill(projections.rollback())
        assert projections.current().photo_count == 0
        sweep()
        assert requested["request_learning"] == []

    def test_a_failure_is_recorded_and_learning_waits_for_more_photos(self, installation, requested, monkeypatch):
        monkeypatch.setattr("tests.ranking.versions.raw_vectors", lambda count, *_: np.ones((count, WIDTH), dtype=np.float32))
        add_photos(100)
        learn_projection(projections.current().id)
        assert projections.filling() is None
        assert "all alike" in Projection.objects.latest("id").problem
        sweep()
        assert requested["request_learning"] == []
        assert "not learned from 100 photos: The 100 photos are all alike" in command(status=True)

    def test_photos_that_wait_for_extraction_come_first(self, installation, requested, monkeypatch):
        monkeypatch.setattr("ratings.photos.files.is_readable", lambda photo: True)
        (new, *_) = add_photos(100)
        RawFeatures.objects.filter(photo=new).delete()
        sweep()
        assert requested["request_features"] == [new.id]
        assert requested["request_learning"] == []


class TestWorker:
    def test_at_most_so_many_photos_are_read_and_the_same_ones_each_time(self, installation, monkeypatch):
        add_photos(50)
        photos = raw_features.sample(EXTRACTORS, 20)
        assert len(photos) == 20 != len(set(photos) & set(sorted(Photo.objects.values_list("id", flat=True))[:20]))
        assert raw_features.sample(EXTRACTORS, 20) == photos
        monkeypatch.setattr(raw_features, "READ_AT_ONCE", 8)
        assert [len(batch) for batch in raw_features.batches(EXTRACTORS, photos)] == [8, 8, 4]

    def test_the_features_are_those_of_the_stored_projection(self, installation):
        add_photos(40)
        new = learn()
        fill(new)
        ids, raw = zip(*RawFeatures.objects.order_by("photo_id").values_list("photo_id", "data"), strict=True)
        expected = worker.loaded(new).apply(np.stack([np.frombuffer(bytes(one), dtype="<f2") for one in raw]).astype(np.float32))
        rows = dict(PhotoFeatures.objects.filter(projection=new).values_list("photo_id", "features"))
        np.testing.assert_allclose([to_list(rows[photo]) for photo in ids], expected, atol=2e-3)

    def test_only_one_process_learns_or_fills(self, installation, monkeypatch):
        add_photos(20)
        monkeypatch.setattr(projections, "one_worker", lambda: _busy())
        assert worker.learn(projections.current()) is None
        assert worker.fill_step(projections.current().id) is False

    def test_a_raw_vector_of_another_length_is_refused_and_the_old_state_stays(self, installation):
        photos = add_photos(20)
        RawFeatures.objects.filter(photo=photos[3]).update(data=b"\0" * 8)
        with pytest.raises(BadProjection, match="have 4 and 64 numbers"):
            learn()
        assert projections.filling() is None

    def test_raw_vectors_that_the_bank_does_not_give_are_refused(self, installation, monkeypatch):
        add_photos(20)
        install(monkeypatch, width=70)
        with pytest.raises(BadProjection, match="have 64 raw features here, but the projection takes 70"):
            learn()

    def test_numbers_that_are_not_finite_are_not_stored(self, installation):
        photo = add_photos(1, with_features=False)[0]
        with pytest.raises(ValueError, match=f"photo {photo.id} has numbers that are not finite"):
            raw_features.store_raw_features(extractors=OTHER_EXTRACTORS, photo_ids=[photo.id], raw=np.array([[1.0, np.nan]]))
        with pytest.raises(ValueError, match="not finite in half precision"):
            raw_features.store_raw_features(extractors=OTHER_EXTRACTORS, photo_ids=[photo.id], raw=np.array([[1.0, 1e6]]))


class _busy:  # noqa: N801 (used as a context manager)
    def __enter__(self) -> bool:
        return False

    def __exit__(self, *_: object) -> None:
        pass


class TestCommand:
    def test_it_learns_now_and_status_shows_the_share_filled(self, installation, requested):
        add_photos(20)
        said = command()
        new = projections.filling().id
        assert said == f"Version {new} fills in the background, and is in use when it is whole.\n"
        assert requested["request_fill"] == [new]
        first, second = command(status=True).splitlines()
        assert first.startswith(f"Version {new}: filling, 0 of 20 photos, bank first, ")
        assert first.endswith("learned from 20 photos")
        assert "current, 20 of 20 photos" in second
        assert second.endswith("came with the bank")

    def test_it_brings_the_version_before_back(self, installation, requested):
        add_photos(20)
        old = projections.current().id
        fill(learn())
        assert command(rollback=True).startswith(f"Version {old} fills")
        assert requested["request_fill"] == [old]

    def test_too_few_photos_are_refused(self, installation):
        add_photos(3)
        assert refused() == "3 photos have features; a projection needs at least 10. Import more photos first."
        assert projections.filling() is None

    def test_photos_that_are_all_alike_are_refused(self, installation, monkeypatch):
        monkeypatch.setattr("tests.ranking.versions.raw_vectors", lambda count, *_: np.ones((count, WIDTH), dtype=np.float32))
        add_photos(12)
        assert refused().startswith("The 12 photos are all alike")
        assert projections.filling() is None

    def test_a_version_that_is_filling_already_is_not_replaced(self, installation):
        add_photos(20)
        learn()
        assert refused().startswith("A new version is filling already.")
        assert refused(rollback=True).startswith("A new version is filling already.")

    def test_nothing_to_bring_back_is_said(self, installation):
        assert refused(rollback=True).startswith("Only a version that is kept can be brought back")

    def test_photos_of_another_bank_than_the_installed_one_are_not_learned_from(self, installation, monkeypatch):
        add_photos(20)
        monkeypatch.setattr(loaded_bank, "extractors", lambda: OTHER_EXTRACTORS)
        assert "ranked by another bank than the installed one" in refused()

    def test_without_a_bank_it_refers_to_the_doctor(self, no_bank):
        assert refused() == refused(status=True) == "There is no current bank. ./pav doctor says why."


def test_a_sweep_survives_a_bank_that_cannot_be_read(installation, requested, monkeypatch):
    def missing() -> str:
        raise tasks.feature_extraction.BadBank("gone")

    add_photos(100)
    monkeypatch.setattr(loaded_bank, "extractors", missing)
    sweep()
    assert requested["request_features"] == []
