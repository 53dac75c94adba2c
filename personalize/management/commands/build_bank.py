"""Building of a bank from fine-tuned models."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize.bank_building.forms import FORMS, Form
from personalize.files import banks
from personalize.management.command import ModelCommand
from personalize.management.files import new_file, new_folder
from personalize.management.progress import progress_bar


class Command(ModelCommand):
    help = (
        "Build a bank of task vectors from fine-tuned models (see train_task_vector), with its extractors and its taste part, and report "
        "the accuracy that the form of the vectors costs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--root", type=Path, required=True, help="folder that holds the datasets")
        parser.add_argument("--trained", type=Path, default=Path("var/task_vectors"), help="folder of the fine-tuned models")
        parser.add_argument("--out", type=new_file, default=banks.DEFAULT)
        parser.add_argument("--form", choices=sorted(FORMS), default="factorised", help="how task vectors are stored")
        parser.add_argument("--rank", type=int, default=Form.rank, help="rank of factorised task vectors")
        parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that caches extracted features")

    def handle(self, *args: Any, **options: Any) -> None:
        from personalize.bank_building import building  # needs torch, which --help does not

        with progress_bar() as progress:
            plan = building.BuildPlan(form=Form(options["form"], options["rank"]))
            metadata = building.build(options["trained"], options["root"], options["out"], plan, options["cache"], progress)
        self.stdout.write(json.dumps(metadata.facts, indent=1, ensure_ascii=False))
