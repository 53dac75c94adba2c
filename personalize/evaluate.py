"""How well people's left-out ratings are ranked after a few shots: the program behind `./pav evaluate`.

Half of the people teach the hyperprior, the other half is tested. A test person's shots are drawn at random, all their other
ratings are the test. One SROCC per person, number of shots and method (mean over the repeats); reported as the mean over people
with a bootstrap interval over people.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from personalize import metrics, prior
from personalize.baselines import METHODS, Catalogue, Shots
from personalize.errors import BadDatabase
from personalize.people import Person

LEAST_LEFT = 10  # ratings that must remain to test on

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Protocol:
    """How to evaluate."""

    shots: tuple[int, ...] = (10, 30, 50)
    repeats: int = 5
    methods: tuple[str, ...] = tuple(METHODS)
    seed: int = 0


def evaluate(catalogue: Catalogue, people: Sequence[Person], protocol: Protocol, report: Report = lambda *_: None) -> dict[str, Any]:
    """Run the protocol; the answer is plain data for JSON.

    Raises:
        BadDatabase: too few people, or nobody has enough ratings for the largest number of shots.
    """
    rng = np.random.default_rng(protocol.seed)
    order = rng.permutation(len(people))
    teachers, tested = (sorted(half) for half in (order[: len(people) // 2], order[len(people) // 2 :]))
    if not teachers:
        raise BadDatabase("At least two people are needed: half of them teach the hyperprior, the other half is tested.")
    hyperprior = prior.learn_hyperprior([(catalogue.features[people[who].photos], people[who].ratings) for who in teachers])

    results: dict[str, dict[str, np.ndarray]] = {}
    done = 0
    for shots in protocol.shots:
        able = [people[who] for who in tested if len(people[who].ratings) >= shots + LEAST_LEFT]
        if not able:
            raise BadDatabase(f"No test person has the {shots + LEAST_LEFT} ratings that {shots} shots need.")
        # (people, repeats) for each method; every method sees the same shots.
        table: dict[str, list[list[float]]] = {method: [] for method in protocol.methods}
        for person in able:
            draws = [_agreements(catalogue, person, shots, protocol.methods, hyperprior, rng) for _ in range(protocol.repeats)]
            for method in protocol.methods:
                table[method].append([draw[method] for draw in draws])
            done += 1
            report(f"{shots} shots", done, len(tested) * len(protocol.shots))
        results[str(shots)] = {method: _means(rows) for method, rows in table.items()}
    return {
        "protocol": asdict(protocol),
        "people": {"teachers": len(teachers), "tested": len(tested)},
        "photos": len(catalogue.features),
        "srocc": {shots: {method: _summary(values, rng) for method, values in row.items()} for shots, row in results.items()},
        "instant_minus": {
            shots: {method: _summary(row["instant"] - values, rng) for method, values in row.items() if method != "instant"}
            for shots, row in results.items()
            if "instant" in row
        },
    }


def _agreements(catalogue: Catalogue, person: Person, shots: int, methods: Sequence[str], hyperprior: Any, rng: Any) -> dict[str, float]:
    order = rng.permutation(len(person.ratings))
    seen, left = order[:shots], order[shots:]
    given = Shots(person.photos[seen], person.ratings[seen])
    scores = {method: METHODS[method](catalogue, given, hyperprior) for method in methods}
    return {method: metrics.srocc(values[person.photos[left]], person.ratings[left]) for method, values in scores.items()}


def _means(rows: list[list[float]]) -> np.ndarray:
    """Mean over the repeats of each person; nan for people whose ratings are all alike."""
    values = np.array(rows)
    told = ~np.isnan(values)
    return np.where(told.any(axis=1), np.where(told, values, 0).sum(axis=1) / np.maximum(told.sum(axis=1), 1), np.nan)


def _summary(values: np.ndarray, rng: np.random.Generator) -> dict[str, float | int]:
    kept = values[~np.isnan(values)]
    low, high = metrics.bootstrap_interval(kept, rng)
    return {"mean": round(float(kept.mean()), 4), "low": round(low, 4), "high": round(high, 4), "people": len(kept)}


def as_table(result: dict[str, Any]) -> str:
    """The result as a Markdown table, one row a method."""
    shots = list(result["srocc"])
    lines = ["| method | " + " | ".join(f"{count} shots" for count in shots) + " |", "|---|" + "---|" * len(shots)]
    for method in result["protocol"]["methods"]:
        cells = [result["srocc"][count][method] for count in shots]
        lines.append(
            f"| {method} | " + " | ".join(f"{cell['mean']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})" for cell in cells) + " |"
        )
    return "\n".join(lines)
