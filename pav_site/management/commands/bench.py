"""`./pav bench NAME`: one of the programs in benchmarks/, each with options of its own."""

import sys
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from django.core.management.base import BaseCommand

import benchmarks


class Command(BaseCommand):
    help = "Measure: `./pav bench loop`, `./pav bench fit`, ... ; `./pav bench NAME --help` tells the options of one."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hands everything after the name to the benchmark, whose options Django cannot know."""
        programs = [module.name for module in iter_modules(benchmarks.__path__) if hasattr(_load(module.name), "main")]
        name, options = (argv[2], argv[3:]) if len(argv) > 2 else ("", [])
        if name not in programs:
            self.stderr.write(f"Which one? ./pav bench {' | '.join(programs)}")
            sys.exit(2)
        _load(name).main(options)


def _load(name: str) -> ModuleType:
    return import_module(f"benchmarks.{name}")
