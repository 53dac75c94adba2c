"""`./pav serve`: the web server."""

from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand

from pav_site.processes import end_with_parent


class Command(BaseCommand):
    help = "Run the web server: pages, API and websockets. Run `./pav migrate` first, and start the workers too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: only this machine)")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--with-parent", action="store_true", help="exit when the process that holds stdin open exits")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            end_with_parent()
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
