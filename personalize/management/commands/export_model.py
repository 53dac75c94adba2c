"""Write one person's model to a file that scores photos without PAV's database."""

import json
from pathlib import Path
from typing import Any, Literal, cast, get_args
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from PIL import Image

from personalize.app.exporting import person_fit
from personalize.errors import PersonalizeError
from personalize.files import banks
from personalize.files.open_banks import Bank, open_bank
from personalize.management.files import new_file
from personalize.management.progress import progress_bar
from personalize.numerics import model_comparison
from personalize.progress import tracked
from personalize.scorers import model_files, rater_fitting
from personalize.scorers.model_files import FitFacts, RaterFit
from ratings import media, selectors
from ratings.models import Photo


class Command(BaseCommand):
    help = "Export one person's model, with a card: what it was fitted on, how accurate it is, its bank, how photos are prepared, licences."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--person", type=UUID, required=True)
        parser.add_argument("--format", choices=get_args(model_files.FileFormat), default="json")
        parser.add_argument("--fit", choices=["instant", "exact"], help="default: the one that ranks on their page")
        parser.add_argument("--out", type=new_file, help="file; default: person-ID.FORMAT in this folder")
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
        parser.add_argument("--json", action="store_true", help="print the card as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        method: Literal["speaking", "instant", "exact"] = options["fit"] or "speaking"
        told = selectors.fit_to_export(options["person"], method)
        anew = told is None and method == "exact"
        if anew:  # nobody has made it while they rested
            told = selectors.fit_to_export(options["person"], "instant")
        if told is None:
            raise CommandError(f"There is no person {options['person']} with a fit: somebody who has answered a card has one.")
        kind = options["format"]
        out = options["out"] or Path(f"person-{options['person']}.{kind}")
        if out.suffix != f".{kind}":
            raise CommandError(f"{out} should end in .{kind}.")
        try:
            bank = open_bank(options["bank"])
            fit = self._exact(options["person"], told.facts, bank) if anew else person_fit(told)
            card = model_files.write(out, kind, fit, bank)
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(card, indent=1))
        else:
            self.stdout.write(f"{out}: {card['bytes'] / 1e6:.3g} MB; read again, its scores agree to {card['checked']:.1g}.")

    def _exact(self, person: UUID, facts: dict[str, Any], bank: Bank) -> RaterFit:
        rated = [(photo, answer) for photo, answer in zip(*selectors.rated_photos(person), strict=True) if media.is_readable(photo)]
        rated = rated[-model_comparison.MOST :]
        if len({answer for _, answer in rated}) < 2:
            raise CommandError("The exact fit needs answers that differ, of photos whose files are there.")
        photos, answers = zip(*rated, strict=True)
        with progress_bar() as progress:
            opened = (_opened(photo) for photo in tracked("reading photos", photos, progress))
            fitted = rater_fitting.exact_fit(bank, opened, answers, progress)
        facts = facts | {"method": "exact", "population": None, "accuracy": None, "ratings": len(rated)}
        facts |= {"rank_loss": round(fitted.loss, 4), "image_passes": fitted.image_passes}
        return RaterFit(cast(FitFacts, facts), coefficients=fitted.coefficients.cpu().numpy())


def _opened(photo: Photo) -> Image.Image:
    try:
        return media.opened(photo)
    except OSError as error:
        raise CommandError(f"Photo {photo.id} ({photo.name}) cannot be read: {error}. Importing it again mends that.") from error
