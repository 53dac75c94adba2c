"""Registry of scales: what a participant can say of a photo, how it is drawn, and how a taste model may read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ScaleValue:
    """One value of a scale: the number that is stored, its key on a keyboard, and the word that the interface has for it, if any."""

    value: int
    keys: tuple[str, ...]
    word: str = ""


@dataclass(frozen=True)
class ScaleKind:
    """One kind of scale."""

    name: str
    about: str
    least_points: int
    most_points: int
    default_points: int
    drawn: str  # which part of static/studies/ draws it
    values: Callable[[int], tuple[ScaleValue, ...]]
    level: str  # of measurement, for statistics
    taste: Callable[[int, int], float]
    """How a taste model reads a value: 0 the least, 1 the most liked. Nothing in PAV does so while a study runs."""


def _swipe_values(_points: int) -> tuple[ScaleValue, ...]:
    return (
        ScaleValue(1, ("ArrowLeft", "1"), "dislike"),
        ScaleValue(2, ("ArrowRight", "2"), "like"),
        ScaleValue(3, ("ArrowUp", "3"), "love"),
    )


def _points(points: int) -> tuple[ScaleValue, ...]:
    # 0 stands for 10. Past ten points, there is no single key: Tab and arrow keys choose.
    return tuple(ScaleValue(value, (str(value % 10),) if points <= 10 else ()) for value in range(1, points + 1))


def _share(value: int, points: int) -> float:
    return (value - 1) / (points - 1)


SCALES: Mapping[str, ScaleKind] = {
    row.name: row
    for row in (
        ScaleKind("swipe", "dislike, like, love, by swiping or buttons", 3, 3, 3, "swipe", _swipe_values, "ordinal", _share),
        ScaleKind("likert", "points in a row, with labels at the ends or on all", 2, 101, 7, "points", _points, "interval", _share),
    )
}
