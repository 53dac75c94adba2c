"""Analysis of raters' agreement: shared taste, private taste, noise."""

import csv
from argparse import ArgumentTypeError
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from django.core.management.base import CommandError, CommandParser
from threadpoolctl import threadpool_limits

from personalize.agreement import markdown_report, pair_reading, reading, summary
from personalize.agreement.analysis import Agreement, analyse, with_personalization
from personalize.agreement.pair_analysis import PairAgreement, analyse_pairs
from personalize.agreement.pair_reading import read_pairs
from personalize.agreement.photo_features import photo_features
from personalize.agreement.resampling import BootstrapPlan
from personalize.files import atomic_files, banks
from personalize.management.command import ModelCommand
from personalize.management.files import new_folder, write_json
from personalize.management.progress import progress_bar
from personalize.progress import ProgressCallback

WITHOUT_MATPLOTLIB = "There will be no plots: they need Matplotlib, which ./pav install research brings."


class Command(ModelCommand):
    help = "Say how much of a taste is shared, private and noise, from ratings or paired choices in a CSV file, with intervals."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "table",
            type=_file,
            help="CSV with the columns rater, image, score[, block, category, trial, seconds], or rater, left, right, chosen[, seconds]",
        )
        parser.add_argument("--out", type=new_folder, help="folder for agreement.json, report.md, CSV tables and plots (SVG, PNG)")
        parser.add_argument(
            "--images", type=Path, help="folder of the photos: also measure what a model of each rater adds to the others' mean"
        )
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT, help="whose features the photos get")
        parser.add_argument(
            "--hyperprior",
            choices=("shipped", "flat"),
            default="shipped",
            help="of the models of raters, with --images: that of the bank, or none, for raters who may have taught the bank's",
        )
        parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that caches extracted features")
        parser.add_argument("--draws", type=int, default=BootstrapPlan.draws, help="bootstrap draws behind the intervals")
        parser.add_argument("--seed", type=int, default=BootstrapPlan.seed, help="seed of everything random; it is stored with the result")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = BootstrapPlan(options["draws"], options["seed"])
        if options["out"] and not find_spec("matplotlib"):
            self.stderr.write(WITHOUT_MATPLOTLIB)
        is_pairs = pair_reading.is_pairs(options["table"])
        if is_pairs and options["images"]:
            raise CommandError("--images needs single ratings; this table has paired choices.")
        with progress_bar() as progress, threadpool_limits(1, user_api="blas"):  # thousands of small products: threads wait for each other
            if is_pairs:
                result: Agreement | PairAgreement = analyse_pairs(read_pairs(options["table"], progress), plan, progress)
            else:
                result = _of_ratings(options, plan, progress)
        self.stdout.write(summary.page(result))
        if options["out"]:
            self.stdout.write(f"\nWritten to {options['out']}: {', '.join(_write(result, options['table'].name, options['out']))}.")


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ArgumentTypeError(f"{path} is not a file.")
    return path


def _of_ratings(options: dict[str, Any], plan: BootstrapPlan, progress: ProgressCallback) -> Agreement:
    found = reading.read(options["table"], progress)
    photos = None
    if options["images"]:  # first, because a missing photo or a broken bank is known within seconds
        flat = options["hyperprior"] == "flat"
        photos = photo_features(found.ratings.photos, options["images"], options["bank"], options["cache"], progress, flat=flat)
    result = analyse(found.ratings, plan, found.notes, progress)
    return with_personalization(result, photos, progress) if photos else result


def _write(result: Agreement | PairAgreement, title: str, folder: Path) -> list[str]:
    """Write all files of a result; their names."""
    facts = result.as_json()
    write_json(folder / "agreement.json", facts | {"table": title})
    plots = []
    if find_spec("matplotlib"):
        from personalize.agreement import plots as drawing

        plots = [path.name for path in drawing.draw(result, folder)]
    atomic_files.write_text(folder / "report.md", markdown_report.report(result, title, plots))
    tables = [name for name in ("photos", "raters") if name in facts]
    for name in tables:
        _write_table(folder / f"{name}.csv", cast(dict[str, list[object]], facts[name]))
    return ["agreement.json", "report.md", *(f"{name}.csv" for name in tables), *plots]


def _write_table(path: Path, columns: dict[str, list[object]]) -> None:
    known = {name: values for name, values in columns.items() if any(value is not None for value in values)}
    with atomic_files.replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(known)
        writer.writerows(zip(*known.values(), strict=True))
