"""The web server alone: `./pav serve`."""

from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand

from pav_site.processes import end_with_parent


class Command(BaseCommand):
    help = "Run the web server: pages, API and websockets. It needs `./pav migrate` once before, and workers beside it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--with-parent", action="store_true", help="end when the process that holds our stdin ends")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            end_with_parent()
        uvicorn.run(
            "pav_site.asgi:application",
            host=options["host"],
            port=options["port"],
            log_config=None,
            access_log=False,
            proxy_headers=False,  # who may claim to be a proxy is for the proxy's own configuration to say, not for a header
            timeout_graceful_shutdown=3,  # websockets never end by themselves
            ws_max_size=4096,
            lifespan="off",
        )
