"""Replay of real ratings under each acquisition rule, to measure how many ratings it saves; behind `./pav replay`.

Half of the raters teach the hyperprior, the other half is tested. A random part of a test rater's photos is set aside, the same for all
rules; the rest is the pool. The rule presents photos from the pool one hand at a time, given the current fit; the SROCC with the ratings of
the set-aside photos is measured after each count of presented photos. The random rule is measured at many counts; the resulting curve
gives the number of random photos that reach the same SROCC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import NotRequired, TypedDict, cast

import numpy as np
from jaxtyping import Float

from personalize.errors import TooFewRatings, at_least
from personalize.files.rating_tables import halves
from personalize.numerics import metrics, taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.hyperprior import learn_hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.progress import ProgressCallback, no_progress
from personalize.research.acquisition_rules import RULES, Rule, Situation

BASELINE = "random"
HALVES = ("tested", "teaching")
FOLDS = 5  # of the teaching half, where rules are tuned: each fold is tested with the hyperprior of the others
DRAWS = 2000  # of the bootstrap over raters

FACTORS = np.exp(np.linspace(-np.log(4), np.log(4), 401))


@dataclass(frozen=True)
class ReplayProtocol:
    """Settings of a replay. The names of the fields are keys in stored results.

    Raises:
        BadOption: a number is below its minimum.
    """

    rules: tuple[str, ...] = ("random", "uncertainty", "as-fitted", "teach", "teach-explore")
    photos: tuple[int, ...] = (5, 10, 20, 40)  # presented before each measurement
    repeats: int = 5  # set-aside parts drawn for each rater
    hand: int = 5  # photos presented between two fits, as many as the app's deck has
    set_aside: float = 0.25  # share of a rater's photos
    half: str = "tested"  # or "teaching": tune on the teaching half, and use the tested half once
    planted: bool = False  # replace the real ratings by ratings drawn from the model
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(1, photos=min(self.photos), repeats=self.repeats, hand=self.hand)
        at_least(0, seed=self.seed)


class Interval(TypedDict):
    """A mean over raters with its 95 % interval."""

    mean: float
    low: float
    high: float


class Cell(TypedDict):
    """Result of a rule after one count of photos."""

    srocc: Interval
    minus_random: Interval


RuleResult = Mapping[str, Cell | Interval]
"""Result of a rule: a `Cell` by count of photos, and under "saving" the `Interval` of the saving."""


class RandomCurve(TypedDict):
    """SROCC after each count of random photos."""

    photos: list[int]
    srocc: list[float]


class Replay(TypedDict):
    """All results, as plain data for JSON."""

    protocol: dict[str, object]
    raters: int
    photos: int
    random: RandomCurve
    rules: dict[str, RuleResult]
    bank: NotRequired[str]


def replay(
    features: Float[np.ndarray, "photos features"],
    raters: Sequence[RaterRatings],
    protocol: ReplayProtocol,
    progress: ProgressCallback = no_progress,
    heads: int = 0,
) -> Replay:
    """Run the protocol. `heads` is the number of task heads among the features.

    Raises:
        TooFewRatings: too few raters, a tested rater has too few ratings, or no rater has ratings that differ.
    """
    tested = _tested(features, raters, protocol, heads)
    if protocol.planted:
        tested = [
            (_planted(features, rater, hyperprior, [protocol.seed, number]), hyperprior)
            for number, (rater, hyperprior) in enumerate(tested)
        ]
    smallest = min(len(rater.photos) - _aside(rater, protocol) for rater, _ in tested)
    if smallest < max(protocol.photos):
        raise TooFewRatings(f"--photos is {max(protocol.photos)}, but a rater has only {smallest} photos to present; use a smaller number.")
    counts = {rule: np.array(protocol.photos) for rule in protocol.rules} | {BASELINE: _many(smallest, protocol.photos)}
    curves: dict[str, list[np.ndarray]] = {rule: [] for rule in counts}
    for done, (rater, hyperprior) in enumerate(tested, start=1):
        for rule, curve in _of_rater(features, rater, hyperprior, counts, protocol, [protocol.seed, done]).items():
            curves[rule].append(curve)
        progress("replaying raters", done, len(tested))
    table = {rule: np.array(rows) for rule, rows in curves.items()}
    varied = ~np.isnan(np.concatenate(list(table.values()), axis=1)).any(axis=1)
    if not varied.any():
        raise TooFewRatings("No rater's ratings can be ranked: all photos are rated alike.")
    chance = table[BASELINE][varied]
    table[BASELINE] = table[BASELINE][:, np.searchsorted(counts[BASELINE], protocol.photos)]
    return {
        "protocol": asdict(protocol),
        "raters": int(varied.sum()),
        "photos": len(features),
        "random": {"photos": counts[BASELINE].tolist(), "srocc": chance.mean(axis=0).round(4).tolist()},
        "rules": {rule: _of_rule(table[rule][varied], chance, protocol.photos, counts[BASELINE], protocol.seed) for rule in protocol.rules},
    }


def deal(
    features: Float[np.ndarray, "photos features"],
    pool: RaterRatings,
    hyperprior: Hyperprior,
    rule: Rule,
    counts: Sequence[int],
    hand: int,
    rng: np.random.Generator,
) -> list[Float[np.ndarray, "features"]]:
    """Present photos from the pool up to the largest of `counts`. Returns the fitted weights after each count.

    The rule sees a rating only after it has presented the photo.
    """
    order: list[int] = []  # places in the pool
    fitted: dict[int, np.ndarray] = {}
    static = rule is RULES[BASELINE]  # ignores the fit, so no fits are needed between the counts
    fit = taste.fit(features[:0], pool.ratings[:0], hyperprior)
    while len(order) < max(counts):
        left = np.setdiff1d(np.arange(len(pool.photos)), order)
        situation = Situation(features, pool.photos[left], pool.photos[order], fit, hyperprior, rng)
        wanted = max(counts) if static else min(hand, max(counts) - len(order))
        for place in rule(situation, wanted):
            order.append(int(left[place]))
            if len(order) in counts:
                fitted[len(order)] = taste.fit(features[pool.photos[order]], pool.ratings[order], hyperprior).weights
        if not static:
            fit = taste.fit(features[pool.photos[order]], pool.ratings[order], hyperprior)
    return [fitted[count] for count in counts]


def saving(
    random_counts: Float[np.ndarray, "many"],
    random_srocc: Float[np.ndarray, "many"],
    srocc: Float[np.ndarray, "counts"],
    counts: Sequence[int],
) -> float:
    """Share of ratings that a rule saves for the same SROCC: 0.2 is a fifth fewer, negative is worse than random.

    The saving is 1 - 1 / k, with the factor k between 1/4 and 4 for which the random curve at k times as many photos comes nearest to the
    rule's curve at all counts (least squares). All counts share one factor, because the curves are flat: at a single count, noise of .002
    SROCC corresponds to half of the photos. The random curve is made monotone first (isotonic regression), then interpolated linearly in
    the logarithm of the counts, and constant beyond its ends.
    """
    from sklearn.isotonic import isotonic_regression  # the app is installed without scikit-learn

    rising, at = isotonic_regression(random_srocc), np.log(random_counts)
    reached = np.interp(np.log(counts)[None, :] + np.log(FACTORS)[:, None], at, rising)  # (factors, counts)
    error = ((reached - srocc) ** 2).sum(axis=1) + 1e-9 * np.log(FACTORS) ** 2  # ties where the curve is level: k nearest to 1
    return float(1 - 1 / FACTORS[error.argmin()])


def _tested(
    features: np.ndarray, raters: Sequence[RaterRatings], protocol: ReplayProtocol, heads: int
) -> list[tuple[RaterRatings, Hyperprior]]:
    """The raters to test, each with a hyperprior learned from other raters; the split of `evaluate`."""
    teachers, others = (sorted(half) for half in halves(len(raters), protocol.seed))
    if len(teachers) < FOLDS:
        raise TooFewRatings(f"At least {2 * FOLDS} raters are needed: half of them teach the hyperprior, the other half is tested.")

    def learn(chosen: Sequence[int]) -> Hyperprior:
        return learn_hyperprior([(features[raters[index].photos], raters[index].ratings) for index in chosen], Hyperprior.flat(heads))

    if protocol.half == "tested":
        hyperprior = learn(teachers)
        return [(raters[index], hyperprior) for index in others]
    folds = [learn([index for place, index in enumerate(teachers) if place % FOLDS != fold]) for fold in range(FOLDS)]
    return [(raters[index], folds[place % FOLDS]) for place, index in enumerate(teachers)]


def _planted(features: np.ndarray, rater: RaterRatings, hyperprior: Hyperprior, seed: list[int]) -> RaterRatings:
    """The same photos, with ratings from weights and noise drawn from the hyperprior."""
    rng = np.random.default_rng([*seed, 2])
    point = rng.choice(hyperprior.weights.size, p=hyperprior.weights.ravel())
    b, f, n, c = np.unravel_index(point, hyperprior.weights.shape)
    weights = np.sqrt(hyperprior.feature[f]) * rng.normal(size=features.shape[1])
    weights[0] = hyperprior.trust[c] + np.sqrt(hyperprior.base[b]) * rng.normal()
    noise = np.sqrt(hyperprior.noise[n]) * rng.normal(size=len(rater.photos))
    return replace(rater, ratings=features[rater.photos] @ weights + noise)


def _of_rater(
    features: np.ndarray,
    rater: RaterRatings,
    hyperprior: Hyperprior,
    counts: dict[str, np.ndarray],
    protocol: ReplayProtocol,
    seed: list[int],
) -> dict[str, np.ndarray]:
    """Mean SROCC over the repeats after each count of photos, by rule."""
    draws: dict[str, list[list[float]]] = {rule: [] for rule in counts}
    for repeat in range(protocol.repeats):
        order = np.random.default_rng([*seed, repeat]).permutation(len(rater.photos))
        aside, pool = np.split(order, [_aside(rater, protocol)])
        for rule, wanted in counts.items():
            rng = np.random.default_rng([*seed, repeat, 1])
            dealt = deal(features, rater.at(pool), hyperprior, RULES[rule], wanted.tolist(), protocol.hand, rng)
            scores = [features[rater.photos[aside]] @ weights for weights in dealt]
            draws[rule].append([metrics.srocc(score, rater.ratings[aside]) for score in scores])
    return {rule: _known_mean(np.array(rows)) for rule, rows in draws.items()}


def _known_mean(rows: np.ndarray) -> np.ndarray:
    """Mean over the repeats whose set-aside ratings differ; nan where there is none."""
    kept = rows[~np.isnan(rows).any(axis=1)]
    return kept.mean(axis=0) if len(kept) else np.full(rows.shape[1], np.nan)


def _of_rule(curve: np.ndarray, chance: np.ndarray, counts: Sequence[int], random_counts: np.ndarray, seed: int) -> RuleResult:
    rng = np.random.default_rng(seed)  # the same draws for every rule
    raters = len(curve)
    picks = [np.arange(raters), *(rng.integers(raters, size=raters) for _ in range(DRAWS))]
    own = np.array([curve[pick].mean(axis=0) for pick in picks])
    baseline = np.array([chance[pick].mean(axis=0) for pick in picks])
    minus = own - baseline[:, np.searchsorted(random_counts, counts)]
    saved = np.array([saving(random_counts, *curves, counts) for curves in zip(baseline, own, strict=True)])
    cells: dict[str, Cell | Interval] = {
        str(count): Cell(srocc=_interval(own[:, place]), minus_random=_interval(minus[:, place])) for place, count in enumerate(counts)
    }
    return cells | {"saving": _interval(saved)}


def _interval(values: np.ndarray) -> Interval:
    """Interval of `values`: the first is measured, the others are bootstrap draws."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return {"mean": round(float(values[0]), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _aside(rater: RaterRatings, protocol: ReplayProtocol) -> int:
    return round(protocol.set_aside * len(rater.photos))


def _many(most: int, wanted: Sequence[int]) -> np.ndarray:
    """Counts at which the random curve is measured: all small ones, then at growing distances, up to the smallest pool."""
    counts = {most, *wanted}
    count = 2.0
    while count < most:
        counts.add(round(count))
        count = max(count + 1, count * 1.15)
    return np.array(sorted(counts))


def as_table(result: Replay) -> str:
    """SROCC and saving of every rule as a Markdown table."""
    counts = cast(Sequence[int], result["protocol"]["photos"])
    lines = [
        "| rule | " + " | ".join(f"{count} photos" for count in counts) + " | fewer ratings than random |",
        "|---|" + "---|" * (len(counts) + 1),
    ]
    for rule, row in result["rules"].items():
        found, saved = [cast(Cell, row[str(count)]) for count in counts], cast(Interval, row["saving"])
        cells = [f"{cell['srocc']['mean']:.3f} ({cell['minus_random']['mean']:+.3f})" for cell in found]
        lines.append(f"| {rule} | " + " | ".join(cells) + f" | {saved['mean']:.0%} ({saved['low']:.0%} to {saved['high']:.0%}) |")
    return "\n".join(lines)
