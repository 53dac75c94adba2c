"""Import of published checkpoints, or of an encoder alone, as a bank."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize.bank_building.forms import FORMS, Form
from personalize.files.banks import BankMetadata
from personalize.management.command import ModelCommand
from personalize.management.files import new_file
from personalize.management.progress import progress_bar


class Command(ModelCommand):
    help = "Make a bank of an encoder; with the checkpoints published with the paper, or others in the same layout, also of task vectors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "checkpoints",
            nargs="*",
            metavar="FILE",
            help="clip_L_3fc_ava.pth, ...; the last word of the name is the task; or NAME=FILE; none: an encoder alone",
        )
        parser.add_argument(
            "--backbone",
            default="ViT-L-14",
            help="encoder, which the checkpoints were fine-tuned from: OpenCLIP's NAME or NAME/TAG; without checkpoints also timm/NAME",
        )
        parser.add_argument(
            "--weights", type=Path, help="file of the backbone's pre-trained weights; default: the hub's cache, or a download"
        )
        parser.add_argument("--out", type=new_file, required=True, help="the bank's file; its metadata is written beside it")
        parser.add_argument("--form", choices=sorted(FORMS), default="full", help="how task vectors are stored")
        parser.add_argument("--rank", type=int, default=Form.rank, help="rank of factorised vectors")
        parser.add_argument("--photos", type=Path, help="folder of photos like those to rank; checkpoints need it for the app")
        parser.add_argument("--json", action="store_true", help="print all metadata")

    def handle(self, *args: Any, **options: Any) -> None:
        metadata = _with_task_vectors(options) if options["checkpoints"] else _encoder_alone(options)
        if options["json"]:
            self.stdout.write(json.dumps(metadata.facts, indent=1, ensure_ascii=False))
            return
        size = (metadata.facts["bytes"] + sum(row["bytes"] for row in metadata.facts.get("extractors", ()))) / 1e6
        contents = f"{', '.join(metadata.tasks)} on {metadata.backbone}" if metadata.tasks else f"{metadata.backbone} without task vectors"
        self.stdout.write(f"{options['out']}: {contents}, {size:.0f} MB, bank {metadata.hash}")
        if "taste" in metadata.facts:
            self.stdout.write(f"To rank photos with it, set PAV_BANK={options['out'].absolute()} and restart PAV.")


def _with_task_vectors(options: dict[str, Any]) -> BankMetadata:
    from personalize.bank_building import importing, published_checkpoints  # need torch, which --help does not

    with progress_bar() as progress:
        plan = importing.ImportPlan(
            backbone=options["backbone"],
            checkpoints=published_checkpoints.task_names(options["checkpoints"]),
            weights=options["weights"],
            form=Form(options["form"], options["rank"]),
            photos=options["photos"],
        )
        return importing.import_bank(plan, options["out"], progress)


def _encoder_alone(options: dict[str, Any]) -> BankMetadata:
    from personalize.bank_building import encoder_banks  # needs torch

    with progress_bar() as progress:
        plan = encoder_banks.EncoderPlan(options["backbone"], options["weights"], options["photos"])
        return encoder_banks.import_encoder(plan, options["out"], progress)
