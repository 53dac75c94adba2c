"""What the registry holds of a database."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from personalize.databases.photos import RatedPhoto

Said = dict[str, dict[Path, float]]  # person -> photo -> rating; the last word counts


@dataclass(frozen=True)
class Database:
    """One task, or one test of people, as a row of the registry."""

    name: str
    folder: str  # below the root that holds all databases
    column: str  # that has the mean score
    low: float  # the end of the scale that becomes score 1
    high: float  # the end that becomes score 10
    spread: float  # of single raters around the mean, on 1..10; assumed, and used only where no distribution is known
    about: str
    source: str
    photos: Callable[[Path, "Database"], list[RatedPhoto]]  # reads them, with their mean scores
    degraded: bool = False  # scores are made by degrading the photos in graded steps
    layout: str = ""  # what the folder should hold; shown in errors
    split: str = "a fixed hash of the name: 70 % train, 10 % validation, 20 % test"
    licence: str = "not checked"  # as its authors state it; sources in docs/databases.md
    ratings: Callable[[Path, "Database"], Said] | None = None  # reads single people's
    testers: Callable[[Path, "Database", Said], frozenset[str]] | None = None  # test people; None: the caller splits
