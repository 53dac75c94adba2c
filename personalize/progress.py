"""Progress callbacks for long-running work."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
ProgressCallback = Callable[[str, int, int], None]  # activity, items done, items in total


def no_progress(what: str, done: int, of: int) -> None:
    """A callback that ignores progress."""


def tracked(what: str, items: Sequence[Item], progress: ProgressCallback) -> Iterator[Item]:
    """Yield the items, and call `progress` before each."""
    for number, item in enumerate(items, start=1):
        progress(what, number, len(items))
        yield item
