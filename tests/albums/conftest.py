"""Alice has an album of her own photos; Bob is a stranger."""

from uuid import UUID

import pytest

from ratings.albums import services
from ratings.models import Album, Photo, Rater
from tests.guests import Guest, make_photos


@pytest.fixture
def own_photos(alice: Guest) -> list[Photo]:
    return make_photos(12, seed=7, owner=Rater.objects.get(id=alice.id))


@pytest.fixture
def album(alice: Guest, own_photos: list[Photo]) -> Album:
    made = services.create_album(owner_id=UUID(alice.id), name="Sea")
    services.add_photos(owner_id=UUID(alice.id), album_id=made.id, photo_ids=[photo.id for photo in own_photos])
    made.refresh_from_db()
    return made
