"""Progress bars for the long commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress_report() -> Iterator[Callable[[str, int, int], None]]:
    """A function (what, done, of) that draws one bar on standard error."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=None)

        def report(what: str, done: int, of: int) -> None:
            progress.update(bar, description=what, completed=done, total=of)

        yield report
