"""`./pav import_photos`: imports photos or the samples into the shared catalogue."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ratings.photos import importing
from ratings.photos.drawn.catalogue import pictures
from ratings.photos.samples import missing, samples
from ratings.photos.services import About


class Command(BaseCommand):
    help = "Import photos into the shared catalogue: from folders and their subfolders, or the samples that come with PAV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folders", nargs="*", type=Path, metavar="DIR", help="a folder or a single photo (JPEG, PNG, WebP, HEIC or AVIF)"
        )
        parser.add_argument(
            "--samples",
            action="store_true",
            help="import the samples: photographs from packages, and pictures that PAV draws",
        )
        parser.add_argument("--credit", default="", help="author of the photos; shown with each photo")
        parser.add_argument("--licence", default="", help="licence of the photos; shown with each photo")

    def handle(self, *, folders: list[Path], samples: bool, credit: str, licence: str, verbosity: int, **_options: Any) -> None:
        console = Console(quiet=verbosity == 0)
        candidates = _candidates(folders, samples, About(credit=credit, licence=licence))
        try:
            report = _import(candidates, console)
        except OSError as error:
            # Unreadable files are refusals, so this error comes from the media folder and would recur with the next photo.
            raise CommandError(_("Photos cannot be stored: %(reason)s. Fix this and try again.") % {"reason": error.strerror}) from error
        _show(report, console)
        if not report.added + report.known:
            raise CommandError(_("No photo was imported."))


def _candidates(folders: list[Path], with_samples: bool, about: About) -> list[importing.Candidate]:
    """The candidates to import, checked before the import starts.

    Raises:
        CommandError: no source is given, a folder does not exist, or there are no files.
    """
    if not folders and not with_samples:
        raise CommandError(_("Say what to import: a folder, or --samples."))
    for folder in folders:
        if not folder.exists():
            raise CommandError(_("There is no folder %(folder)s. Check its name.") % {"folder": folder})
    found = importing.from_samples(samples()) + importing.from_drawn(pictures()) if with_samples else []
    for folder in folders:
        found += importing.from_folder(folder, about)
    if not found:
        raise CommandError(_("There are no files in %(folder)s.") % {"folder": ", ".join(map(str, folders))})
    return found


def _import(candidates: list[importing.Candidate], console: Console) -> importing.Report:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(_("Importing photos"), total=len(candidates))
        return importing.import_all(candidates, done=lambda _candidate, _stored: progress.advance(bar))


def _show(report: importing.Report, console: Console) -> None:
    counts = [
        ngettext("%(n)s photo imported", "%(n)s photos imported", report.added) % {"n": report.added},
        ngettext("%(n)s was there already", "%(n)s were there already", report.known) % {"n": report.known},
        ngettext("%(n)s refused", "%(n)s refused", len(report.refused)) % {"n": len(report.refused)},
    ]
    console.print(", ".join(counts) + ".")
    for source in missing():
        console.print(Text(_("Sample left out: %(path)s of %(package)s is not the file that is known.") % vars(source)), soft_wrap=True)
    if not report.refused:
        return
    for label, refusal in report.refused:
        # As Text, because rich interprets square brackets as markup. Unwrapped, so that a log has one line per file.
        console.print(Text(f"  {label}: {refusal.sentence(_)}"), soft_wrap=True)
