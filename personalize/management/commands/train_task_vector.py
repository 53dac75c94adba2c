"""Fine-tune the base model on one database and keep the result for `build_bank`."""

import json
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize import checkpoints, databases, train
from personalize.errors import PersonalizeError
from personalize.management.progress import progress_report


class Command(BaseCommand):
    help = "Fine-tune the base model on one database; the result feeds build_bank."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("database", choices=sorted(databases.REGISTRY))
        parser.add_argument("--root", type=Path, required=True, help="the folder that holds the databases")
        parser.add_argument("--backbone", default="efficientnet_lite0")
        parser.add_argument("--out", type=Path, default=Path("var/task_vectors"), help="folder for the fine-tuned model")
        parser.add_argument("--epochs", type=int, default=train.Recipe.epochs)
        parser.add_argument("--seed", type=int, default=train.Recipe.seed)
        parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 lets torch decide")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["threads"]:
            torch.set_num_threads(options["threads"])
        recipe = train.Recipe(epochs=options["epochs"], seed=options["seed"])
        try:
            with progress_report() as report:
                trained = train.fine_tune(options["database"], options["root"], options["backbone"], recipe, report)
            checkpoints.save(trained, options["out"] / f"{options['database']}.safetensors")
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(trained.record, indent=1))
