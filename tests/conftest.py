"""What every test can ask for: the embedded PostgreSQL and Redis, started when first wanted."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROCESSES = 2  # more would wait for the browser tests, which stay together


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`, which `./pav test` adds: two processes for the whole suite, none beside pytest's own for a part of it."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword and not config.option.markexpr
    return PROCESSES if whole and (os.cpu_count() or 1) >= PROCESSES else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    if config.option.dist != "loadfile":
        return None
    from tests.dividing import ByWhatIsShared

    config.option.loadscopereorder = False  # by the number of tests, which says nothing of their length
    return ByWhatIsShared(config, log)


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
