"""`./pav worker`: a Celery worker for one queue or several."""

import logging
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from socket import gethostname
from typing import Any

from celery.beat import EmbeddedService
from django.core.management.base import BaseCommand
from threadpoolctl import threadpool_limits

from pav_site.celery import app
from pav_site.heartbeat import heartbeat
from pav_site.idle_memory import return_when_idle
from pav_site.processes import end_with_parent, yield_to_others
from personalize import __version__
from personalize.worker import capabilities
from ratings.health import Worker

logger = logging.getLogger(__name__)

POOL = "solo"  # docs/decisions/worker-pool.md


class Command(BaseCommand):
    help = (
        "Run a worker. Queue `refit` runs instant fits (milliseconds); queue `gpu` runs slow tasks (seconds), among them exact refits "
        "where PyTorch is installed (./pav install research; a GPU helps); queue `intake` reads the photos that raters bring, and packs "
        "those that they take home."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queue", choices=["refit", "gpu", "intake"], action="append", required=True, help="may be given more than once"
        )
        parser.add_argument(
            "--beat", action="store_true", help="also send the periodic tasks; give it to exactly one worker of the deployment"
        )
        parser.add_argument("--with-parent", action="store_true", help="exit when the process that holds stdin open exits")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            end_with_parent()
        chosen: list[str] = options["queue"]
        if "refit" in chosen:
            # A fit takes a few hundred thousand multiplications: threads in linear algebra would cost more than they save, and occupy
            # the cores of the other workers.
            threadpool_limits(1)
        else:
            yield_to_others()
            return_when_idle()
        if options["beat"]:
            EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler").start()  # stores nothing on disk
        logging.getLogger("celery.beat").setLevel(logging.WARNING)
        queues, name = _queues(chosen), f"{'+'.join(chosen)}@{gethostname()}"
        worker = app.Worker(
            queues=queues,
            pool_cls=POOL,
            concurrency=1,
            hostname=name,
            loglevel="INFO",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        with heartbeat(Worker(f"{name}:{os.getpid()}", queues, __version__)):
            worker.start()
        raise SystemExit(worker.exitcode or 0)


def _queues(chosen: Sequence[str]) -> tuple[str, ...]:
    """The queues to take tasks from: `exact` too, where the packages for its tasks are installed (docs/decisions/exact-queue.md)."""
    if "gpu" not in chosen:
        return tuple(chosen)
    if capabilities.exact_fits():
        return (*chosen, "exact")
    logger.info("This worker does no exact refits: PyTorch is not installed. ./pav install research installs it; then restart the worker.")
    return tuple(chosen)
