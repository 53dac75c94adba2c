"""One worker alone: `./pav worker --queue refit`."""

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
GIVES_WAY = 10  # to processes that people wait for: what runs on queue `gpu` takes seconds and is waited for by nobody


class Command(BaseCommand):
    help = "Run a worker. Queue `refit` fits people (NumPy, milliseconds); queue `gpu` does what takes seconds (torch; a GPU helps)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", choices=["refit", "gpu"], required=True)
        parser.add_argument("--beat", action="store_true", help="also send the periodic tasks; in one worker of the whole deployment")
        parser.add_argument("--with-parent", action="store_true", help="end when the process that holds our stdin ends")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            end_with_parent()
        if options["queue"] == "refit":
            # A fit is a few hundred thousand multiplications: threads of the linear algebra would cost more than they save, and
            # take the other workers' cores.
            threadpool_limits(1)
        elif hasattr(os, "nice"):
            os.nice(GIVES_WAY)
        if options["beat"]:
            EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler").start()  # keeps nothing on disk
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
