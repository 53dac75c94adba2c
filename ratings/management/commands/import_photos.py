"""`./pav import_photos`: imports photos or the samples into the shared catalogue, or photos into a rater's album."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ratings.errors import RatingError
from ratings.photos import importing
from ratings.photos.drawn.catalogue import pictures
from ratings.photos.samples import Source, missing, samples
from ratings.photos.services import About
from ratings.uploads import bringing


class Command(BaseCommand):
    help = (
        "Import photos into the shared catalogue: from folders and their subfolders, or the samples that come with PAV. "
        "With --album and --owner, they become private photos of an account."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folders", nargs="*", type=Path, metavar="DIR", help="a folder or a single photo (JPEG, PNG, WebP, HEIC or AVIF)"
        )
        parser.add_argument(
            "--samples",
            action="store_true",
            help="import the samples: photographs from packages, and pictures that PAV draws",
        )
        parser.add_argument("--album", default="", metavar="NAME", help="an album of the owner, which is made where there is none")
        parser.add_argument("--owner", default="", metavar="EMAIL", help="mail address or name of the account that the photos belong to")
        parser.add_argument("--credit", default="", help="author of the photos; shown with each photo")
        parser.add_argument("--licence", default="", help="licence of the photos; shown with each photo")

    def handle(self, *, folders: list[Path], samples: bool, credit: str, licence: str, verbosity: int, **options: Any) -> None:
        console = Console(quiet=verbosity == 0)
        if options["album"] or options["owner"]:
            self._bring(folders, options["album"], options["owner"], console)
            return
        candidates = _candidates(folders, samples, About(credit=credit, licence=licence))
        try:
            report = _import(candidates, console)
        except OSError as error:
            # Unreadable files are refusals, so this error comes from the media folder and would recur with the next photo.
            raise CommandError(_("Photos cannot be stored: %(reason)s. Fix this and try again.") % {"reason": error.strerror}) from error
        _show(report, console, missing())
        if not report.added + report.known:
            raise CommandError(_("No photo was imported."))

    def _bring(self, folders: list[Path], album: str, owner: str, console: Console) -> None:
        """Bring the files of folders into an album."""
        if not album or not owner or not folders:
            raise CommandError(_("Own photos need all three: --album NAME, --owner EMAIL, and a folder."))
        for folder in folders:
            if not folder.exists():
                raise CommandError(_("There is no folder %(folder)s. Check its name.") % {"folder": folder})
        paths = [path for folder in folders for path in importing.files_in(folder)]
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        try:
            with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
                bar = progress.add_task(_("Importing photos"), total=len(paths))
                report = bringing.bring_all(album=album, owner=owner, paths=paths, done=lambda: progress.advance(bar))
        except RatingError as error:
            raise CommandError(str(error.sentence)) from error
        except OSError as error:
            raise CommandError(_("Photos cannot be stored: %(reason)s. Fix this and try again.") % {"reason": error.strerror}) from error
        _show(report, console, missing=())
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


def _show(report: importing.Report, console: Console, missing: Iterable[Source]) -> None:
    counts = [
        ngettext("%(n)s photo imported", "%(n)s photos imported", report.added) % {"n": report.added},
        ngettext("%(n)s was there already", "%(n)s were there already", report.known) % {"n": report.known},
        ngettext("%(n)s refused", "%(n)s refused", len(report.refused)) % {"n": len(report.refused)},
    ]
    console.print(", ".join(counts) + ".")
    for source in missing:
        console.print(Text(_("Sample left out: %(path)s of %(package)s is not the file that is known.") % vars(source)), soft_wrap=True)
    if not report.refused:
        return
    for label, refusal in report.refused:
        # As Text, because rich interprets square brackets as markup. Unwrapped, so that a log has one line per file.
        console.print(Text(f"  {label}: {refusal.sentence(_)}"), soft_wrap=True)
