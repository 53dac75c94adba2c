"""How many ratings a rule of dealing saves: real people's ratings, dealt again by each rule. The program behind `./pav replay`.

Half of the people teach the hyperprior, the other half is tested. Of a test person's photos a random part is set aside, the same for all
rules; the rest is the pool to choose from. Cards are dealt from the pool one hand at a time, by the rule and the fit so far, and the
SROCC with the ratings of the set-aside photos is measured after some counts of cards. Random dealing is measured after many, which
gives the curve that tells how many random cards reach the same SROCC.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from personalize.errors import BadDatabase, at_least
from personalize.files.people import Person, halves
from personalize.numerics import metrics, prior, taste
from personalize.numerics.card_rules import RULES, Rule, Situation
from personalize.numerics.grid import Hyperprior

BASELINE = "random"
HALVES = ("tested", "teaching")
FOLDS = 5  # of the teaching half, where rules are tuned: each fold is tested with the hyperprior of the others
DRAWS = 2000  # of the bootstrap over people

FACTORS = np.exp(np.linspace(-np.log(4), np.log(4), 401))

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Protocol:
    """How to replay.

    Raises:
        BadOption: a number below its least.
    """

    rules: tuple[str, ...] = ("random", "uncertainty", "as-fitted", "teach", "teach-explore")
    cards: tuple[int, ...] = (5, 10, 20, 40)
    repeats: int = 5  # set-aside parts drawn for each person
    hand: int = 5  # cards dealt between two fits, as many as lie in the app's deck
    set_aside: float = 0.25  # part of a person's photos
    half: str = "tested"  # or "teaching": tune there, and look at the tested half once
    planted: bool = False  # ratings of tastes drawn from the model itself, in place of the real ones
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(1, cards=min(self.cards), repeats=self.repeats, hand=self.hand)
        at_least(0, seed=self.seed)


def replay(
    features: Float[np.ndarray, "photos features"], people: Sequence[Person], protocol: Protocol, report: Report = lambda *_: None
) -> dict[str, Any]:
    """Run the protocol; the answer is plain data for JSON.

    Raises:
        BadDatabase: too few people, or somebody tested has too few ratings.
    """
    tested = _tested(features, people, protocol)
    if protocol.planted:
        tested = [
            (_planted(features, person, hyperprior, [protocol.seed, number]), hyperprior)
            for number, (person, hyperprior) in enumerate(tested)
        ]
    smallest = min(len(person.photos) - _aside(person, protocol) for person, _ in tested)
    if smallest < max(protocol.cards):
        raise BadDatabase(f"{max(protocol.cards)} cards were asked for, but somebody has only {smallest} photos to deal; ask for fewer.")
    counts = {rule: np.array(protocol.cards) for rule in protocol.rules} | {BASELINE: _many(smallest, protocol.cards)}
    curves: dict[str, list[np.ndarray]] = {rule: [] for rule in counts}
    for done, (person, hyperprior) in enumerate(tested, start=1):
        for rule, curve in _of_person(features, person, hyperprior, counts, protocol, [protocol.seed, done]).items():
            curves[rule].append(curve)
        report("replaying people", done, len(tested))
    table = {rule: np.array(rows) for rule, rows in curves.items()}
    told = ~np.isnan(np.concatenate(list(table.values()), axis=1)).any(axis=1)
    if not told.any():
        raise BadDatabase("Nobody's ratings can be ranked: all photos are rated alike.")
    chance = table[BASELINE][told]
    table[BASELINE] = table[BASELINE][:, np.searchsorted(counts[BASELINE], protocol.cards)]
    return {
        "protocol": asdict(protocol),
        "people": int(told.sum()),
        "photos": len(features),
        "random": {"cards": counts[BASELINE].tolist(), "srocc": chance.mean(axis=0).round(4).tolist()},
        "rules": {rule: _of_rule(table[rule][told], chance, protocol.cards, counts[BASELINE], protocol.seed) for rule in protocol.rules},
    }


def deal(
    features: Float[np.ndarray, "photos features"],
    pool: Int[np.ndarray, "pool"],
    ratings: Float[np.ndarray, "pool"],
    hyperprior: Hyperprior,
    rule: Rule,
    counts: Sequence[int],
    hand: int,
    rng: np.random.Generator,
) -> list[Float[np.ndarray, "features"]]:
    """Deal from the pool until the largest of `counts`; the fitted weights after each of them.

    The rule sees a rating only after it has dealt that card.
    """
    order: list[int] = []  # places in the pool
    fitted: dict[int, np.ndarray] = {}
    static = rule is RULES[BASELINE]  # needs no fit, so none is made between the counts
    fit = taste.fit(features[pool[:0]], ratings[:0], hyperprior)
    while len(order) < max(counts):
        left = np.setdiff1d(np.arange(len(pool)), order)
        situation = Situation(features, pool[left], pool[order], fit, hyperprior, rng)
        wanted = max(counts) if static else min(hand, max(counts) - len(order))
        for place in rule(situation, wanted):
            order.append(int(left[place]))
            if len(order) in counts:
                fitted[len(order)] = taste.fit(features[pool[order]], ratings[order], hyperprior).weights
        if not static:
            fit = taste.fit(features[pool[order]], ratings[order], hyperprior)
    return [fitted[count] for count in counts]


def saving(
    random_cards: Float[np.ndarray, "many"],
    random_srocc: Float[np.ndarray, "many"],
    srocc: Float[np.ndarray, "counts"],
    cards: Sequence[int],
) -> float:
    """Share of ratings that a rule saves for the same SROCC; 0.2 is a fifth fewer, negative is worse than random.

    1 - 1 / k for the one factor k between 1/4 and 4 at which k times as many random cards come nearest to the rule at all counts (least
    squares). One factor, because the curves are flat: read off at a single count, noise of .002 is half of the cards. The random curve is
    made monotone first (isotonic regression), then interpolated linearly in the logarithm of the cards; its ends count beyond it.
    """
    rising, at = _isotonic(np.asarray(random_srocc, dtype=np.float64)), np.log(random_cards)
    reached = np.interp(np.log(cards)[None, :] + np.log(FACTORS)[:, None], at, rising)  # (factors, counts)
    error = ((reached - srocc) ** 2).sum(axis=1) + 1e-9 * np.log(FACTORS) ** 2  # where the curve is level, the least saving or loss
    return float(1 - 1 / FACTORS[error.argmin()])


def _tested(features: np.ndarray, people: Sequence[Person], protocol: Protocol) -> list[tuple[Person, Hyperprior]]:
    """The people to test, each with a hyperprior learned from others; the split of `evaluate`."""
    teachers, others = (sorted(half) for half in halves(len(people), protocol.seed))
    if len(teachers) < FOLDS:
        raise BadDatabase(f"At least {2 * FOLDS} people are needed: half of them teach the hyperprior, the other half is tested.")

    def learn(chosen: Sequence[int]) -> Hyperprior:
        return prior.learn_hyperprior([(features[people[who].photos], people[who].ratings) for who in chosen])

    if protocol.half == "tested":
        hyperprior = learn(teachers)
        return [(people[who], hyperprior) for who in others]
    folds = [learn([who for place, who in enumerate(teachers) if place % FOLDS != fold]) for fold in range(FOLDS)]
    return [(people[who], folds[place % FOLDS]) for place, who in enumerate(teachers)]


def _planted(features: np.ndarray, person: Person, hyperprior: Hyperprior, seed: list[int]) -> Person:
    """The same photos, rated by a taste and with a noise drawn from the hyperprior."""
    rng = np.random.default_rng([*seed, 2])
    point = rng.choice(hyperprior.weights.size, p=hyperprior.weights.ravel())
    b, f, n, c = np.unravel_index(point, hyperprior.weights.shape)
    weights = np.sqrt(hyperprior.feature[f]) * rng.normal(size=features.shape[1])
    weights[0] = hyperprior.trust[c] + np.sqrt(hyperprior.base[b]) * rng.normal()
    noise = np.sqrt(hyperprior.noise[n]) * rng.normal(size=len(person.photos))
    return Person(person.name, person.photos, features[person.photos] @ weights + noise)


def _of_person(
    features: np.ndarray, person: Person, hyperprior: Hyperprior, counts: dict[str, np.ndarray], protocol: Protocol, seed: list[int]
) -> dict[str, np.ndarray]:
    """Mean over the repeats of the SROCC after each count of cards, for each rule."""
    draws: dict[str, list[list[float]]] = {rule: [] for rule in counts}
    for repeat in range(protocol.repeats):
        order = np.random.default_rng([*seed, repeat]).permutation(len(person.photos))
        aside, pool = np.split(order, [_aside(person, protocol)])
        for rule, wanted in counts.items():
            rng = np.random.default_rng([*seed, repeat, 1])
            dealt = deal(features, person.photos[pool], person.ratings[pool], hyperprior, RULES[rule], wanted.tolist(), protocol.hand, rng)
            scores = [features[person.photos[aside]] @ weights for weights in dealt]
            draws[rule].append([metrics.srocc(score, person.ratings[aside]) for score in scores])
    return {rule: _mean_told(np.array(rows)) for rule, rows in draws.items()}


def _mean_told(rows: np.ndarray) -> np.ndarray:
    """Mean of the repeats whose set-aside ratings are not all alike; nan where there is none."""
    kept = rows[~np.isnan(rows).any(axis=1)]
    return kept.mean(axis=0) if len(kept) else np.full(rows.shape[1], np.nan)


def _of_rule(curve: np.ndarray, chance: np.ndarray, cards: Sequence[int], random_cards: np.ndarray, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)  # the same draws for every rule
    people = len(curve)
    picks = [np.arange(people), *(rng.integers(people, size=people) for _ in range(DRAWS))]
    own = np.array([curve[pick].mean(axis=0) for pick in picks])
    baseline = np.array([chance[pick].mean(axis=0) for pick in picks])
    minus = own - baseline[:, np.searchsorted(random_cards, cards)]
    saved = np.array([saving(random_cards, *curves, cards) for curves in zip(baseline, own, strict=True)])
    return {
        str(count): {"srocc": _interval(own[:, place]), "minus_random": _interval(minus[:, place])} for place, count in enumerate(cards)
    } | {"saving": _interval(saved)}


def _interval(values: np.ndarray) -> dict[str, float]:
    """The first value is measured, the others are bootstrap draws."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return {"mean": round(float(values[0]), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _aside(person: Person, protocol: Protocol) -> int:
    return round(protocol.set_aside * len(person.photos))


def _many(most: int, cards: Sequence[int]) -> np.ndarray:
    """Counts at which the random curve is measured: all small ones, then ever wider apart, up to the smallest pool."""
    counts = {most, *cards}
    count = 2.0
    while count < most:
        counts.add(round(count))
        count = max(count + 1, count * 1.15)
    return np.array(sorted(counts))


def _isotonic(values: np.ndarray) -> np.ndarray:
    """The nearest curve that never falls (pool adjacent violators)."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        total, size = float(value), 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / size:
            above = blocks.pop()
            total, size = total + above[0], size + above[1]
        blocks.append((total, size))
    return np.concatenate([np.full(size, total / size) for total, size in blocks])


def as_table(result: dict[str, Any]) -> str:
    """SROCC and saving of every rule as a Markdown table."""
    cards = result["protocol"]["cards"]
    lines = [
        "| rule | " + " | ".join(f"{count} cards" for count in cards) + " | fewer ratings than random |",
        "|---|" + "---|" * (len(cards) + 1),
    ]
    for rule, row in result["rules"].items():
        cells = [f"{row[str(count)]['srocc']['mean']:.3f} ({row[str(count)]['minus_random']['mean']:+.3f})" for count in cards]
        saved = row["saving"]
        lines.append(f"| {rule} | " + " | ".join(cells) + f" | {saved['mean']:.0%} ({saved['low']:.0%} to {saved['high']:.0%}) |")
    return "\n".join(lines)
