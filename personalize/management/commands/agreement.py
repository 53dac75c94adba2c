"""Analysis of raters' agreement: shared taste, private taste, noise."""

import csv
from argparse import ArgumentTypeError
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from threadpoolctl import threadpool_limits

from personalize.agreement import markdown_report, pair_reading, reading, summary
from personalize.agreement.analysis import Agreement, analyse
from personalize.agreement.pair_analysis import PairAgreement, analyse_pairs
from personalize.agreement.resampling import BootstrapPlan
from personalize.files import atomic_files
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
        parser.add_argument("--draws", type=int, default=BootstrapPlan.draws, help="bootstrap draws behind the intervals")
        parser.add_argument("--seed", type=int, default=BootstrapPlan.seed, help="seed of everything random; it is stored with the result")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = BootstrapPlan(options["draws"], options["seed"])
        if options["out"] and not find_spec("matplotlib"):
            self.stderr.write(WITHOUT_MATPLOTLIB)
        with progress_bar() as progress, threadpool_limits(1, user_api="blas"):  # thousands of small products: threads wait for each other
            result = _analysed(options["table"], plan, progress)
        self.stdout.write(summary.page(result))
        if options["out"]:
            self.stdout.write(f"\nWritten to {options['out']}: {', '.join(_write(result, options['table'].name, options['out']))}.")


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ArgumentTypeError(f"{path} is not a file.")
    return path


def _analysed(table: Path, plan: BootstrapPlan, progress: ProgressCallback) -> Agreement | PairAgreement:
    if pair_reading.is_pairs(table):
        return analyse_pairs(pair_reading.read_pairs(table, progress), plan, progress)
    found = reading.read(table, progress)
    return analyse(found.ratings, plan, found.notes, progress)


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
        _write_table(folder / f"{name}.csv", facts[name])
    return ["agreement.json", "report.md", *(f"{name}.csv" for name in tables), *plots]


def _write_table(path: Path, columns: dict[str, list[Any]]) -> None:
    known = {name: values for name, values in columns.items() if any(value is not None for value in values)}
    with atomic_files.replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(known)
        writer.writerows(zip(*known.values(), strict=True))
