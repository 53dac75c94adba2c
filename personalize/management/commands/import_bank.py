"""Make a bank out of published checkpoints."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize.errors import PersonalizeError
from personalize.management.files import new_file
from personalize.management.progress import progress_report
from personalize.programs import published, published_checkpoints
from personalize.programs.compressing import FORMS, Form


class Command(BaseCommand):
    help = "Make a bank out of the checkpoints published with the paper, or of others in their layout; see docs/banks.md."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "checkpoints", nargs="+", metavar="FILE", help="clip_L_3fc_ava.pth, ...; the last word names the task, or NAME=FILE"
        )
        parser.add_argument(
            "--backbone", default="ViT-L-14", help="what the checkpoints were fine-tuned from, as NAME or NAME/TAG of OpenCLIP"
        )
        parser.add_argument("--weights", type=Path, help="file of the backbone's pre-trained weights; else the hub's cache or its download")
        parser.add_argument("--out", type=new_file, required=True, help="the bank's file; its card is written beside it")
        parser.add_argument("--form", choices=sorted(FORMS), default="full", help="how the task vectors are kept")
        parser.add_argument("--rank", type=int, default=Form.rank, help="of factorised vectors")
        parser.add_argument("--photos", type=Path, help="folder of photos that fix the projection, which the app needs")
        parser.add_argument("--json", action="store_true", help="print the whole card")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with progress_report() as report:
                plan = published.Plan(
                    backbone=options["backbone"],
                    checkpoints=published_checkpoints.task_names(options["checkpoints"]),
                    weights=options["weights"],
                    form=Form(options["form"], options["rank"]),
                    photos=options["photos"],
                )
                card = published.import_bank(plan, options["out"], report)
        except (PersonalizeError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(card.facts, indent=1, ensure_ascii=False))
            return
        self.stdout.write(
            f"{options['out']}: {', '.join(card.tasks)} on {card.backbone}, {card.facts['bytes'] / 1e6:.0f} MB, bank {card.hash}"
        )
