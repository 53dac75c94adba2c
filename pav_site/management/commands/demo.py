"""Everything with one command: `./pav demo`."""

import signal
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console

from pav_site import demo


class Command(BaseCommand):
    help = "Start PAV on this machine: services, photos, web server and workers. Ctrl-C ends all of it and keeps the ratings."
    requires_system_checks = []  # the database is not there yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--photos", type=folder, metavar="DIR", help="your own photos (JPEG, PNG, WebP, HEIC, AVIF), with all folders below"
        )
        parser.add_argument("--port", type=port, default=8000, help="a demo on another port has its own ratings and photos")
        parser.add_argument("--fresh", action="store_true", help="forget all ratings and photos of this port first")
        parser.add_argument("--no-browser", action="store_true", help="do not open a browser")

    def handle(self, *args: Any, **options: Any) -> None:
        for number in demo.ENDINGS:
            signal.signal(number, demo.end_on_signal)
        wish = demo.Wish(options["port"], options["photos"], options["fresh"], browser=not options["no_browser"])
        try:
            demo.run(wish, Console())
        except KeyboardInterrupt:
            with suppress(OSError):  # the terminal may have been closed
                self.stdout.write("PAV has ended.")


def port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ArgumentTypeError(f"{text!r} is not a port. Choose a number from 1024 to 65535.")
    return int(text)


def folder(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise ArgumentTypeError(f"there is no folder {path}. Check its name.")
    return path
