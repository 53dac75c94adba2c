"""Heartbeats of workers: what each can do, as Redis has it; real workers with and without PyTorch on the same queues."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from celery import current_app
from django.utils import timezone

from pav_site import heartbeat as beating
from pav_site.environment import BASE
from pav_site.heartbeat import heartbeat
from personalize import tasks
from personalize.worker import capabilities
from ratings import health, jobs
from ratings.health import Worker
from ratings.models import ExactRefit
from ratings.raters.services import make_guest
from ratings.redis_client import redis_client
from tests import torchless
from tests.guests import BANK, collect_requests, current_projection, report_worker
from tests.platform.machine import PATIENCE_SECONDS, until

QUEUES = ("refit", "gpu", "exact")


@pytest.fixture
def empty(services: None, settings) -> Iterator["redis.Redis"]:
    """Redis, empty before and after the test."""
    connection = redis.Redis.from_url(settings.REDIS_URL)
    connection.flushdb()
    yield connection
    connection.flushdb()


@pytest.fixture
def no_redis(settings) -> Iterator[None]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    yield
    redis_client.cache_clear()


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ([], None),
        ([("refit",)], None),
        ([("gpu",)], False),
        ([("refit",), ("gpu",)], False),
        ([("gpu",), ("gpu", "exact")], True),
    ],
)
def test_exact_refits_are_possible_where_a_live_worker_does_them_and_unknown_without_a_slow_worker(empty, live, expected):
    for queues in live:
        report_worker(*queues)
    assert health.exact_refits() is expected


def test_without_redis_nothing_is_said_about_exact_refits(no_redis):
    assert health.exact_refits() is None


def test_a_worker_that_no_longer_reports_is_not_live_and_is_forgotten_later(empty, monkeypatch):
    old = report_worker("gpu", "exact")
    assert health.live_workers() == [old]
    now = health._now()
    monkeypatch.setattr(health, "_now", lambda: now + health.STALE_SECONDS)
    assert health.live_workers() == []
    new = report_worker("gpu")
    assert health.live_workers() == [new]
    assert set(empty.hkeys(health.WORKERS_KEY)) == {old.name.encode(), new.name.encode()}
    monkeypatch.setattr(health, "_now", lambda: now + health.FORGOTTEN_SECONDS + 1)
    health.report(new)
    assert empty.hkeys(health.WORKERS_KEY) == [new.name.encode()]
    assert 0 < empty.ttl(health.WORKERS_KEY) <= health.FORGOTTEN_SECONDS


@pytest.mark.django_db
def test_the_health_check_counts_live_workers_by_queue_and_names_no_machine(client):
    for queues in (("refit",), ("gpu",), ("gpu", "exact")):
        report_worker(*queues)
    reply = client.get("/healthz")
    assert reply.json()["workers"] == {"refit": 1, "gpu": 2, "exact": 1}
    assert "@test" not in reply.content.decode()


@pytest.mark.django_db
def test_the_health_check_has_no_workers_without_redis(client, no_redis):
    parts = client.get("/healthz").json()
    assert (parts["redis"], parts["worker"], parts["worker_age"], parts["workers"]) == (False, False, None, None)


def test_a_heartbeat_goes_on_until_the_worker_ends(empty, monkeypatch):
    monkeypatch.setattr(beating, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(beating, "GRACE_SECONDS", PATIENCE_SECONDS)
    worker = Worker("gpu@here:1", ("gpu",), "1")
    with heartbeat(worker):
        until(lambda: health.live_workers() == [worker])
        empty.flushdb()  # a Redis that restarts is empty
        until(lambda: health.live_workers() == [worker])
    assert health.live_workers() == []


def test_a_heartbeat_without_redis_disturbs_nobody(no_redis, caplog, capfd):
    with heartbeat(Worker("gpu@here:1", ("gpu",), "1")):
        pass
    assert (caplog.text, *capfd.readouterr()) == ("", "", "")


@pytest.mark.django_db
@pytest.mark.parametrize("another", [True, False])
def test_a_worker_without_torch_hands_a_step_on_or_ends_the_exact_refit(another, photos, monkeypatch, caplog):
    """Versions before queued steps for every worker of queue `gpu`."""
    requested = collect_requests(monkeypatch, "request_exact_refit")
    monkeypatch.setattr(capabilities, "exact_fits", lambda: False)
    report_worker("gpu")
    if another:
        report_worker("gpu", "exact")
    rater, queued = make_guest(), timezone.now()
    own = {"bank_id": BANK, "projection_id": current_projection(), "ratings_seq": 20}
    ExactRefit.objects.create(rater=rater, step=2, step_queued_at=queued, **own)
    tasks.exact_refit(str(rater.id))
    row = ExactRefit.objects.get(rater=rater)
    assert (requested, row.step, row.step_queued_at) == (([rater.id], 2, queued) if another else ([], 2, None))
    assert "./pav install research" in caplog.text


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(empty, tmp_path: Path) -> Iterator[Start]:
    """Starts a slow worker as `./pav worker` does, with or without PyTorch; its log is in the test's folder."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*, torch: bool) -> subprocess.Popen[bytes]:
        own = {**os.environ, "PYTHONPATH": str(BASE)} if torch else torchless.environment(tmp_path / "hidden")
        command = [sys.executable, "manage.py", "worker", "--queue", "gpu"]
        with (tmp_path / f"{'with' if torch else 'without'}.log").open("wb") as log:
            variables = {**own, "DJANGO_SETTINGS_MODULE": "tests.settings"}
            started.append(subprocess.Popen(command, env=variables, cwd=BASE, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def waiting() -> dict[str, int]:
    with current_app.connection_for_read() as connection:
        return {name: connection.default_channel.client.llen(name) for name in QUEUES}


def test_of_two_slow_workers_the_one_with_torch_does_exact_refits(start: Start, tmp_path: Path) -> None:
    without = start(torch=False)
    until(lambda: health.exact_refits() is False)
    jobs.request_exact_refit(uuid4())
    start(torch=True)
    until(lambda: health.exact_refits() is True)
    assert sorted(worker.queues for worker in health.live_workers()) == [("gpu",), ("gpu", "exact")]
    until(lambda: waiting() == {"refit": 0, "gpu": 0, "exact": 0})

    without.send_signal(signal.SIGTERM)
    assert without.wait(PATIENCE_SECONDS) == 0
    assert [worker.queues for worker in health.live_workers()] == [("gpu", "exact")]
    log = (tmp_path / "without.log").read_text()
    assert "Traceback" not in log
    assert "./pav install research" in log
