"""Old names of commands and options: they still work, and say the new one."""

import sys
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any


def tell(old: str, new: str) -> None:
    """One line on standard error, where no result goes."""
    print(f"{old} is now called {new}; the old name still works.", file=sys.stderr)


class OldOption(Action):
    """The old name of the option whose value goes to the same place."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: str | Sequence[Any] | None, option_string: str | None = None
    ) -> None:
        tell(option_string or "", f"--{self.dest.replace('_', '-')}")
        setattr(namespace, self.dest, values)
