"""Health checks of database, Redis and workers, and the worker heartbeat."""

import time
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection

HEARTBEAT_KEY = "pav:worker-heartbeat"
STALE_SECONDS = 60


def beat() -> None:
    """Record the worker heartbeat; called by the sweep that Celery beat starts."""
    _redis().set(HEARTBEAT_KEY, time.time(), ex=3600)


def check() -> dict[str, Any]:
    """Each part: true or false; `worker_age` is seconds since the last heartbeat, null without one."""
    age = None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database = True
    except DatabaseError:
        database = False
    try:
        kept = _redis().get(HEARTBEAT_KEY)
        queue = True
        age = round(time.time() - float(kept), 1) if kept else None
    except redis.RedisError:
        queue = False
    worker = age is not None and age < STALE_SECONDS
    return {"ok": database and queue and worker, "database": database, "redis": queue, "worker": worker, "worker_age": age}


def _redis() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
