"""Health checks of database, Redis and workers, and the heartbeats of the workers, which say what each can do."""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TypedDict

import redis
from django.db import DatabaseError, connection

from ratings.redis_client import redis_client

HEARTBEAT_KEY = "pav:worker-heartbeat"
WORKERS_KEY = "pav:workers"  # hash: a worker's name -> its report and the time, by the clock of Redis
STALE_SECONDS = 60
FORGOTTEN_SECONDS = 3600


@dataclass(frozen=True)
class Worker:
    """What a worker process reports of itself."""

    name: str  # unique among all machines
    queues: tuple[str, ...]
    version: str  # of PAV


class Health(TypedDict):
    """Whether each part answers: the body of `/healthz`."""

    ok: bool
    database: bool
    redis: bool
    worker: bool
    worker_age: float | None  # seconds since the last heartbeat; null without one
    workers: dict[str, int] | None  # by queue; null where Redis does not respond


def beat() -> None:
    """Record the heartbeat of the sweep that Celery beat starts: tasks are sent, and done."""
    redis_client().set(HEARTBEAT_KEY, time.time(), ex=FORGOTTEN_SECONDS)


def report(worker: Worker) -> None:
    """Record that a worker lives. Repeat this within STALE_SECONDS."""
    now = _now()
    reported = redis_client().hgetall(WORKERS_KEY)
    forgotten = [name for name, text in reported.items() if json.loads(text)["time"] < now - FORGOTTEN_SECONDS]
    with redis_client().pipeline() as changes:
        if forgotten:
            changes.hdel(WORKERS_KEY, *forgotten)
        changes.hset(WORKERS_KEY, worker.name, json.dumps({**asdict(worker), "time": now}))
        changes.expire(WORKERS_KEY, FORGOTTEN_SECONDS)
        changes.execute()


def withdraw(worker: Worker) -> None:
    """Record that a worker ends."""
    redis_client().hdel(WORKERS_KEY, worker.name)


def live_workers() -> list[Worker]:
    """The workers that have reported lately.

    Raises:
        redis.RedisError: Redis does not respond.
    """
    since = _now() - STALE_SECONDS
    reports = [json.loads(text) for text in redis_client().hgetall(WORKERS_KEY).values()]
    return [Worker(one["name"], tuple(one["queues"]), one["version"]) for one in reports if one["time"] > since]


def exact_refits() -> bool | None:
    """Whether a live worker can do exact refits, and export exact fits.

    None where that is unknown: Redis does not respond, or no worker of queue `gpu` lives at this moment.
    """
    try:
        queues = {queue for worker in live_workers() for queue in worker.queues}
    except redis.RedisError:
        return None
    return "exact" in queues if "gpu" in queues else None


def takes_in_photos() -> bool | None:
    """Whether a live worker reads the photos that raters bring; None where Redis does not respond."""
    try:
        return any("intake" in worker.queues for worker in live_workers())
    except redis.RedisError:
        return None


def check() -> Health:
    """Ask database, Redis and workers."""
    age, workers = None, None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database = True
    except DatabaseError:
        database = False
    try:
        kept = redis_client().get(HEARTBEAT_KEY)
        queue = True
        age = round(time.time() - float(kept), 1) if kept else None
        workers = Counter(name for worker in live_workers() for name in worker.queues)
    except redis.RedisError:
        queue = False
    worker = age is not None and age < STALE_SECONDS
    return {
        "ok": database and queue and worker,
        "database": database,
        "redis": queue,
        "worker": worker,
        "worker_age": age,
        "workers": workers,
    }


def _now() -> int:
    """Seconds since 1970 by the clock of Redis, which all machines share."""
    seconds, _microseconds = redis_client().time()
    return int(seconds)
