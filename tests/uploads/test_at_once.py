"""Uploads that are taken in at once, as a worker does it."""

import time

import pytest

from ratings.models import Original, Photo, Upload
from ratings.photos.intake import normalise
from ratings.uploads import services, sweeping, taking_in
from tests.photos import making
from tests.uploads.test_taking_in import Owner, jpeg, requested, starred

__all__ = ["requested"]  # the fixture
pytestmark = pytest.mark.django_db(transaction=True)


def test_files_of_one_shot_and_copies_become_one_photo_whoever_reads_them_first():
    alice, bob = Owner(), Owner()
    for number in range(4):
        alice.bring(making.dng(making.scene(320, 240, seed=number), orientation=6), f"IMG_{number}.dng")
        alice.bring(starred(number + 1, seed=number), f"IMG_{number}.jpg")
        for _copy in range(2):
            bob.bring(jpeg(number))

    assert not taking_in.work(4)

    assert set(Upload.objects.values_list("state", flat=True)) == {"done"}
    assert [photo.original_set.count() for photo in alice.photos()] == [2] * 4
    assert sorted(photo.file_rating for photo in alice.photos()) == [1, 2, 3, 4]
    assert (len(bob.photos()), Original.objects.filter(owner=bob.id).count()) == (4, 4)
    assert sweeping.difference(safe_seconds=0) == sweeping.Difference([], [], [])


def test_a_file_whose_worker_died_is_read_alone(monkeypatch):
    alice = Owner()
    suspect = alice.bring(jpeg())
    services.claim_next()
    services.requeue_lost()
    for seed in range(1, 4):
        alice.bring(jpeg(seed))
    spells = []

    def timed(data, name):
        began = time.monotonic()
        found = normalise(data, name)
        spells.append((began, time.monotonic(), name))
        return found

    monkeypatch.setattr(taking_in, "normalise", timed)

    taking_in.work(2)

    first, *others = sorted(spells)
    assert all(began >= first[1] for began, _end, _name in others)
    suspect.refresh_from_db()
    assert (suspect.state, suspect.attempts, Photo.objects.count()) == ("done", 2, 4)
