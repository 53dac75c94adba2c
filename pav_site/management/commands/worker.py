"""`./pav worker`: a Celery worker for one queue."""

import logging
import os
from argparse import ArgumentParser
from socket import gethostname
from typing import Any

from celery.beat import EmbeddedService
from django.core.management.base import BaseCommand
from threadpoolctl import threadpool_limits

from pav_site.celery import app
from pav_site.processes import end_with_parent

POOL = "solo"  # docs/decisions/worker-pool.md
NICENESS = 10  # nobody waits for the tasks of queue `gpu`, which take seconds: they must not slow down the other processes


class Command(BaseCommand):
    help = "Run a worker. Queue `refit` runs instant fits (NumPy, milliseconds); queue `gpu` runs slow tasks (torch, seconds; a GPU helps)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", choices=["refit", "gpu"], required=True)
        parser.add_argument(
            "--beat", action="store_true", help="also send the periodic tasks; give it to exactly one worker of the deployment"
        )
        parser.add_argument("--with-parent", action="store_true", help="exit when the process that holds stdin open exits")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            end_with_parent()
        if options["queue"] == "refit":
            # A fit takes a few hundred thousand multiplications: threads in linear algebra would cost more than they save, and occupy
            # the cores of the other workers.
            threadpool_limits(1)
        elif hasattr(os, "nice"):
            os.nice(NICENESS)
        if options["beat"]:
            EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler").start()  # stores nothing on disk
        logging.getLogger("celery.beat").setLevel(logging.WARNING)
        worker = app.Worker(
            queues=options["queue"],
            pool_cls=POOL,
            concurrency=1,
            hostname=f"{options['queue']}@{gethostname()}",
            loglevel="INFO",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        worker.start()
        raise SystemExit(worker.exitcode or 0)
