"""Layout of a photo's raw features: the groups that a bank's networks compute, and one score. NumPy only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

Normalisation = Literal["length", "columns"]
"""How a group enters a projection: each photo's numbers divided by their length, or each number divided by its SD over the catalogue."""


MEAN, DEVIATION = "mean", "SD"


@dataclass(frozen=True)
class Statistic:
    """Successive numbers of a group: one statistic of each channel of a stage of the network, over the positions."""

    stage: int  # of the network, from 1
    name: str  # MEAN or DEVIATION
    width: int  # channels


@dataclass(frozen=True)
class Group:
    """One group of raw features, such as the embedding of one network."""

    name: str
    width: int  # numbers per photo
    normalisation: Normalisation
    statistics: tuple[Statistic, ...] = ()  # what its numbers are, in their order; empty: an embedding, or not known

    def means(self, stages: int) -> Bool[np.ndarray, "width"]:
        """Which numbers are means of the last `stages` stages."""
        last = max(one.stage for one in self.statistics)
        chosen = [one.name == MEAN and one.stage > last - stages for one in self.statistics]
        return np.repeat(chosen, [one.width for one in self.statistics])


@dataclass(frozen=True)
class RawLayout:
    """The raw vector of a photo: the groups in this order, then the score of the merged network (mean 0, SD 1 over the bank's photos)."""

    groups: tuple[Group, ...]
    has_score: bool = True  # banks without task vectors have no merged network

    @property
    def width(self) -> int:
        """Numbers per photo, the score included."""
        return sum(group.width for group in self.groups) + int(self.has_score)

    def slices(self) -> Iterator[tuple[Group, slice]]:
        """Each group with its place in the raw vector."""
        first = 0
        for group in self.groups:
            yield group, slice(first, first + group.width)
            first += group.width
