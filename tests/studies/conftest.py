"""Alice and Bob do research; photos of the catalogue."""

import pytest

from ratings.models import Photo
from tests.guests import make_photos
from tests.studies.taking_part import Researcher


@pytest.fixture(autouse=True)
def _hosts(settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def few(db: None) -> list[Photo]:
    return make_photos(4)


@pytest.fixture
def dora(db: None) -> Researcher:
    return Researcher("dora")


@pytest.fixture
def erik(db: None) -> Researcher:
    return Researcher("erik")
