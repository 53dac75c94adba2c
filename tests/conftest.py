"""Fixtures for all tests: the embedded PostgreSQL and Redis, started on first use; a clean media folder and Redis; guests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest_plugins = ["tests.guests"]

hypothesis.settings.register_profile("busy machines", deadline=None)
hypothesis.settings.load_profile("busy machines")

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


def _uses_database(request: pytest.FixtureRequest) -> bool:
    return bool({"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"))


@pytest.fixture(autouse=True)
def media(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A media folder for each test that uses the database: no test sees another's files."""
    if not _uses_database(request):
        yield Path(os.devnull)
        return
    settings = request.getfixturevalue("settings")
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    yield settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def empty_redis(request: pytest.FixtureRequest) -> None:
    """Each test that uses the database starts with empty queues and unused rate limits."""
    if _uses_database(request):
        import redis

        request.getfixturevalue("services")
        redis.Redis.from_url(request.getfixturevalue("settings").REDIS_URL).flushdb()
