"""Celery tasks: requests, schedule and routes name existing tasks, and the workers for instant fits do not load torch."""

import base64
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from celery import current_app
from celery.schedules import maybe_schedule
from django.conf import settings

from pav_site.celery import app
from pav_site.environment import BASE
from ratings import jobs

REQUESTS = [request for name, request in inspect.getmembers(jobs, inspect.isfunction) if name.startswith("request_")]


@pytest.fixture
def queues(services: None) -> Iterator[set[str]]:
    """The queues that workers read, purged before and after the test."""
    names = {queue.name for queue in app.conf.task_queues}
    purge(names)
    yield names
    purge(names)


def purge(names: set[str]) -> None:
    with current_app.connection_for_write() as connection:
        for name in names:
            connection.default_channel.queue_purge(name)


def waiting(name: str) -> list[dict]:
    """The messages in a queue, as a worker would read them."""
    with current_app.connection_for_read() as connection:
        return [json.loads(message) for message in connection.default_channel.client.lrange(name, 0, -1)]


def test_every_request_queues_an_existing_task_with_valid_arguments(queues: set[str]) -> None:
    app.loader.import_default_modules()
    assert len(REQUESTS) == 12
    used = set()
    for request in REQUESTS:
        parameters = inspect.signature(request).parameters.values()
        sent = [uuid4() if parameter.annotation is UUID else 7 for parameter in parameters]
        request(*sent)
        ((queue, message),) = [(name, message) for name in queues for message in waiting(name)]
        purge(queues)
        task = app.tasks[message["headers"]["task"]]
        arguments, named, _ = json.loads(base64.b64decode(message["body"]))
        inspect.signature(task.run).bind(*arguments, **named)
        assert [str(argument) for argument in arguments] == [str(argument) for argument in sent]
        used.add(queue)
    assert used == queues


def test_every_scheduled_task_exists_and_has_a_queue_with_a_worker() -> None:
    app.loader.import_default_modules()
    worked = {queue.name for queue in app.conf.task_queues}
    assert app.conf.beat_schedule
    for entry in app.conf.beat_schedule.values():
        inspect.signature(app.tasks[entry["task"]].run).bind()
        assert entry["options"].get("queue", settings.CELERY_TASK_DEFAULT_QUEUE) in worked
        assert maybe_schedule(entry["schedule"]) is not None


def test_every_route_belongs_to_an_existing_task() -> None:
    app.loader.import_default_modules()
    assert set(settings.CELERY_TASK_ROUTES) <= set(app.tasks)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("refit_person", "refit_rater"),
        ("describe_photo", "extract_features"),
        ("refine_person", "exact_refit"),
        ("learn_population", "learn_population_prior"),
    ],
)
def test_a_task_that_was_queued_under_an_old_name_does_what_it_did(old: str, new: str) -> None:
    app.loader.import_default_modules()
    assert app.tasks[f"personalize.tasks.{old}"].run is app.tasks[f"personalize.tasks.{new}"].run


def test_a_worker_for_instant_fits_does_not_load_torch(tmp_path: Path) -> None:
    look = "import django, sys; django.setup(); import personalize.tasks; print('torch' in sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "pav_site.settings", "PYTHONPATH": str(BASE), "PAV_VAR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", look], env=environment, capture_output=True, text=True).stdout.strip() == "False"
