"""Paired choices: Bradley-Terry strengths with ties, intransitive triples, side bias."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from personalize.errors import TooFewRatings

PRIOR_SD = 2.0  # of a strength, in logits: two photos that differ by 2 are chosen 88 : 12
MOST_PHOTOS = 4000  # whose strengths are fitted: a matrix of them is inverted
ROUNDS = 50


@dataclass(frozen=True)
class PairedChoices:
    """One entry for each pair shown. `chosen`: 1 the left photo, 0 the right one, 0.5 a tie."""

    rater: Int[np.ndarray, "pairs"]
    left: Int[np.ndarray, "pairs"]
    right: Int[np.ndarray, "pairs"]
    chosen: Float[np.ndarray, "pairs"]
    raters: Sequence[str]
    photos: Sequence[str]
    seconds: Float[np.ndarray, "pairs"] | None = None

    def __len__(self) -> int:
        return len(self.chosen)


@dataclass(frozen=True)
class Strengths:
    """Fitted strengths of photos; see `bradley_terry`."""

    strength: Float[np.ndarray, "photos"]  # logits, mean 0
    error: Float[np.ndarray, "photos"]  # posterior standard deviation
    reliability: float  # of the strengths' order, by their errors
    side: float  # advantage of the left photo, logits
    side_error: float
    tie: float  # log nu; -inf without ties
    pairs: Int[np.ndarray, "photos"]  # in which each photo was shown


def bradley_terry(choices: PairedChoices) -> Strengths:
    """Strengths s of photos from all raters' choices, by Davidson's model for ties.

    P(left) : P(right) : P(tie) = exp(s_l + a) : exp(s_r) : nu exp((s_l + a + s_r) / 2), a the advantage of the left side.

    The fit maximises the likelihood times N(0, 2^2) for each strength, so that a photo that always wins has a finite one. A difference of
    0: chosen equally often; 1: 73 of 100; 2: 88; 3: 95. `error` is from the curvature at the maximum and takes choices as independent given
    the strengths: where raters differ in taste, it is the error for these raters. `reliability` = 1 - mean error^2 / variance of the
    strengths' posterior (1: order known; 0: unknown).

    Raises:
        TooFewRatings: there are no pairs, or more than 4,000 photos.

    References:
        Bradley & Terry, Biometrika 1952; Davidson, JASA 1970 (ties); Caron & Doucet, JCGS 2012 (priors).
    """
    photos = len(choices.photos)
    if not len(choices) or photos > MOST_PHOTOS:
        raise TooFewRatings(
            f"Strengths need at least one pair and at most {MOST_PHOTOS} photos; there are {len(choices)} pairs of {photos}."
        )
    ties = bool((choices.chosen == 0.5).any())
    size = photos + 1 + ties  # strengths, side, log nu
    x = np.zeros(size)
    value = _value(choices, x, ties)
    for _ in range(ROUNDS):
        gradient, hessian = _derivatives(choices, x, ties)
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while (new := _value(choices, x + scale * step, ties)) < value and scale > 1e-8:
            scale /= 2
        x, value = x + scale * step, new
        if np.abs(scale * step).max() < 1e-8:
            break
    covariance = np.linalg.inv(_derivatives(choices, x, ties)[1])
    centre = np.eye(photos) - 1 / photos
    own = centre @ covariance[:photos, :photos] @ centre
    strength, error = x[:photos] - x[:photos].mean(), np.sqrt(np.maximum(np.diagonal(own), 0))
    signal = float(strength.var())
    shown = np.bincount(choices.left, minlength=photos) + np.bincount(choices.right, minlength=photos)
    return Strengths(
        strength,
        error,
        reliability=signal / (signal + float((error**2).mean())) if signal > 0 else 0.0,
        side=float(x[photos]),
        side_error=float(np.sqrt(covariance[photos, photos])),
        tie=float(x[-1]) if ties else float("-inf"),
        pairs=shown,
    )


def _probabilities(choices: PairedChoices, x: np.ndarray, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities (pairs, outcomes): left, right and, with ties, tie; and the gap between left and right."""
    photos = len(choices.photos)
    gap = x[choices.left] - x[choices.right] + x[photos]
    scores = np.stack([gap / 2, -gap / 2, *([np.full(len(gap), x[-1])] if ties else [])], axis=1)
    top = scores.max(axis=1, keepdims=True)
    return scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True)), gap


def _value(choices: PairedChoices, x: np.ndarray, ties: bool) -> float:
    log, _ = _probabilities(choices, x, ties)
    outcome = np.select([choices.chosen == 1, choices.chosen == 0], [0, 1], 2)
    return float(log[np.arange(len(log)), outcome].sum() - 0.5 * (x**2).sum() / PRIOR_SD**2)


def _derivatives(choices: PairedChoices, x: np.ndarray, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the log posterior, and minus its second derivatives. The prior of side and log nu is that of a strength."""
    photos, size = len(choices.photos), len(x)
    probability = np.exp(_probabilities(choices, x, ties)[0])
    left, right = probability[:, 0], probability[:, 1]
    pull = (choices.chosen - 0.5) - (left - right) / 2  # derivative with respect to the gap
    curve = (left + right - (left - right) ** 2) / 4
    gradient, hessian = -x / PRIOR_SD**2, np.eye(size) / PRIOR_SD**2
    ends = ((choices.left, 1.0), (choices.right, -1.0), (np.full(len(pull), photos), 1.0))
    for one, sign in ends:
        gradient += np.bincount(one, sign * pull, minlength=size)
        for other, other_sign in ends:
            places = one * size + other
            hessian += np.bincount(places, sign * other_sign * curve, minlength=size * size).reshape(size, size)
    if ties:
        tie = probability[:, 2]
        gradient[-1] += float(((choices.chosen == 0.5) - tie).sum())
        hessian[-1, -1] += float((tie * (1 - tie)).sum())
        for one, sign in ends:
            cross = np.bincount(one, -sign * tie * (left - right) / 2, minlength=size)
            hessian[-1] += cross
            hessian[:, -1] += cross
    return gradient, hessian


@dataclass(frozen=True)
class Triples:
    """Triples of photos of which each pair was decided."""

    decided: int
    intransitive: int  # a beats b, b beats c, c beats a


def intransitive_triples(choices: PairedChoices, *, within_raters: bool) -> Triples:
    """Count triples, each rater's on their own, or over all raters by the majority of each pair (pairs without a majority are left out).

    Of random choices a quarter is intransitive, of those by one fixed order none. With A the table of wins, trace(A^3) / 3 triples are
    intransitive.

    References:
        Kendall & Babington Smith, On the method of paired comparisons, Biometrika 1940.
    """
    if not within_raters:
        return _triples(choices.left, choices.right, choices.chosen)
    found = [_triples(choices.left[own], choices.right[own], choices.chosen[own]) for own in _by_rater(choices)]
    return Triples(sum(one.decided for one in found), sum(one.intransitive for one in found))


def _triples(left: np.ndarray, right: np.ndarray, chosen: np.ndarray) -> Triples:
    used, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
    size = len(used)
    if size < 3 or size > MOST_PHOTOS:
        return Triples(0, 0)
    first, second = np.split(codes, 2)
    balance = np.zeros((size, size))
    np.add.at(balance, (first, second), 2 * chosen - 1)
    balance -= balance.T
    wins = (balance > 0).astype(float)
    decided = wins + wins.T
    return Triples(
        decided=round(float(((decided @ decided) * decided).sum()) / 6), intransitive=round(float(((wins @ wins) * wins.T).sum()) / 3)
    )


def _by_rater(choices: PairedChoices) -> list[np.ndarray]:
    order = np.argsort(choices.rater, kind="stable")
    return np.split(order, np.cumsum(np.bincount(choices.rater, minlength=len(choices.raters)))[:-1])


@dataclass(frozen=True)
class ChoiceRates:
    """Sums by rater, from which shares over any weights of raters follow."""

    shown: Float[np.ndarray, "raters"]
    left: Float[np.ndarray, "raters"]  # choices of the left photo, ties as one half
    ties: Float[np.ndarray, "raters"]


def choice_rates(choices: PairedChoices) -> ChoiceRates:
    """How often each rater chose the left photo, or none. Side bias is the share of left: .5 without bias."""
    raters = len(choices.raters)
    return ChoiceRates(
        np.bincount(choices.rater, minlength=raters).astype(float),
        np.bincount(choices.rater, choices.chosen, minlength=raters),
        np.bincount(choices.rater, choices.chosen == 0.5, minlength=raters).astype(float),
    )


def same_choice(choices: PairedChoices, raters: Float[np.ndarray, "raters"]) -> float:
    """Share of the same choices among two raters who decided the same pair of photos; nan without such raters.

    .5: as if by chance; 1: all choose alike. Of a rater's choices of one pair, the last counts. A rater counts as often as `raters` says,
    and is not compared with its copies.
    """
    decided = np.flatnonzero(choices.chosen != 0.5)[::-1]
    left, right = choices.left[decided].astype(np.int64), choices.right[decided]
    pair = np.minimum(left, right) * len(choices.photos) + np.maximum(left, right)
    _, last = np.unique(pair * len(choices.raters) + choices.rater[decided], return_index=True)
    pair = np.unique(pair[last], return_inverse=True)[1]
    first_won = (choices.chosen[decided] == 1)[last] == (left < right)[last]
    weight = raters[choices.rater[decided][last]]

    def rater_pairs(own: np.ndarray) -> float:
        return float((np.bincount(pair, own) ** 2 - np.bincount(pair, own * own)).sum())

    shared = rater_pairs(weight)
    return (rater_pairs(weight * first_won) + rater_pairs(weight * ~first_won)) / shared if shared > 1e-9 else float("nan")
