"""Deprecated names of commands and options; each prints its new name."""

import sys
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any


def print_new_name(old: str, new: str) -> None:
    """Print the new name on standard error, which carries no results."""
    print(f"{old} is now called {new}; the old name still works.", file=sys.stderr)


class OldOption(Action):
    """The deprecated name of an option; stores the value under the same `dest`."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: str | Sequence[Any] | None, option_string: str | None = None
    ) -> None:
        print_new_name(option_string or "", f"--{self.dest.replace('_', '-')}")
        setattr(namespace, self.dest, values)
