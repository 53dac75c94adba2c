"""Every test with its set-up: `./pav test`."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pav_site import browser
from pav_site.environment import BASE

DIVIDED = ("-n", "auto", "--dist", "loadfile")  # among two processes where all tests run; tests/conftest.py says how


class Command(BaseCommand):
    help = (
        "Run every test. Whatever follows is for pytest: ./pav test -k swipe. "
        "All tests run in two processes and a part of them in one; -n 0 or -n 4 says otherwise."
    )
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        # Django's own parser would refuse pytest's options.
        if argv[2:] in (["--help"], ["-h"]):
            self.print_help(argv[0], argv[1])
            return
        self.handle(arguments=argv[2:])

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arguments", nargs="*", help="options of pytest")

    def handle(self, *args: Any, **options: Any) -> None:
        if browser.find_chromium() is None:
            self.stderr.write("No Chromium was found for the browser tests; getting one.")
            if not browser.obtain():
                self.stderr.write("No Chromium could be had: the browser tests will say so. ./pav doctor says how to install one.")
        # The tests choose settings and services of their own.
        for name in ("DJANGO_SETTINGS_MODULE", "PAV_VAR"):
            os.environ.pop(name, None)
        os.chdir(BASE)
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *DIVIDED, *options["arguments"]])  # noqa: S606
