"""Learning of a new version of the population prior, without waiting for the nightly run."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from personalize.management.command import ModelCommand
from personalize.management.progress import progress_bar
from personalize.numerics import population_gain
from personalize.worker import population_prior


class Command(ModelCommand):
    help = "Learn a new population prior from shared ratings, and activate it if it helps held-out raters. Also runs nightly."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bar() as progress:
            version = population_prior.learn(progress)
        if version is None:
            raise CommandError("There is no current bank. ./pav doctor says why.")
        if options["json"]:
            self.stdout.write(
                json.dumps({"version": version.pk, "raters": version.rater_count, "photos": version.photo_count} | version.report)
            )
            return
        self.stdout.write(f"Version {version.pk}: {version.rater_count} raters share their ratings of {version.photo_count} photos.")
        self.stdout.write("It is in use." if version.is_current else f"It is not used. {version.report['reason']}")
        if version.report["shots"]:
            self.stdout.write(population_gain.as_table(version.report["shots"]))
