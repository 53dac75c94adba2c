"""Learn now, and not at night, from the answers that people of this installation share."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize.app import nightly
from personalize.errors import PersonalizeError
from personalize.management.progress import progress_bar
from personalize.numerics import population_gain


class Command(BaseCommand):
    help = "What people who share their answers teach all others: a new version, used where it helps on held-out people. Runs nightly too."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with progress_bar() as progress:
                version = nightly.learn(progress)
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        if version is None:
            raise CommandError("There is nothing to learn from: no bank is in use. ./pav doctor tells why.")
        if options["json"]:
            self.stdout.write(json.dumps({"version": version.pk, "people": version.people, "photos": version.photos} | version.report))
            return
        self.stdout.write(f"Version {version.pk}: {version.people} people shared their answers about {version.photos} photos.")
        self.stdout.write("It is in use." if version.is_current else f"It is not used. {version.report['reason']}")
        if version.report["shots"]:
            self.stdout.write(population_gain.as_table(version.report["shots"]))
