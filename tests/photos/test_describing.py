"""Photos that wait are described together."""

import pytest

from personalize.files import banks
from personalize.tasks import describe_photo
from ratings import media, services
from ratings.models import Description
from ratings.photo_services import add_photo
from tests.photos.making import encoded, scene


@pytest.fixture
def photos(db):
    card = banks.read_card()
    services.use_bank(hash=card.hash, card=card.facts)
    return [add_photo(data=encoded(scene(seed=number), "PNG"), name=f"p{number}.png") for number in range(3)]


def described():
    return set(Description.objects.values_list("photo_id", flat=True))


def test_one_photo_takes_those_after_it_along(photos):
    describe_photo(photos[0].id)
    assert described() == {photo.id for photo in photos}


def test_a_photo_that_is_described_already_starts_nothing(photos):
    describe_photo(photos[2].id)
    assert described() == {photos[2].id}
    describe_photo(photos[2].id)
    assert described() == {photos[2].id}


def test_the_lost_file_of_another_photo_is_no_hindrance(photos):
    media.path(photos[1], media.MASTER).unlink()
    describe_photo(photos[0].id)
    assert described() == {photos[0].id, photos[2].id}
    with pytest.raises(FileNotFoundError):
        describe_photo(photos[1].id)
