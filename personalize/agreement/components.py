"""Moment estimates of variance components, on complete and incomplete data.

A rating is mean + rater + photo + rater x photo [+ block + block x rater + block x photo] + residual, effects independent. With D(s) half
the mean squared difference of pairs of ratings that share exactly s, and D() that of pairs that share nothing:

    rater = D() - D(rater),  photo = D() - D(photo),  rater x photo = D() - D(rater, photo) - rater - photo, ...

The estimates are unbiased and may be negative. On complete data without repeats they are those of the two-way analysis of variance. They
cost one pass over the ratings, so the bootstrap uses them where REML (`reml.py`) would take hours.

References:
    Gao & Owen 2017, Henderson 1953 (see `rating_pairs.py`); Shavelson & Webb, Generalizability theory, 1991.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from personalize.agreement.rating_pairs import Pair, RatingPairs
from personalize.agreement.single_ratings import SingleRatings

PLAIN = ("photo", "rater", "residual")
BLOCKED = ("photo", "rater", "rater_photo", "block", "block_rater", "block_photo", "residual")

Components = dict[str, float]
_CLASSES: tuple[Pair, ...] = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True)
class Design:
    """Which components these ratings can tell apart."""

    parts: tuple[str, ...]  # empty: none
    reason: str = ""  # why parts are missing; completes "not estimable, because ..."


def design_of(ratings: SingleRatings) -> Design:
    """The components that ratings of this design can tell apart."""
    cells = ratings.cells
    if len(ratings.raters) < 2:
        return Design((), "there is one rater only")
    if cells.rater_sizes.max(initial=0) < 2:
        return Design((), "no rater rated two photos")
    if cells.photo_sizes.max(initial=0) < 2:
        return Design((), "no two raters rated the same photo")
    if not ratings.has_repeats:
        return Design(PLAIN, "no rater rated a photo twice, so private taste and noise cannot be told apart")
    once = np.ones(len(ratings.raters)), np.ones(len(ratings.photos))
    inside = RatingPairs(ratings, within_blocks=True).sums(*once)
    outside = RatingPairs(ratings).sums(*once).minus(inside)
    if min(inside.pairs[same] for same in _CLASSES if same != (1, 1)) < 1 or min(outside.pairs.values()) < 1:
        return Design((), "no two raters rated photos in the same block; number each rater's repetitions from 1")
    return Design(BLOCKED)


class MomentComponents:
    """The moment estimator for one set of ratings, for any weights of raters and photos."""

    def __init__(self, ratings: SingleRatings, parts: tuple[str, ...]) -> None:
        self.parts = parts
        self._all = RatingPairs(ratings)
        self._in_block = RatingPairs(ratings, within_blocks=True) if parts == BLOCKED else None

    def estimate(self, raters: Float[np.ndarray, "raters"], photos: Float[np.ndarray, "photos"]) -> Components:
        """The components by name; nan where no pair of ratings tells of them."""
        total = self._all.sums(raters, photos)
        if self._in_block is None:
            return self._without_blocks({same: total.mean(same) for same in total.pairs})
        inside = self._in_block.sums(raters, photos)
        outside = total.minus(inside)
        return self._with_blocks(
            {(same, True): inside.mean(same) for same in _CLASSES} | {(same, False): outside.mean(same) for same in _CLASSES}
        )

    def _without_blocks(self, d: dict[Pair, float]) -> Components:
        photo, rater = d[0, 0] - d[0, 1], d[0, 0] - d[1, 0]
        return {"photo": photo, "rater": rater, "residual": d[0, 0] - photo - rater}

    def _with_blocks(self, d: dict[tuple[Pair, bool], float]) -> Components:
        total = d[(0, 0), False]
        found = {"photo": total - d[(0, 1), False], "rater": total - d[(1, 0), False], "block": total - d[(0, 0), True]}
        # What pairs that share two of the three have in common, beyond what each of the two gives.
        found["rater_photo"] = total - d[(1, 1), False] - found["rater"] - found["photo"]
        found["block_rater"] = total - d[(1, 0), True] - found["block"] - found["rater"]
        found["block_photo"] = total - d[(0, 1), True] - found["block"] - found["photo"]
        found["residual"] = total - sum(found.values())
        return {part: found[part] for part in BLOCKED}


def shares(components: Components) -> Components:
    """Each component's share of their sum, 0 to 1; components below zero count as zero."""
    positive = {part: max(value, 0.0) if value == value else value for part, value in components.items()}
    total = sum(positive.values())
    return {part: value / total if total > 0 else float("nan") for part, value in positive.items()}
