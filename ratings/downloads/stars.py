"""Stars from a ranking: the first so many per cent get five, the next four, and so on. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from ratings.deck.models import Value
from ratings.photos import xmp

USUAL_SHARES = (10, 20, 40, 20, 10)
"""Per cent of the photos that get 5, 4, 3, 2 and 1 stars."""

SAID = {Value.LOVE: "PAV loved", Value.LIKE: "PAV liked", Value.DISLIKE: "PAV turned down"}
LABELS = {Value.LOVE: "Green", Value.DISLIKE: "Red"}
"""Colour labels as Lightroom, digiKam and darktable name them."""


@dataclass(frozen=True)
class Wanted:
    """What is written beside the stars."""

    reject: bool = False  # photos that the rater turned down get -1, "rejected", in place of stars
    label: bool = False
    keywords: bool = True


def stars_by_place(count: int, shares: Sequence[int] = USUAL_SHARES) -> list[int]:
    """Stars of `count` photos in order, best first. The shares add up to 100; a border falls on the nearest whole photo."""
    stars, end, taken = [], 0, 0
    for number, share in zip(range(5, 0, -1), shares, strict=True):
        end += share
        upto = (2 * count * end + 100) // 200
        stars += [number] * (upto - taken)
        taken = upto
    return stars


def marked(stars: int, said: int | None, wanted: Wanted, taken_at: str = "") -> xmp.Stars:
    """The stars of a photo as they are written. They are a prediction, also of a rated photo; a rejection is what the rater said."""
    value = Value(said) if said else None
    rejected = wanted.reject and value == Value.DISLIKE
    words = (SAID.get(value, "PAV predicted") if value else "PAV predicted",) if wanted.keywords else ()
    return xmp.Stars(
        rating=xmp.FEWEST if rejected else stars,
        source=xmp.RATED if rejected else xmp.PREDICTED,
        label=LABELS.get(value, "") if wanted.label and value else "",
        keywords=words,
        taken_at=taken_at,
    )
