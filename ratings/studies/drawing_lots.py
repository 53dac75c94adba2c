"""Random choices that depend on names alone, by SHA-256: the same on every machine, in every version of Python, and in another language."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Lots:
    """A stream of random numbers that its name determines."""

    def __init__(self, *name: object) -> None:
        self._name = "/".join(map(str, name))
        self._count = 0

    def number(self, below: int) -> int:
        """A whole number from 0 to `below` - 1. Of 256 bits, so that the remainder favours none by more than 1e-60."""
        self._count += 1
        digest = hashlib.sha256(f"{self._name}#{self._count}".encode()).digest()
        return int.from_bytes(digest) % below

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in a random order (Fisher and Yates)."""
        found = list(items)
        for last in range(len(found) - 1, 0, -1):
            place = self.number(last + 1)
            found[last], found[place] = found[place], found[last]
        return found
