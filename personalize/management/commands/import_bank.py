"""Import of published checkpoints as a bank."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize.bank_building.forms import FORMS, Form
from personalize.management.command import ModelCommand
from personalize.management.files import new_file
from personalize.management.progress import progress_bar


class Command(ModelCommand):
    help = "Make a bank from the checkpoints published with the paper, or from others in the same layout; see docs/banks.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "checkpoints", nargs="+", metavar="FILE", help="clip_L_3fc_ava.pth, ...; the last word of the name is the task; or NAME=FILE"
        )
        parser.add_argument(
            "--backbone", default="ViT-L-14", help="backbone that the checkpoints were fine-tuned from, as OpenCLIP's NAME or NAME/TAG"
        )
        parser.add_argument(
            "--weights", type=Path, help="file of the backbone's pre-trained weights; default: the hub's cache, or a download"
        )
        parser.add_argument("--out", type=new_file, required=True, help="the bank's file; its metadata is written beside it")
        parser.add_argument("--form", choices=sorted(FORMS), default="full", help="how task vectors are stored")
        parser.add_argument("--rank", type=int, default=Form.rank, help="rank of factorised vectors")
        parser.add_argument("--photos", type=Path, help="folder of photos like those to rank, for what the app needs")
        parser.add_argument("--json", action="store_true", help="print all metadata")

    def handle(self, *args: Any, **options: Any) -> None:
        from personalize.bank_building import importing, published_checkpoints  # need torch, which --help does not

        with progress_bar() as progress:
            plan = importing.ImportPlan(
                backbone=options["backbone"],
                checkpoints=published_checkpoints.task_names(options["checkpoints"]),
                weights=options["weights"],
                form=Form(options["form"], options["rank"]),
                photos=options["photos"],
            )
            metadata = importing.import_bank(plan, options["out"], progress)
        if options["json"]:
            self.stdout.write(json.dumps(metadata.facts, indent=1, ensure_ascii=False))
            return
        size = metadata.facts["bytes"] / 1e6
        self.stdout.write(f"{options['out']}: {', '.join(metadata.tasks)} on {metadata.backbone}, {size:.0f} MB, bank {metadata.hash}")
