"""Fine-tuning of the base model on one dataset, for `build_bank`."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from personalize import datasets
from personalize.errors import at_least
from personalize.management.command import ModelCommand
from personalize.management.files import new_file, new_folder, write_json
from personalize.management.progress import progress_bar
from personalize.training.recipes import Recipe


class Command(ModelCommand):
    help = "Fine-tune the base model on one dataset, for build_bank. On several GPUs: accelerate launch manage.py ..."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", choices=sorted(datasets.REGISTRY))
        parser.add_argument("--root", type=Path, required=True, help="folder of all datasets, or of this one")
        parser.add_argument("--split", choices=list(datasets.PROTOCOLS), default="leak-free", help="which photos the training may use")
        parser.add_argument("--backbone", default="efficientnet_lite0")
        parser.add_argument("--weights", type=Path, help="file of the backbone's pre-trained weights")
        parser.add_argument(
            "--out", type=new_folder, default=Path("var/task_vectors"), help="folder for the fine-tuned model and the state of the run"
        )
        parser.add_argument("--resume", action="store_true", help="resume a stopped run")
        parser.add_argument("--save-every", type=int, default=0, help="steps between two saves of the state; 0: after each epoch only")
        parser.add_argument("--epochs", type=int, default=Recipe.epochs)
        parser.add_argument("--batch", type=int, default=Recipe.batch, help="photos per step, over all processes")
        parser.add_argument(
            "--accumulate", type=int, default=Recipe.accumulate, help="parts into which each batch is split, to save memory"
        )
        parser.add_argument("--encoder-rate", type=float, default=Recipe.encoder_rate)
        parser.add_argument("--head-rate", type=float, default=Recipe.head_rate)
        parser.add_argument("--warm-up", type=float, default=Recipe.warm_up, help="share of the steps in which the learning rates rise")
        parser.add_argument("--most-photos", type=int, default=Recipe.most_photos, help="most photos in an epoch")
        parser.add_argument(
            "--precision", choices=["no", "bf16", "fp16"], default="", help="default: bf16 on a GPU that supports it, else no"
        )
        parser.add_argument("--workers", type=int, default=0, help="processes that decode photos; 0: the training process")
        parser.add_argument("--seed", type=int, default=Recipe.seed)
        parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: torch decides")
        parser.add_argument("--json", type=new_file, help="also write the record to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        import torch  # these are imported here because --help needs none of them
        from accelerate import PartialState

        from personalize.training import checkpoints, train

        out = options["out"] / f"{options['dataset']}.safetensors"
        try:
            at_least(0, save_every=options["save_every"], workers=options["workers"], threads=options["threads"])
            recipe = Recipe(**{name: options[name] for name in RECIPE})
            if options["threads"]:
                torch.set_num_threads(options["threads"])
            run = train.Run(
                folder=out.with_suffix(".run"),
                resume=options["resume"],
                save_every=options["save_every"],
                precision=options["precision"],
                workers=options["workers"],
                weights=options["weights"],
                protocol=options["split"],
            )
            with progress_bar() as progress:
                trained = train.fine_tune(options["dataset"], options["root"], options["backbone"], recipe, progress, run)
            if PartialState().is_main_process:
                checkpoints.save(trained, out)
        except KeyboardInterrupt as stopped:
            raise CommandError("Stopped. To continue after the last saved state, run the same command with --resume.") from stopped
        if PartialState().is_main_process:
            if options["json"]:
                write_json(options["json"], trained.record)
            self.stdout.write(json.dumps(trained.record, indent=1))


RECIPE = ("epochs", "batch", "accumulate", "encoder_rate", "head_rate", "warm_up", "most_photos", "seed")
