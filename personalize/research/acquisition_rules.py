"""Acquisition rules that `replay` compares: which photo to present next. The app uses `acquisition.next_photos`.

A rule sees the rater's current fit and the photos that it may present; it never sees the rating of a photo before presenting it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from personalize.numerics import acquisition, taste
from personalize.numerics.acquisition import Bolder
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.taste import Covariance, Taste


@dataclass(frozen=True)
class Situation:
    """The information that a rule may use."""

    features: Float[np.ndarray, "photos features"]  # the whole catalogue
    left: Int[np.ndarray, "left"]  # places of the photos that may be presented
    seen: Int[np.ndarray, "seen"]  # places of the photos rated so far, in order
    fit: Taste  # to the ratings so far
    hyperprior: Hyperprior
    rng: np.random.Generator


Rule = Callable[[Situation, int], list[int]]  # (situation, number of photos) -> places in `left`, in order of presentation


def random(situation: Situation, count: int) -> list[int]:
    """Photos drawn uniformly at random."""
    return [int(index) for index in situation.rng.permutation(len(situation.left))[:count]]


def uncertainty(situation: Situation, count: int) -> list[int]:
    """The photo with the largest variance of its score (D-optimal design, greedy)."""
    return _greedy([(1.0, situation.fit.covariance)], situation, count, lambda onto, joint, noise: joint.diagonal().copy())


def teach(situation: Situation, count: int, explore: float = 0.0, bold: bool = True) -> list[int]:
    """The app's rule: the photo whose rating reduces the variance of all differences most, under a wider prior than the fitted one."""
    candidates = situation.features[situation.left]
    chosen = acquisition.next_photos(
        situation.fit.covariance, candidates, count, situation.rng, explore=explore, bold=bold, catalogue=situation.features
    )
    return [photo.index for photo in chosen]


def at_boldness(situation: Situation, count: int, feature: float) -> list[int]:
    """As `teach`, with `feature` as the prior variance of a feature's weight."""
    covariance = acquisition.bolder(situation.fit.covariance, feature=feature)
    return _greedy([(1.0, covariance)], situation, count, _order_gain)


def mixture(situation: Situation, count: int, mass: float = 0.9) -> list[int]:
    """As `teach` under the fitted posterior, with the gain averaged over the most plausible grid points, which together have `mass`."""
    weights = situation.fit.posterior.sum(axis=3)
    order = np.argsort(weights.ravel())[::-1]
    kept = order[: int(np.searchsorted(np.cumsum(weights.ravel()[order]), mass)) + 1]
    rows, points = situation.features, []
    for point in kept:
        covariance = _at(situation, *(int(place) for place in np.unravel_index(point, weights.shape)))
        spread = (rows * covariance.prior * rows).sum(axis=1).mean()  # makes the gains of the points comparable
        points.append((float(weights.ravel()[point]) / spread, covariance))
    return _greedy(points, situation, count, _order_gain)


def generic_spread(situation: Situation, count: int) -> list[int]:
    """Photos spread over the quantiles of the generic score, in the order of the van der Corput sequence."""
    order = situation.left[np.argsort(situation.features[situation.left, 0])]
    taken: set[int] = set()
    for number in range(len(situation.seen), len(situation.seen) + count):
        place, half, bits = 0.0, 0.5, number + 1
        while bits:
            place += half * (bits & 1)
            bits, half = bits >> 1, half / 2
        free = [index for index in range(len(order)) if index not in taken]
        taken.add(min(free, key=lambda index: abs((index + 0.5) / len(order) - place)))
    wanted = order[sorted(taken)]
    return [int(index) for index in np.flatnonzero(np.isin(situation.left, wanted))]


def longest(situation: Situation, count: int) -> list[int]:
    """The photos with the longest feature vectors, which differ most from an average photo."""
    return [int(index) for index in np.argsort(-(situation.features[situation.left, 1:] ** 2).sum(axis=1))[:count]]


def diversity(situation: Situation, count: int) -> list[int]:
    """The photo farthest from all photos presented so far (k-centre, in the features without the generic score)."""
    phi = situation.features[:, 1:]
    chosen: list[int] = []
    far = np.full(len(situation.left), np.inf)
    centres = list(phi[situation.seen]) or [phi.mean(axis=0)]
    for _ in range(min(count, len(situation.left))):
        for centre in centres:
            far = np.minimum(far, ((phi[situation.left] - centre) ** 2).sum(axis=1))
        far[chosen] = -np.inf
        chosen.append(int(far.argmax()))
        centres = [phi[situation.left[chosen[-1]]]]
    return chosen


def near_the_top(situation: Situation, count: int) -> list[int]:
    """The best photo under weights drawn from the posterior (Thompson sampling). Finds favourites; does not aim at the whole ranking."""
    rows = situation.features[situation.left]
    mean = rows @ situation.fit.weights
    joint = situation.fit.covariance.between(rows, rows)
    draws = situation.rng.multivariate_normal(mean, joint, size=min(count, len(rows)), method="eigh")
    chosen: list[int] = []
    for draw in draws:
        draw[chosen] = -np.inf
        chosen.append(int(draw.argmax()))
    return chosen


Gain = Callable[[np.ndarray, np.ndarray, float], np.ndarray]  # covariance (all photos, left), covariance (left, left), noise


def _order_gain(onto: np.ndarray, joint: np.ndarray, noise: float) -> np.ndarray:
    return onto.var(axis=0) / (np.maximum(joint.diagonal(), 0) + noise)


def _greedy(posteriors: Sequence[tuple[float, Covariance | Bolder]], situation: Situation, count: int, gain: Gain) -> list[int]:
    """Choose photos one by one, by the weighted sum of the gains under each posterior."""
    rows = situation.features[situation.left]
    states = [(weight, each.between(situation.features, rows), each.between(rows, rows), each.noise) for weight, each in posteriors]
    chosen: list[int] = []
    for _ in range(min(count, len(rows))):
        gains = sum((weight * gain(onto, joint, noise) for weight, onto, joint, noise in states), np.zeros(len(rows)))
        gains[chosen] = -np.inf
        best = int(gains.argmax())
        chosen.append(best)
        for place, (weight, onto, joint, noise) in enumerate(states):
            row = joint[best] / (joint[best, best] + noise)
            states[place] = weight, onto - np.outer(onto[:, best], row), joint - np.outer(joint[:, best], row), noise
    return chosen


def _at(situation: Situation, b: int, f: int, n: int) -> Covariance:
    """Covariance at one point of the grid. It depends on which photos were rated, not on the ratings."""
    grid = situation.hyperprior
    slopes = grid.trust[:1], grid.base[b : b + 1], grid.head[b : b + 1]
    point = Hyperprior(*slopes, grid.feature[f : f + 1], grid.noise[n : n + 1], np.ones((1, 1, 1, 1)), grid.heads)
    return taste.fit(situation.features[situation.seen], np.zeros(len(situation.seen)), point).covariance


RULES: dict[str, Rule] = {
    "random": random,
    "uncertainty": uncertainty,
    "as-fitted": partial(teach, bold=False),
    "teach": teach,
    "teach-explore": partial(teach, explore=acquisition.EXPLORE),
    "teach-0.1": partial(at_boldness, feature=0.1),
    "teach-1.5": partial(at_boldness, feature=1.5),
    "teach-20": partial(at_boldness, feature=20.0),
    "mixture": mixture,
    "generic-spread": generic_spread,
    "longest": longest,
    "diversity": diversity,
    "near-the-top": near_the_top,
}
