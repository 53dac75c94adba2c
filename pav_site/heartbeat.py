"""Heartbeat of a worker process, from a thread: a worker without a pool is busy with one task, which may take minutes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from redis import RedisError

from ratings import health
from ratings.health import Worker

BEAT_SECONDS = 15  # a quarter of the time after which a worker counts as gone
GRACE_SECONDS = 3  # for the last message, where Redis responds slowly


@contextmanager
def heartbeat(worker: Worker) -> Iterator[None]:
    """Report a worker until the block ends."""
    ended = Event()
    thread = Thread(target=_beat, args=(worker, ended), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(GRACE_SECONDS)


def _beat(worker: Worker, ended: Event) -> None:
    while not ended.is_set():
        with suppress(RedisError):  # Celery logs that Redis is down
            health.report(worker)
        ended.wait(BEAT_SECONDS)
    with suppress(RedisError):
        health.withdraw(worker)
