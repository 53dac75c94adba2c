"""Training of a bank's task heads and generic score."""

import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize import datasets
from personalize.bank_building import generic_score
from personalize.bank_building.generic_score import TastePlan
from personalize.files import banks
from personalize.management.command import ModelCommand
from personalize.management.files import new_file, new_folder
from personalize.management.progress import progress_bar


class Command(ModelCommand):
    help = (
        "Train a task head per dataset and the generic score pooled over those that say how much people like a photo, and learn the bank's "
        "own projection and the hyperprior. Takes a minute for each thousand photos, and no GPU."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        default = TastePlan()
        parser.add_argument("datasets", nargs="*", metavar="DATASET", default=list(default.datasets), help="see ./pav datasets")
        parser.add_argument("--root", type=Path, required=True, help="folder that holds the datasets")
        parser.add_argument("--raters", nargs="*", metavar="DATASET", default=None, help="whose raters teach the hyperprior; none: flat")
        parser.add_argument("--most-photos", type=int, default=default.most_photos, help="of a dataset, drawn by the seed")
        parser.add_argument("--seed", type=int, default=default.seed)
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
        parser.add_argument("--out", type=new_file, help="copy the bank to this file first, and leave --bank as it is")
        parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that caches extracted features")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = [datasets.find(name).name for name in options["datasets"]]
        raters = [name for name in TastePlan().raters if name in chosen] if options["raters"] is None else options["raters"]
        bank = _copied(options["bank"], options["out"]) if options["out"] else options["bank"]
        plan = TastePlan(tuple(chosen), tuple(raters), options["most_photos"], options["seed"])
        with progress_bar() as progress:
            metadata = generic_score.train(bank, options["root"], options["cache"], plan, progress)
        facts = metadata.facts["taste"]
        for name, row in facts["heads"].items():
            self.stdout.write(f"{name}: {row['photos']} photos{', pooled' if row['pooled'] else ''}")
        for name, srocc in facts["left_out_srocc"].items():
            self.stdout.write(f"The generic score without {name} agrees with its mean scores by SROCC {srocc:.3f}.")
        self.stdout.write(f"Written next to {bank}: {facts['file']}, {facts['bytes'] / 1e6:.1f} MB. The bank is now {metadata.hash}.")


def _copied(bank: Path, out: Path) -> Path:
    """Copy a bank with its extractors; returns `out`."""
    banks.check_name(out)
    metadata = banks.read_metadata(bank)
    files = {bank: out} | {bank.with_name(row["file"]): out.with_name(row["file"]) for row in metadata.facts.get("extractors", ())}
    for source, target in files.items():
        if source.resolve() != target.resolve():  # in one folder the two banks share their extractors
            shutil.copyfile(source, target)
    shutil.copyfile(bank.with_suffix(".json"), out.with_suffix(".json"))
    return out
