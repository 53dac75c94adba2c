"""Base class of the commands of the machine learning, and the options that several of them share."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize.errors import PersonalizeError
from personalize.files import banks
from personalize.management.files import new_file, new_folder
from personalize.management.renamed import print_new_name


class ModelCommand(BaseCommand):
    """Reports errors that a user can fix as one sentence, without a traceback. Most of these commands need no database."""

    requires_system_checks = []
    new_name = ""  # of a command with a deprecated name, which prints it

    def execute(self, *args: Any, **options: Any) -> str | None:
        if self.new_name:
            old_name = type(self).__module__.rpartition(".")[2]
            print_new_name(f"./pav {old_name}", f"./pav {self.new_name}")
        try:
            return super().execute(*args, **options)
        except (PersonalizeError, OSError) as error:
            raise CommandError(str(error)) from error


def add_rating_options(parser: CommandParser) -> None:
    """The options of commands that measure something on photos and ratings from anywhere."""
    parser.add_argument("--images", type=Path, required=True, help="folder of photos, searched recursively")
    parser.add_argument("--ratings", type=Path, required=True, help="CSV with the columns rater, image, score")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
    parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that caches extracted features")
    parser.add_argument("--json", type=new_file, help="write everything measured to this file")
