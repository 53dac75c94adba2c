"""Compression of a bank."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize.bank_building.forms import FORMS, Form
from personalize.management.command import ModelCommand
from personalize.management.files import new_file
from personalize.management.progress import progress_bar


class Command(ModelCommand):
    help = "Write a bank with its task vectors in another form, and measure the accuracy that this costs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bank", type=Path)
        parser.add_argument("--out", type=new_file, required=True, help="the new bank's file; its metadata is written beside it")
        parser.add_argument(
            "--form", choices=sorted(FORMS), required=True, help="; ".join(f"{name}: {FORMS[name]}" for name in sorted(FORMS))
        )
        parser.add_argument("--rank", type=int, default=Form.rank, help="rank of factorised vectors")
        parser.add_argument("--photos", type=Path, help="folder of photos on which to compare the task models' scores")
        parser.add_argument("--json", action="store_true", help="print all metadata")

    def handle(self, *args: Any, **options: Any) -> None:
        from personalize.bank_building import compressing  # needs torch, which --help does not

        form = Form(options["form"], options["rank"])
        with progress_bar() as progress:
            metadata = compressing.compress(options["bank"], options["out"], form, options["photos"], progress)
        if options["json"]:
            self.stdout.write(json.dumps(metadata.facts, indent=1, ensure_ascii=False))
            return
        cost = metadata.facts["compressed"][-1]
        for task, lost in cost["relative_error"].items():
            line = f"{task}: relative error {lost:.4f}"
            if "scores" in cost:
                scores = cost["scores"][task]
                line += f", SROCC {scores['srocc']:.4f} with the scores before, largest difference {scores['largest_difference']:.4f}"
            self.stdout.write(line)
        self.stdout.write(f"{options['out']}: {metadata.facts['bytes'] / 1e6:.1f} MB, bank {metadata.hash}")
