"""Deprecated name of `datasets`."""

from typing import Any

from personalize.management import renamed
from personalize.management.commands import datasets


class Command(datasets.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        renamed.print_new_name("./pav databases", "./pav datasets")
        super().handle(*args, **options)
