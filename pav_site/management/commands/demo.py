"""`./pav demo`: all of PAV with one command."""

import signal
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from pav_site import demo


class Command(BaseCommand):
    help = "Run PAV on this machine: services, photos, web server and workers. Ctrl-C stops all of them and keeps the ratings."
    requires_system_checks = []  # the database does not exist yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--photos",
            type=folder,
            metavar="DIR",
            help="use the photos (JPEG, PNG, WebP, HEIC, AVIF) in this folder and its subfolders",
        )
        parser.add_argument("--port", type=port, default=8000, help="port of the web page; each port has its own ratings and photos")
        parser.add_argument("--fresh", action="store_true", help="delete all ratings and photos of this port first")
        parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
        parser.add_argument("--study", action="store_true", help="also open the example of a rating study, and show it")

    def handle(self, *args: Any, **options: Any) -> None:
        for number in demo.END_SIGNALS:
            signal.signal(number, demo.end_on_signal)
        chosen = demo.Options(
            options["port"], options["photos"], options["fresh"], browser=not options["no_browser"], study=options["study"]
        )
        try:
            demo.run(chosen)
        except KeyboardInterrupt:
            with suppress(OSError):  # the terminal may have been closed
                self.stdout.write("PAV has stopped.")


def port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ArgumentTypeError(f"{text!r} is not a port. Choose a number from 1024 to 65535.")
    return int(text)


def folder(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise ArgumentTypeError(f"{path} is not a folder. Check the name.")
    return path
