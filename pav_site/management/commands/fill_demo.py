"""`./pav fill_demo`: the part of `./pav demo` that needs the database; the demo's launcher starts it."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console

from pav_site import demo, demo_filling
from pav_site.processes import end_with_parent


class Command(BaseCommand):
    help = "Prepare the demo's database, import its photos and show the progress. ./pav demo runs this."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--photos", type=Path)
        parser.add_argument("--no-browser", action="store_true")
        parser.add_argument("--study", action="store_true")
        parser.add_argument("--prepared", type=int, required=True, help="file descriptor that gets a byte when the database is prepared")
        parser.add_argument("--with-parent", action="store_true", help="exit when the process that holds stdin open exits")

    def handle(self, *, port: int, photos: Path | None, study: bool, prepared: int, **options: Any) -> None:
        if options["with_parent"]:
            end_with_parent()
        console = Console()
        demo_filling.prepare(console)
        os.write(prepared, b".")
        os.close(prepared)
        demo_filling.fill(demo.Options(port, photos, fresh=False, browser=not options["no_browser"], study=study), console)
