"""Deprecated name of `evaluate_prior`."""

from typing import Any

from personalize.management import renamed
from personalize.management.commands import evaluate_prior


class Command(evaluate_prior.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        renamed.print_new_name("./pav learn_prior", "./pav evaluate_prior")
        super().handle(*args, **options)
