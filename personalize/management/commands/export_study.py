"""Export of a study: every table, the design, the data dictionary, and the analysis of agreement."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from personalize.agreement.resampling import BootstrapPlan
from personalize.files import atomic_files
from personalize.management.command import ModelCommand
from personalize.management.files import new_folder
from personalize.management.progress import progress_bar
from personalize.worker.study_agreement import analyse_study
from ratings.photos import files
from ratings.studies import exports, selectors
from ratings.studies.models import Participant, Study


class Command(ModelCommand):
    help = "Write a study's data to a folder: CSV tables, design, data dictionary, agreement.json and report."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="name of the study")
        parser.add_argument("--out", type=new_folder, required=True, help="folder for the files")
        parser.add_argument("--pilot", action="store_true", help="the data of the pilot, which never mix with the study's")
        parser.add_argument("--with-ids", action="store_true", help="also the ids by which participants came, as far as they are kept")
        parser.add_argument("--photos", action="store_true", help="also the photos, under the names in ratings.csv (for ./pav evaluate)")
        parser.add_argument("--no-agreement", action="store_true", help="without the analysis")
        parser.add_argument("--draws", type=int, default=BootstrapPlan.draws, help="bootstrap draws behind the intervals")

    def handle(self, *args: Any, **options: Any) -> None:
        study = selectors.study_by_slug(options["slug"])
        if study is None or study.design_id is None:
            raise CommandError(f"There is no study {options['slug']!r} with a design that participants saw.")
        folder: Path = options["out"]
        folder.mkdir(parents=True, exist_ok=True)
        mode = Participant.Mode.PILOT if options["pilot"] else Participant.Mode.MAIN
        for name in exports.NAMES:
            _write(folder / name, exports.lines_of(study, name, mode=mode, with_ids=options["with_ids"]))
        if options["photos"]:
            self._photos(study, folder / "photos")
        if not options["no_agreement"]:
            self._agreement(study, mode, folder, options["draws"])
        self.stdout.write(f"Written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}.")

    def _photos(self, study: Study, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for photo in selectors.photos_of(study):
            try:
                (folder / exports.image_name(photo.sha256)).write_bytes(files.read(photo, files.MASTER))
            except OSError as error:
                raise CommandError(f"The file of photo {photo.pk} cannot be read: {error}.") from error

    def _agreement(self, study: Study, mode: str, folder: Path, draws: int) -> None:
        """The analysis, or why there is none."""
        with progress_bar() as progress:
            made = analyse_study(study, mode, BootstrapPlan(draws), progress)
        for name, text in made.files.items():
            atomic_files.write_text(folder / name, text)
        for page in made.pages:
            self.stdout.write(page)
        for problem in made.problems:
            self.stderr.write(problem)


def _write(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
