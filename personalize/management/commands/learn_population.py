"""Deprecated name of `learn_population_prior`."""

from typing import Any

from personalize.management import renamed
from personalize.management.commands import learn_population_prior


class Command(learn_population_prior.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        renamed.print_new_name("./pav learn_population", "./pav learn_population_prior")
        super().handle(*args, **options)
