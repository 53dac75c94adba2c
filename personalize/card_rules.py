"""Rules for which photo to deal next, to be compared by `replay`. `choosing.next_cards` is the one that the app uses.

A rule sees a person's fit so far and the photos that it may deal; it never sees a rating that has not been given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from personalize import choosing, taste
from personalize.taste import Covariance, Hyperprior, Taste


@dataclass(frozen=True)
class Situation:
    """What a rule may look at."""

    features: Float[np.ndarray, "photos features"]  # the whole catalogue
    left: Int[np.ndarray, "left"]  # places of the photos that may be dealt
    seen: Int[np.ndarray, "seen"]  # places of the cards answered so far, in order
    fit: Taste  # to the answers so far
    hyperprior: Hyperprior
    rng: np.random.Generator


Rule = Callable[[Situation, int], list[int]]  # (situation, cards wanted) -> places in `left`, in the order to deal them


def random(situation: Situation, count: int) -> list[int]:
    """Any photo, each as likely."""
    return [int(index) for index in situation.rng.permutation(len(situation.left))[:count]]


def uncertainty(situation: Situation, count: int) -> list[int]:
    """The photo whose score is least certain (D-optimal design, one card after the other)."""
    return _greedy(situation.fit.covariance, situation, count, lambda joint, left, noise: joint.diagonal()[left])


def teach(situation: Situation, count: int, explore: float = 0.0) -> list[int]:
    """The app's rule: the photo whose rating lowers the variance of all differences most."""
    candidates = situation.features[situation.left]
    cards = choosing.next_cards(situation.fit.covariance, candidates, count, situation.rng, explore=explore, catalogue=situation.features)
    return [card.index for card in cards]


def prior_only(situation: Situation, count: int) -> list[int]:
    """As `teach`, at the hyperprior's most plausible point: what has been answered so far changes nothing."""
    return _greedy(_at_mode(situation, situation.hyperprior.weights), situation, count, _order_gain)


def mixture(situation: Situation, count: int, mass: float = 0.95) -> list[int]:
    """As `teach`, the share of variance explained averaged over the plausible points of the grid instead of at the one most plausible."""
    weights = situation.fit.posterior.sum(axis=3)
    order = np.argsort(weights.ravel())[::-1]
    kept = order[: int(np.searchsorted(np.cumsum(weights.ravel()[order]), mass)) + 1]
    total = np.zeros(len(situation.left))
    places = np.searchsorted(_rows(situation), situation.left)
    for point in kept:
        covariance = _at(situation, *np.unravel_index(point, weights.shape))
        rows = situation.features[_rows(situation)]
        joint = covariance.between(rows, rows)
        spread = (rows * covariance.prior * rows).sum(axis=1).mean()
        total += weights.ravel()[point] * _order_gain(joint, places, covariance.noise) / spread
    return [int(index) for index in np.argsort(-total)[:count]]


def generic_spread(situation: Situation, count: int) -> list[int]:
    """Cards spread over the quantiles of the generic score: the middles of ever finer parts (van der Corput's order)."""
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


def diversity(situation: Situation, count: int) -> list[int]:
    """The photo farthest from all cards so far (k-centre, in the features beyond the generic score)."""
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
    """The best photo of a taste drawn from the posterior (Thompson sampling): looks for favourites, not for the order of all."""
    rows = situation.features[situation.left]
    mean = rows @ situation.fit.weights
    joint = situation.fit.covariance.between(rows, rows)
    draws = situation.rng.multivariate_normal(mean, joint, size=count, method="eigh", check_valid="ignore")
    chosen: list[int] = []
    for draw in draws:
        draw[chosen] = -np.inf
        chosen.append(int(draw.argmax()))
    return chosen


Gain = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def _order_gain(joint: np.ndarray, left: np.ndarray, noise: float) -> np.ndarray:
    columns = joint[:, left]
    return columns.var(axis=0) / (np.maximum(joint.diagonal()[left], 0) + noise)


def _rows(situation: Situation) -> np.ndarray:
    return np.arange(len(situation.features))


def _greedy(covariance: Covariance, situation: Situation, count: int, gain: Gain) -> list[int]:
    joint = covariance.between(situation.features, situation.features)
    chosen: list[int] = []
    for _ in range(min(count, len(situation.left))):
        gains = gain(joint, situation.left, covariance.noise)
        gains[chosen] = -np.inf
        chosen.append(int(gains.argmax()))
        if len(chosen) < count:
            place = situation.left[chosen[-1]]
            joint = joint - np.outer(joint[:, place], joint[place]) / (joint[place, place] + covariance.noise)
    return chosen


def _at_mode(situation: Situation, weights: np.ndarray) -> Covariance:
    marginal = weights.sum(axis=3)
    return _at(situation, *np.unravel_index(marginal.argmax(), marginal.shape))


def _at(situation: Situation, b: int, f: int, n: int) -> Covariance:
    """Covariance at one point of the grid; what was answered does not enter it, only of which photos."""
    grid = situation.hyperprior
    axes = grid.base[b : b + 1], grid.feature[f : f + 1], grid.noise[n : n + 1]
    point = Hyperprior(grid.trust[:1], *axes, np.ones((1, 1, 1, 1)))
    return taste.fit(situation.features[situation.seen], np.zeros(len(situation.seen)), point).covariance


RULES: dict[str, Rule] = {
    "random": random,
    "uncertainty": uncertainty,
    "teach": teach,
    "teach-explore": partial(teach, explore=choosing.EXPLORE),
    "prior-only": prior_only,
    "mixture": mixture,
    "generic-spread": generic_spread,
    "diversity": diversity,
    "near-the-top": near_the_top,
}
