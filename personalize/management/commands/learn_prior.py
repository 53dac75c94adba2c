"""Learn from everybody's ratings what they share, and measure what that adds for people who had no part in it."""

from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

from personalize.errors import PersonalizeError
from personalize.files import banks, people
from personalize.management.files import new_file, new_folder, write_json
from personalize.management.progress import progress_report
from personalize.programs import population_report
from personalize.programs.catalogues import describe


class Command(BaseCommand):
    help = "What others' ratings add for a new person, on photos that they rated and that they did not; --out keeps what was learned."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--images", type=Path, required=True, help="folder of photos, searched in all its folders")
        parser.add_argument("--ratings", type=Path, required=True, help="CSV with the columns rater, image, score")
        parser.add_argument("--shots", type=int, nargs="+", default=[10, 30, 50])
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
        parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that keeps described photos")
        parser.add_argument("--out", type=new_file, help="safetensors file for what everybody taught, with a card beside it")
        parser.add_argument("--json", type=new_file, help="write everything measured to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_one_name_for_two(options["out"], options["json"])
        try:
            ratings = people.read(options["ratings"], options["images"], people.seen_digests(banks.read(options["bank"], prefix="seen")))
            with progress_report() as report, threadpool_limits(1, user_api="blas"):
                catalogue = describe(ratings.photos, options["bank"], options["cache"], report)
                result = population_report.report(catalogue.features, ratings.people, options["shots"], options["seed"], report)
                everybody = population_report.taught(catalogue.features, ratings.people, range(len(ratings.people)))
        except (PersonalizeError, ValueError) as error:
            raise CommandError(str(error)) from error
        result |= {"bank": banks.read_card(options["bank"]).hash, "format": "pav-population-1"}
        if options["json"]:
            write_json(options["json"], result)
        who = result["people"]
        self.stdout.write(f"{who['teachers']} people taught, {who['tested']} others were tested; {result['photos']} photos. Mean SROCC:\n")
        self.stdout.write(population_report.as_table(result))
        if not result["used"]:
            self.stdout.write("\nOn held-out teachers it does not help, or does harm on unrated photos: it is not to be used.")
        elif options["out"]:
            digests = np.array([int(people.digest(photo), 16) for photo in ratings.photos], dtype=np.uint64)
            options["out"].parent.mkdir(parents=True, exist_ok=True)
            partial = options["out"].with_suffix(".partial")
            save_file({"photos": digests, "mean": everybody.mean, "factors": everybody.factors, "weights": everybody.weights}, partial)
            partial.replace(options["out"])
            write_json(options["out"].with_suffix(".json"), result | {"people_who_taught": everybody.people})


def _refuse_one_name_for_two(out: Path | None, measured: Path | None) -> None:
    """Before any work: the card beside what was learned, and the file of all that was measured, are two files."""
    if out is None:
        return
    if out.suffix != ".safetensors":
        raise CommandError(f"--out is {out}: what was learned goes into a file that ends in .safetensors, its card beside it in .json.")
    if measured is not None and measured.resolve() in (out.resolve(), out.with_suffix(".json").resolve()):
        raise CommandError(f"--json {measured} would be written over by --out {out} or its card {out.with_suffix('.json')}: name another.")
