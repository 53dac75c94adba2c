"""`./pav test`: runs the tests, after installing Chromium if there is none."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pav_site import browser
from pav_site.environment import BASE

DIVIDED = ("-n", "auto", "--dist", "loadfile")  # tests/conftest.py chooses the number of processes


class Command(BaseCommand):
    help = (
        "Run the tests. All options go to pytest: ./pav test -k swipe. "
        "A full run uses two processes, a partial one uses one; -n 0 or -n 4 changes that."
    )
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        # Django's own parser would reject pytest's options.
        if argv[2:] in (["--help"], ["-h"]):
            self.print_help(argv[0], argv[1])
            return
        self.handle(arguments=argv[2:])

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arguments", nargs="*", help="options of pytest")

    def handle(self, *args: Any, **options: Any) -> None:
        if browser.find_chromium() is None:
            self.stderr.write("No Chromium found for the browser tests; installing one.")
            if not browser.obtain():
                self.stderr.write("Chromium could not be installed, so the browser tests cannot run. ./pav doctor shows how to install it.")
        # The tests use their own settings and services.
        for name in ("DJANGO_SETTINGS_MODULE", "PAV_VAR"):
            os.environ.pop(name, None)
        os.chdir(BASE)
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *DIVIDED, *options["arguments"]])  # noqa: S606
