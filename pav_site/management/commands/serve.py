"""`./pav serve`: the web server."""

import importlib
import socket
import time
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand

from pav_site.processes import end_with_parent

POLL_SECONDS = 0.02  # while the port is in use


class Command(BaseCommand):
    help = "Run the web server: pages, API and websockets. Run `./pav migrate` first, and start the workers too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: only this machine)")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--wait-for-port", action="store_true", help="wait until the port is free, with the code loaded")
        parser.add_argument("--with-parent", action="store_true", help="exit when the process that holds stdin open exits")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            end_with_parent()
        if options["wait_for_port"]:
            importlib.import_module(settings.ROOT_URLCONF)
            _wait(options["host"], options["port"])
        uvicorn.run(
            "pav_site.asgi:application",
            host=options["host"],
            port=options["port"],
            log_config=None,
            access_log=False,
            proxy_headers=False,  # any client could send these headers
            timeout_graceful_shutdown=3,  # websockets never close by themselves
            ws_max_size=4096,
            lifespan="off",
        )


def _wait(host: str, port: int) -> None:
    """Wait until nobody listens on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with suppress(OSError), socket.create_server((host, port), family=family):
            return
        time.sleep(POLL_SECONDS)
