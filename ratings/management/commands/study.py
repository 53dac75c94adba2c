"""Studies from the command line: new, check, load, save, state, block."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ratings.errors import RatingError
from ratings.studies import new_studies, selectors, services
from ratings.studies.models import Study

Options = dict[str, Any]


class Command(BaseCommand):
    help = "Make, check, load and save rating studies as YAML files."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parts = parser.add_subparsers(dest="part", required=True)
        new = parts.add_parser("new", help="write a study that works, of photos of the catalogue, to SLUG.yaml")
        new.add_argument("slug")
        new.add_argument("--photos", type=int, default=40, help="how many photos of the catalogue, the oldest first")
        check = parts.add_parser("check", help="list every problem of SLUG.yaml by line")
        load = parts.add_parser("load", help="make SLUG.yaml a study here, or change the draft that is here")
        load.add_argument("--owner", default="", help="account that owns it; without, no researcher sees it")
        save = parts.add_parser("save", help="write a study that is here to SLUG.yaml")
        state = parts.add_parser("state", help="take a study to another state")
        state.add_argument("slug")
        state.add_argument("to", choices=Study.State.values)
        block = parts.add_parser("block", help="ids that may not take part, from a text file; only keyed hashes are kept")
        block.add_argument("slug")
        block.add_argument("ids", type=Path)
        for part in (check, load, save):
            part.add_argument("slug", help="name of the study, or path of its file")
        for part in (new, save):
            part.add_argument("--force", action="store_true", help="replace the file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['part']}")(options)
        except RatingError as error:
            raise CommandError(str(error.sentence)) from None
        except UnicodeDecodeError as error:
            raise CommandError(f"The file is not text in UTF-8: byte {error.start + 1} cannot be read.") from None
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be used: {error.strerror}.") from None

    def _new(self, options: Options) -> None:
        photos = selectors.catalogue_photos(options["photos"])
        if not photos:
            raise CommandError("The catalogue has no photos. Import some first: ./pav import_photos DIR")
        self._write(options, new_studies.new_study(options["slug"], photos, today=timezone.now().date()))

    def _check(self, options: Options) -> None:
        _file, problems = selectors.problems_of(_path(options["slug"]).read_text())
        for problem in problems:
            self.stdout.write(f"{'advice' if problem.is_advice else 'problem'}: {problem}")
        count = sum(not problem.is_advice for problem in problems)
        if count:
            raise CommandError(f"{count} problem{'s' if count > 1 else ''}. Nothing was changed.")
        self.stdout.write("The design is sound.")

    def _load(self, options: Options) -> None:
        text = _path(options["slug"]).read_text()
        file, problems = selectors.problems_of(text)
        if file is None:
            raise CommandError("\n".join(map(str, problems)))
        owner = get_user_model().objects.filter(username=options["owner"]).first()
        if options["owner"] and owner is None:
            raise CommandError(f"There is no account {options['owner']!r}.")
        study = selectors.study_by_slug(file.slug)
        if study:
            services.save_draft(study, text, by=None)
        else:
            services.create_study(owner_id=owner.pk if owner else None, slug=file.slug, text=text)
        self.stdout.write(f"The study {file.slug} is here, as a draft. Next: ./pav study state {file.slug} preview")

    def _save(self, options: Options) -> None:
        study = self._study(options["slug"])
        self._write(options, study.draft)

    def _state(self, options: Options) -> None:
        study = services.change_state(self._study(options["slug"]), options["to"], by=None)
        self.stdout.write(f"{study.slug} is now: {study.get_state_display()}.")

    def _block(self, options: Options) -> None:
        added = services.bar_ids(self._study(options["slug"]), options["ids"].read_text().split(), by=None)
        self.stdout.write(f"{added} more ids may not take part in {options['slug']}.")

    def _study(self, name: str) -> Study:
        study = selectors.study_by_slug(Path(name).stem)
        if study is None:
            raise CommandError(f"There is no study {Path(name).stem!r} here.")
        return study

    def _write(self, options: Options, text: str) -> None:
        path = _path(options["slug"])
        if path.exists() and not options["force"]:
            raise CommandError(f"{path} exists. --force replaces it.")
        path.write_text(text)
        self.stdout.write(f"Written to {path}.")


def _path(name: str) -> Path:
    """The file of a study: SLUG.yaml in this folder, or the path as it is."""
    path = Path(name)
    return path if path.suffix in (".yaml", ".yml") else path.with_name(f"{path.name}.yaml")
