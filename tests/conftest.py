"""What every test can ask for: the embedded PostgreSQL and Redis, started when first wanted."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("busy machines", deadline=None)
hypothesis.settings.load_profile("busy machines")


@pytest.fixture(scope="session")
def services() -> Iterator[None]:
    """PostgreSQL with pgvector and Redis, empty, for the length of the test run."""
    from django.conf import settings

    with settings.EMBEDDED.started():
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: None) -> None:
    """Every test that asks for the database asks for the services first."""


@pytest.fixture(autouse=True)
def media(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A media folder per test that uses the database: no test sees another's files."""
    if (
        "db" not in request.fixturenames
        and "transactional_db" not in request.fixturenames
        and not request.node.get_closest_marker("django_db")
    ):
        yield Path(os.devnull)
        return
    settings = request.getfixturevalue("settings")
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    yield settings.MEDIA_ROOT
