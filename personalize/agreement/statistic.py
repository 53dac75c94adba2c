"""A statistic with its interval and what it rests on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Statistic:
    """One number of an analysis; `definitions.py` says what its `key` means.

    Where the design does not give the number, `value` is None and `reason` completes the sentence "not estimable, because ...".
    """

    key: str
    value: float | None
    low: float | None = None  # of the 95 % interval; None: the interval is not estimable
    high: float | None = None
    raters: int = 0
    photos: int = 0
    ratings: int = 0
    reason: str = ""
    interval: str = ""  # how the interval was made
    note: str = ""  # what a reader of this number must know, such as the k of a coefficient

    def as_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if value != ""}


@dataclass(frozen=True)
class Basis:
    """The raters, photos and ratings that a statistic rests on."""

    raters: int
    photos: int
    ratings: int


class Keyed:
    """A result whose statistics are found by their keys."""

    statistics: Sequence[Statistic]

    def of(self, key: str) -> Statistic:
        """The statistic with this key."""
        return next(one for one in self.statistics if one.key == key)


def not_estimable(key: str, reason: str, basis: Basis = Basis(0, 0, 0), note: str = "") -> Statistic:
    """A statistic that the design does not give. `reason` completes "not estimable, because ...": no capital, no full stop."""
    return Statistic(key, None, raters=basis.raters, photos=basis.photos, ratings=basis.ratings, reason=reason, note=note)
