"""`./pav draw_samples`: draws the sample pictures that PAV draws itself, or a sheet that shows all of them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from pav_site.processes import end_with_parent, yield_to_others
from ratings.photos.drawn import contact_sheet, store
from ratings.photos.drawn.catalogue import pictures


class Command(BaseCommand):
    help = "Draw the sample pictures that PAV draws itself. They are kept in PAV_VAR; `./pav import_photos --samples` imports them."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--part", type=int, default=1, help="draw only this part, so that several processes share the work")
        parser.add_argument("--parts", type=int, default=1, help="number of parts")
        parser.add_argument("--with-parent", action="store_true", help="exit when the process that holds stdin open exits")
        parser.add_argument("--sheet", type=Path, help="write one WebP image that shows all pictures, by family")

    def handle(self, *, part: int, parts: int, sheet: Path | None, with_parent: bool, **_options: Any) -> None:
        if not 1 <= part <= parts:
            raise CommandError(_("There are %(parts)s parts: choose a part from 1 to %(parts)s.") % {"parts": parts})
        if with_parent:
            end_with_parent()
        yield_to_others()
        try:
            for picture in pictures()[part - 1 :: parts]:
                store.drawn(picture)
            if sheet:
                contact_sheet.write(sheet)
        except OSError as error:
            raise CommandError(_("Pictures cannot be stored: %(reason)s. Fix this and try again.") % {"reason": error.strerror}) from error
