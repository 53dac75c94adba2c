"""Deprecated name of `evaluate_prior`."""

from personalize.management.commands import evaluate_prior


class Command(evaluate_prior.Command):
    new_name = "evaluate_prior"
