"""The best photos of an album, with photos that are nearly alike folded into stacks.

The next stack is led by the photo with the highest score minus a penalty for being like the leaders so far:

    argmax_i  s_i - variety * sd(s) * max_j likeness(i, j),    likeness(i, j) = exp(-|x_i - x_j|^2 / SCALE)

on the axes x of the features, which together have a variance of about one over the photos that they were learned from. A photo joins the
stack of a leader whom it is like to at least a limit; within a burst, where the camera's clock is at most `BURST_SECONDS` apart, a lower
limit is enough. Without variety, a stack's leader is the best of its stack. How alike photos are that should fold is measured in
docs/decisions/stacks.md.

References:
    Carbonell & Goldstein, SIGIR 1998 (maximal marginal relevance).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

BURST_SECONDS = 10.0
SCALE = 0.3  # squared distance at which likeness has fallen to a third
STRICT, LENIENT = 0.995, 0.6  # likeness from which photos fold, at `fold` 0 and 1
BURST_BONUS = 0.15  # by how much the limit is lower within a burst
MOST_VARIETY = 3.0  # standard deviations of the scores that a photo like a leader loses at `variety` 1


def stacks(
    scores: Float[np.ndarray, "photos"],
    axes: Float[np.ndarray, "photos axes"],
    seconds: Float[np.ndarray, "photos"],
    *,
    count: int,
    fold: float,
    variety: float,
) -> list[list[int]]:
    """The first `count` stacks: places of photos in the arrays, the leader of each stack first, the others from the best down.

    `seconds` is the camera's time, nan where unknown. `fold` (0: only the same picture again, 1: the same scene) and `variety` (0: by score
    alone, 1: as different as can be) are from 0 to 1.
    """
    if not len(scores):
        return []
    limit = STRICT - fold * (STRICT - LENIENT)
    penalty = variety * MOST_VARIETY * max(float(scores.std()), 1e-9)
    left, closest = np.ones(len(scores), dtype=bool), np.zeros(len(scores))
    found: list[list[int]] = []
    while len(found) < count and left.any():
        leader = int(np.where(left, scores - penalty * closest, -np.inf).argmax())
        likenesses = np.exp(-((axes - axes[leader]) ** 2).sum(axis=1) / SCALE)
        near = np.abs(seconds - seconds[leader]) <= BURST_SECONDS  # false where unknown
        joins = left & (likenesses >= limit - BURST_BONUS * near)
        joins[leader] = False
        others = np.flatnonzero(joins)
        found.append([leader, *_by_score(others, scores)])
        left &= ~joins
        left[leader] = False
        closest = np.maximum(closest, likenesses)
    return found


def _by_score(places: Sequence[int] | np.ndarray, scores: Float[np.ndarray, "photos"]) -> list[int]:
    return sorted((int(place) for place in places), key=lambda place: (-scores[place], place))
