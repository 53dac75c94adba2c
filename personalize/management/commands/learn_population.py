"""Deprecated name of `learn_population_prior`."""

from personalize.management.commands import learn_population_prior


class Command(learn_population_prior.Command):
    new_name = "learn_population_prior"
