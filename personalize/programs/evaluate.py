"""How well people's left-out ratings are ranked after a few shots: the program behind `./pav evaluate`.

A test person's shots are drawn at random, all their other ratings are the test. One SROCC and one PLCC per person, number of shots and
method (mean over the repeats); reported as means over people with bootstrap intervals over people. Every method sees the same shots: they
depend on the seed, the person, their number and the repeat alone, so runs can be split, stopped and resumed.
"""

import platform
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import torch

from personalize.errors import BadDatabase, at_least
from personalize.files.people import Person, halves
from personalize.numerics import metrics, population, prior
from personalize.numerics.baselines import Catalogue, Shots
from personalize.numerics.grid import Hyperprior
from personalize.numerics.population import LEAST_PEOPLE, Population, Rated
from personalize.programs.kept_results import KeptResults, Result
from personalize.programs.methods import METHODS, OTHERS, QUICK, Context
from personalize.scorers.personal_networks import RatedPhotos

LEAST_LEFT = 10  # ratings that must remain to test on

Source = Literal["half", "shipped", "leave-one-out", "flat"]
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Protocol:
    """How to evaluate.

    Raises:
        BadOption: a number below its least.
    """

    shots: tuple[int, ...] = (10, 30, 50)
    repeats: int = 5
    methods: tuple[str, ...] = QUICK
    hyperprior: Source = "half"  # half of the people teach it, the others are tested; or the bank's; or all others for each; or none
    people: int = 0  # test at most so many, drawn by the seed; 0 is everybody
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(0, shots=min(self.shots), people=self.people, seed=self.seed)
        at_least(1, repeats=self.repeats)


@dataclass(frozen=True)
class Subject:
    """What is evaluated."""

    catalogue: Catalogue
    people: Sequence[Person]
    tested: frozenset[str] | None  # names of the people that a database's protocol tests; None: `Protocol` splits
    shipped: Hyperprior | None  # of the bank
    network: Callable[[], RatedPhotos]


def evaluate(
    subject: Subject, protocol: Protocol, kept: KeptResults, part: tuple[int, int] = (1, 1), report: Report = lambda *_: None
) -> dict[str, Any]:
    """Run the protocol; the answer is plain data for JSON.

    Results that `kept` has are not computed again. `part` = (i, n) computes every nth draw beginning with the ith, and is to be followed by
    a run of all: draws of other parts that `kept` has not are left out of the summary.

    Raises:
        BadDatabase: too few people, for the split or for a method, or nobody has enough ratings for the largest number of shots.
    """
    teachers, tested = split(subject.people, subject.tested, protocol)
    hyperprior_of, population_of = hyperpriors(subject, protocol, teachers), populations(subject, teachers)
    draws = [(shots, who, repeat) for shots in protocol.shots for who in able(subject, tested, shots) for repeat in range(protocol.repeats)]
    for number, (shots, who, repeat) in enumerate(draws, start=1):
        if (number - part[0]) % part[1]:
            continue
        report(f"{shots} shots", number, len(draws))
        person = subject.people[who]
        seen, left = drawn(person, who, shots, repeat, protocol.seed)
        context = Context(subject.catalogue, hyperprior_of(who), partial(population_of, who), subject.network, protocol.seed)
        for method in protocol.methods:
            key = (method, person.name, shots, repeat)
            if key not in kept:
                kept.add(key, _measure(context, person, method, seen, left))
    rng = np.random.default_rng(protocol.seed)
    return {
        "protocol": asdict(protocol),
        "people": {"teachers": len(teachers), "tested": len(tested)},
        "photos": len(subject.catalogue.features),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "machine": platform.machine(),
        },
        **_summaries(kept, protocol, [subject.people[who].name for who in tested], rng),
    }


def split(people: Sequence[Person], of_database: frozenset[str] | None, protocol: Protocol) -> tuple[list[int], list[int]]:
    """Places of the people who teach the hyperprior and of those tested: the ones that a database names, where it does.

    Raises:
        BadDatabase: fewer than two people where half of them teach.
    """
    first, second = halves(len(people), protocol.seed)
    everybody = [*first, *second]
    if of_database is not None:
        tested = [who for who in everybody if people[who].name in of_database]
        teachers = [who for who in everybody if people[who].name not in of_database]
    elif protocol.hyperprior == "half":
        if len(everybody) < 2:
            raise BadDatabase("At least two people are needed: half of them teach the hyperprior, the other half is tested.")
        teachers, tested = first, second
    else:
        teachers, tested = everybody, everybody
    return sorted(teachers), sorted(tested[: protocol.people or None])


def able(subject: Subject, tested: Sequence[int], shots: int) -> list[int]:
    """Those who have enough ratings.

    Raises:
        BadDatabase: nobody has.
    """
    found = [who for who in tested if len(subject.people[who].ratings) >= shots + LEAST_LEFT]
    if not found:
        raise BadDatabase(f"No test person has the {shots + LEAST_LEFT} ratings that {shots} shots need.")
    return found


def drawn(person: Person, who: int, shots: int, repeat: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in the person's ratings of the shots, and of all others."""
    order = np.random.default_rng([seed, who, shots, repeat]).permutation(len(person.ratings))
    return order[:shots], order[shots:]


def hyperpriors(subject: Subject, protocol: Protocol, teachers: Sequence[int]) -> Callable[[int], Hyperprior]:
    taught = {who: (subject.catalogue.features[subject.people[who].photos], subject.people[who].ratings) for who in teachers}
    if protocol.hyperprior == "leave-one-out":
        return lambda who: prior.learn_hyperprior([taught[other] for other in teachers if other != who])
    if protocol.hyperprior == "shipped":
        if subject.shipped is None:
            raise BadDatabase("This bank ships no hyperprior: choose another with --hyperprior.")
        one = subject.shipped
    else:
        one = Hyperprior.flat() if protocol.hyperprior == "flat" else prior.learn_hyperprior(list(taught.values()))
    return lambda who: one


def populations(subject: Subject, teachers: Collection[int]) -> Callable[[int], Population]:
    """What the teachers' ratings say of the photos, for each person tested: without that person, where everybody teaches and is tested.

    Learned when asked for, once for all who teach nobody and once for each who does. The function raises BadDatabase where too few teach.
    """

    @cache
    def taught(left_out: int | None) -> Population:
        people = [subject.people[who] for who in sorted(teachers) if who != left_out]
        told = [Rated(one.photos, one.ratings) for one in people if np.std(one.ratings) > 0]
        if len(told) < LEAST_PEOPLE:
            raise BadDatabase(f"{OTHERS} learns from at least {LEAST_PEOPLE} other people whose ratings differ; there are {len(told)}.")
        return population.learn(subject.catalogue.features, told)

    return lambda who: taught(who if who in teachers else None)


def _measure(context: Context, person: Person, method: str, seen: np.ndarray, left: np.ndarray) -> Result:
    began = time.perf_counter()
    answer = METHODS[method](context, Shots(person.photos[seen], person.ratings[seen]), person.photos[left])
    seconds = time.perf_counter() - began
    truth = person.ratings[left]
    return Result(metrics.srocc(answer.scores, truth), metrics.plcc(answer.scores, truth), seconds, answer.image_passes, answer.loss)


def _summaries(kept: KeptResults, protocol: Protocol, names: Sequence[str], rng: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {"srocc": {}, "plcc": {}, "minus": {}, "took": {}, "by_person": {}}
    lead = "instant" if "instant" in protocol.methods else protocol.methods[0]
    for shots in protocol.shots:
        table = {method: _by_person(kept, protocol, names, method, shots) for method in protocol.methods}
        for place, metric in enumerate(("srocc", "plcc")):
            found[metric][str(shots)] = {method: summary(values[:, place], rng) for method, values in table.items()}
        found["minus"][str(shots)] = {
            method: summary(table[lead][:, 0] - values[:, 0], rng) for method, values in table.items() if method != lead
        }
        found["took"][str(shots)] = {
            method: {"seconds": _rounded(values[:, 2]), "image_passes": _rounded(values[:, 3]), "loss": _rounded(values[:, 4])}
            for method, values in table.items()
        }
        found["by_person"][str(shots)] = {method: [round(float(v), 4) for v in values[:, 0]] for method, values in table.items()}
    return found | {"lead": lead, "names": list(names)}


def _by_person(kept: KeptResults, protocol: Protocol, names: Sequence[str], method: str, shots: int) -> np.ndarray:
    """(people, 5): mean over the repeats of SROCC, PLCC, seconds, image passes and loss; nan where nothing can be said."""
    rows = []
    for name in names:
        told = [kept.get((method, name, shots, repeat)) for repeat in range(protocol.repeats)]
        rows.append(_means([result.numbers() for result in told if result is not None]))
    return np.array(rows)


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    columns: Iterator[Any] = zip(*rows, strict=True) if rows else iter([()] * 5)
    kept = [[value for value in column if not np.isnan(value)] for column in columns]
    return [float(np.mean(column)) if column else float("nan") for column in kept]


def _rounded(values: np.ndarray) -> float | None:
    kept = values[~np.isnan(values)]
    return float(f"{np.median(kept):.4g}") if len(kept) else None


def summary(values: np.ndarray, rng: np.random.Generator) -> dict[str, float | int]:
    """Mean over people with its 95 % bootstrap interval; people of whom nothing can be said are left out."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return {"mean": float("nan"), "low": float("nan"), "high": float("nan"), "people": 0}
    low, high = metrics.bootstrap_interval(kept, rng)
    return {"mean": round(float(kept.mean()), 4), "low": round(low, 4), "high": round(high, 4), "people": len(kept)}
