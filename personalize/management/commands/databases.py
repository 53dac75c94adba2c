"""Deprecated name of `datasets`."""

from personalize.management.commands import datasets


class Command(datasets.Command):
    new_name = "datasets"
