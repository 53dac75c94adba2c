"""`./pav bench NAME`: runs one of the benchmarks in benchmarks/, each with its own options."""

import sys
from importlib import import_module

from django.core.management.base import BaseCommand

from pav_site.environment import BASE


class Command(BaseCommand):
    help = "Run a benchmark: `./pav bench loop`, `./pav bench fit`, ... `./pav bench NAME --help` lists its options."

    def run_from_argv(self, argv: list[str]) -> None:
        """Pass everything after the name to the benchmark: Django's parser does not know its options."""
        programs = _programs()
        name, options = (argv[2], argv[3:]) if len(argv) > 2 else ("", [])
        if name not in programs:
            self.stderr.write(f"Choose a benchmark: ./pav bench {' | '.join(programs)}")
            sys.exit(2)
        import_module(f"benchmarks.{name}").main(options)


def _programs() -> list[str]:
    """The benchmarks by name. Their sources are read, not imported: some need packages that others do not."""
    return sorted(path.stem for path in (BASE / "benchmarks").glob("*.py") if "\ndef main(arguments" in path.read_text())
