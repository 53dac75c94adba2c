"""Progress callbacks of long work."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
ProgressCallback = Callable[[str, int, int], None]  # what is going on, how much of it is done, of how much


def no_progress(what: str, done: int, of: int) -> None:
    """The callback of a caller who does not want to know."""


def tracked(what: str, items: Sequence[Item], progress: ProgressCallback) -> Iterator[Item]:
    """The items one by one; `progress` is called as each is asked for."""
    for number, item in enumerate(items, start=1):
        progress(what, number, len(items))
        yield item
