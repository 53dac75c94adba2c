"""Evaluation of a population prior on raters that it was not learned from."""

from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError, CommandParser
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

from personalize.files import atomic_files, banks, rating_tables, taste_parts
from personalize.files.photo_files import digest
from personalize.management.command import ModelCommand, add_rating_options
from personalize.management.files import new_file, write_json
from personalize.management.progress import progress_bar
from personalize.numerics import population_gain, population_prior
from personalize.research.catalogues import make_catalogue
from personalize.research.prior_evaluation import evaluate_prior


class Command(ModelCommand):
    help = "Measure what a population prior adds for new raters, on photos that others rated and on photos that nobody rated."

    def add_arguments(self, parser: CommandParser) -> None:
        add_rating_options(parser)
        parser.add_argument("--shots", type=int, nargs="+", default=[10, 30, 50])
        parser.add_argument(
            "--out", type=new_file, help="write the prior learned from all raters to this safetensors file, with its metadata beside it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_same_file(options["out"], options["json"])
        table = rating_tables.read(options["ratings"], options["images"], taste_parts.photos_seen(options["bank"]))
        with progress_bar() as progress, threadpool_limits(1, user_api="blas"):
            catalogue = make_catalogue(table.photos, options["bank"], options["cache"], progress)
            result = evaluate_prior(catalogue.features, table.raters, options["shots"], options["seed"], progress, catalogue.heads)
            prior = population_prior.learn(catalogue.features, table.raters, heads=catalogue.heads)
        result |= {"bank": banks.read_metadata(options["bank"]).hash, "format": "pav-population-1"}
        if options["json"]:
            write_json(options["json"], result)
        counts = result["raters"]
        self.stdout.write(
            f"Learned from {counts['teachers']} raters, tested on {counts['tested']} others; {result['photos']} photos. Mean SROCC:\n"
        )
        self.stdout.write(population_gain.as_table(result["shots"]))
        if not result["used"]:
            self.stdout.write("\nDo not use this prior: on held-out teachers it does not help, or it does harm on unrated photos.")
        elif options["out"]:
            digests = np.array([int(digest(photo), 16) for photo in table.photos], dtype=np.uint64)
            with atomic_files.replacing(options["out"]) as partial:
                save_file({"photos": digests, "mean": prior.mean, "factors": prior.factors, "weights": prior.weights}, partial)
            write_json(options["out"].with_suffix(".json"), {**result, "raters_who_taught": prior.rater_count})


def _refuse_same_file(out: Path | None, measured: Path | None) -> None:
    """Fail before the run if --json names the file of the prior or its metadata."""
    if out is None:
        return
    if out.suffix != ".safetensors":
        raise CommandError(f"--out is {out}: name a file that ends in .safetensors. The metadata is written beside it, as .json.")
    if measured is not None and measured.resolve() in (out.resolve(), out.with_suffix(".json").resolve()):
        raise CommandError(
            f"--json {measured} would be written over by --out {out} or its metadata {out.with_suffix('.json')}: name another file."
        )
