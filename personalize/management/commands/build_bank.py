"""Put fine-tuned models together into the bank that describes photos."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize.errors import PersonalizeError
from personalize.files import banks
from personalize.management.files import new_file
from personalize.management.progress import progress_report
from personalize.programs import building
from personalize.programs.compressing import FORMS, Form


class Command(BaseCommand):
    help = "Build a bank of task vectors from fine-tuned models (see train_task_vector), and report what their form costs."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--root", type=Path, required=True, help="the folder that holds the databases")
        parser.add_argument("--trained", type=Path, default=Path("var/task_vectors"), help="folder of the fine-tuned models")
        parser.add_argument("--out", type=new_file, default=banks.DEFAULT)
        parser.add_argument("--form", choices=sorted(FORMS), default="factorised", help="how the task vectors are kept")
        parser.add_argument("--rank", type=int, default=Form.rank, help="of factorised task vectors")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with progress_report() as report:
                plan = building.Plan(form=Form(options["form"], options["rank"]))
                card = building.build(options["trained"], options["root"], options["out"], plan, report)
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(card.facts, indent=1, ensure_ascii=False))
