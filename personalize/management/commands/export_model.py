"""Export of one rater's model to a file that scores photos without the database."""

import json
from argparse import SUPPRESS
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from personalize.exports import model_files
from personalize.exports.cards import FileFormat
from personalize.exports.fits import ExactFit, InstantFit
from personalize.management.command import ModelCommand
from personalize.management.files import new_file
from personalize.management.progress import progress_bar
from personalize.management.renamed import OldOption
from personalize.worker.model_export import fit_for_export, rater_fit
from personalize.worker.new_exact_fit import fit_now


class Command(ModelCommand):
    help = "Export one rater's model with its model card: ratings, accuracy, bank, preprocessing, licences."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rater", type=UUID, help="id of the rater")
        parser.add_argument("--person", dest="rater", type=UUID, action=OldOption, help=SUPPRESS)
        parser.add_argument("--format", choices=get_args(FileFormat), default="json")
        parser.add_argument("--fit", choices=["instant", "exact"], help="default: the active model")
        parser.add_argument("--out", type=new_file, help="file; default: rater-ID.FORMAT in this folder")
        parser.add_argument("--bank", type=Path, default=settings.PAV["BANK"])
        parser.add_argument("--json", action="store_true", help="print the model card as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rater"] is None:
            raise CommandError("Give a rater's id: --rater ID. The administration lists them.")
        method: Literal["active", "instant", "exact"] = options["fit"] or "active"
        stored = fit_for_export(options["rater"], method)
        refit = stored is None and method == "exact"
        if refit:  # no exact refit has been activated
            stored = fit_for_export(options["rater"], "instant")
        if stored is None:
            raise CommandError(f"There is no rater {options['rater']} with a fit. A fit exists after the first rating.")
        file_format = options["format"]
        out = options["out"] or Path(f"rater-{options['rater']}.{file_format}")
        if out.suffix != f".{file_format}":
            raise CommandError(f"{out} must end in .{file_format}.")
        if refit:
            with progress_bar() as progress:
                fit: InstantFit | ExactFit = fit_now(options["rater"], stored.facts, options["bank"], progress)
        else:
            fit = rater_fit(stored)
        card = model_files.write(out, file_format, fit, options["bank"])
        if options["json"]:
            self.stdout.write(json.dumps(card, indent=1))
        else:
            self.stdout.write(f"{out}: {card['bytes'] / 1e6:.3g} MB; scores of the file, read back, agree to {card['checked']:.1g}.")
