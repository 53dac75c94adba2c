"""Photos to choose the next cards from: a random sample of those that a rater has never been shown."""

from uuid import UUID

import pytest
from django.db import connection

from ratings.deck.selectors import candidates
from ratings.models import Photo, Presentation
from ratings.photos.scopes import CATALOGUE
from ratings.raters.services import make_guest


@pytest.fixture
def rows_in_the_table(db):
    """Pretend that so many photos have features: a large catalogue is sampled."""

    def pretend(count: int) -> None:
        connection.cursor().execute("UPDATE pg_class SET reltuples = %s WHERE relname = 'ratings_photofeatures'", [count])

    return pretend


@pytest.mark.parametrize("rows", [-1, 100, 10_000_000])
def test_every_photo_that_was_not_presented_comes_up_in_time(alice, photos, rows_in_the_table, rows):
    presented = {card["photo"]["id"] for card in alice.deck()}
    rows_in_the_table(rows)
    seen: set[int] = set()
    for _ in range(200):
        found, features = candidates(UUID(alice.id), CATALOGUE, 2)
        assert (len(set(found.tolist())), features.shape) == (2, (2, 256))
        seen |= set(found.tolist())
    assert seen == {photo.id for photo in photos} - presented


def test_few_photos_that_are_left_are_all_found(photos, rows_in_the_table):
    rows_in_the_table(10_000)
    rater, left = make_guest(), {photo.id for photo in photos[-3:]}
    for position, photo in enumerate(Photo.objects.exclude(id__in=left)):
        Presentation.objects.create(rater=rater, photo=photo, algorithm="random", reason={}, position=position)
    found, _ = candidates(rater.id, CATALOGUE, 100)
    assert set(found.tolist()) == left
