"""Fixtures for all tests: embedded PostgreSQL and Redis, started on first use; an empty media folder and Redis for each test; guests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.dividing import GroupedScheduling, turn

pytest_plugins = ["tests.guests"]

hypothesis.settings.register_profile("busy machines", deadline=None)
hypothesis.settings.load_profile("busy machines")

PROCESSES = 2  # the browser tests share one process and take longest, so more processes save no time


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The number of processes for `-n auto`, which `./pav test` adds: two for the whole suite; none besides pytest itself for a part."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword and not config.option.markexpr
    return PROCESSES if whole and (os.cpu_count() or 1) >= PROCESSES else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False  # it sorts by the number of tests, which does not predict the run time
    return GroupedScheduling(config, log)


@pytest.fixture(scope="session")
def services() -> Iterator[None]:
    """PostgreSQL with pgvector, and Redis; both empty, both running until the test run ends."""
    from django.conf import settings

    with settings.EMBEDDED.started():
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: None) -> None:
    """Start the services before pytest-django opens the database."""


def _uses_database(request: pytest.FixtureRequest) -> bool:
    return bool({"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"))


@pytest.fixture(autouse=True)
def media(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A media folder for each test that uses the database, so that no test sees the files of another."""
    if not _uses_database(request):
        yield Path(os.devnull)
        return
    settings = request.getfixturevalue("settings")
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    yield settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def empty_redis(request: pytest.FixtureRequest) -> None:
    """Clear queues and rate limits before each test that uses the database."""
    if _uses_database(request):
        import redis

        request.getfixturevalue("services")
        redis.Redis.from_url(request.getfixturevalue("settings").REDIS_URL).flushdb()
