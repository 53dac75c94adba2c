"""`./pav bench NAME`: runs one of the benchmarks in benchmarks/, each with its own options."""

import sys
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from django.core.management.base import BaseCommand

import benchmarks


class Command(BaseCommand):
    help = "Run a benchmark: `./pav bench loop`, `./pav bench fit`, ... `./pav bench NAME --help` lists its options."

    def run_from_argv(self, argv: list[str]) -> None:
        """Pass everything after the name to the benchmark: Django's parser does not know its options."""
        programs = [module.name for module in iter_modules(benchmarks.__path__) if hasattr(_load(module.name), "main")]
        name, options = (argv[2], argv[3:]) if len(argv) > 2 else ("", [])
        if name not in programs:
            self.stderr.write(f"Choose a benchmark: ./pav bench {' | '.join(programs)}")
            sys.exit(2)
        _load(name).main(options)


def _load(name: str) -> ModuleType:
    return import_module(f"benchmarks.{name}")
