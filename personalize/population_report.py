"""What everybody's ratings add for people who had no part in them: the program behind `./pav learn_prior`.

Half of the people teach, the other half is tested (the split of `evaluate.py`). Two questions: how well are photos ranked that the teachers
rated, and how well those that none of them rated (each fold of the photos is in turn taken from the teachers).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from personalize import evaluate, metrics, population, prior, taste
from personalize.baselines import Catalogue
from personalize.evaluate import Protocol
from personalize.people import Person
from personalize.population import Population, Rated
from personalize.taste import Hyperprior

FOLDS = 4  # of the photos, to stand for unrated ones
LEAST_LEFT = 8  # left-out ratings in a fold that a correlation is taken of
HARM = -0.005  # of SROCC on unrated photos: worse than this on held-out teachers, and the prior is not used

Report = Callable[[str, int, int], None]


def report(
    catalogue: Catalogue, people: Sequence[Person], shots: Sequence[int], seed: int = 0, progress: Report = lambda *_: None
) -> dict[str, Any]:
    """Mean SROCC of the tested people with and without what others said, on rated and unrated photos, and whether the floor passes it.

    Raises:
        BadDatabase: too few people.
        ValueError: see `population.learn`.
    """
    teachers, tested = evaluate.split(people, None, Protocol(seed=seed))
    one, other = teachers[::2], teachers[1::2]
    check = _compared(catalogue, people, one, other, shots, seed, progress)
    used = all(row["rated"]["gain"]["mean"] > 0 and row["unrated"]["gain"]["mean"] >= HARM for row in check.values())
    return {
        "people": {"teachers": len(teachers), "tested": len(tested)},
        "photos": len(catalogue.features),
        "seed": seed,
        "held_out_teachers": check,
        "used": bool(used),
        "shots": _compared(catalogue, people, teachers, tested, shots, seed, progress),
    }


def taught(catalogue: Catalogue, people: Sequence[Person], teachers: Sequence[int], without: np.ndarray | None = None) -> Population:
    """What these people's ratings say of the catalogue; with `without`, as if nobody had rated these photos."""
    kept = np.ones(len(catalogue.features), dtype=bool)
    if without is not None:
        kept[without] = False
    said = [(people[who], kept[people[who].photos]) for who in teachers]
    return population.learn(catalogue.features, [Rated(one.photos[left], one.ratings[left]) for one, left in said if left.any()])


def _compared(
    catalogue: Catalogue,
    people: Sequence[Person],
    teachers: Sequence[int],
    tested: Sequence[int],
    shots: Sequence[int],
    seed: int,
    progress: Report,
) -> dict[str, Any]:
    features = catalogue.features
    hyperprior = prior.learn_hyperprior([(features[people[who].photos], people[who].ratings) for who in teachers])
    folds = np.array_split(np.random.default_rng(seed).permutation(len(features)), FOLDS)
    everything = taught(catalogue, people, teachers)
    without = [taught(catalogue, people, teachers, fold) for fold in folds]
    found: dict[str, Any] = {}
    for count in shots:
        rated, unrated = [], []
        able = [who for who in tested if len(people[who].ratings) >= count + evaluate.LEAST_LEFT]
        for number, who in enumerate(able, start=1):
            progress(f"{count} shots", number, len(able))
            person = people[who]
            seen, left = evaluate.drawn(person, who, count, 0, seed)
            ranked = [_scores(features, person, seen, hyperprior, shared) for shared in (None, everything, *without)]
            rated.append(_pair(person, left, ranked[0], ranked[1]))
            parts = [np.array([place for place in left if person.photos[place] in set(fold.tolist())], dtype=int) for fold in folds]
            pairs = [_pair(person, part, ranked[0], ranked[2 + k]) for k, part in enumerate(parts) if len(part) >= LEAST_LEFT]
            unrated.append(np.nanmean(pairs, axis=0) if pairs else np.array([np.nan, np.nan]))
        found[str(count)] = {"rated": _summed(np.array(rated), seed), "unrated": _summed(np.array(unrated), seed)}
    return found


def _scores(features: np.ndarray, person: Person, seen: np.ndarray, hyperprior: Hyperprior, shared: Population | None) -> np.ndarray:
    photos = person.photos[seen]
    if shared is None:
        return features @ taste.fit(features[photos], person.ratings[seen], hyperprior).weights
    fitted = taste.fit(features[photos], person.ratings[seen], hyperprior, shared.columns[photos])
    return features @ fitted.weights + shared.columns @ fitted.shared


def _pair(person: Person, places: np.ndarray, alone: np.ndarray, together: np.ndarray) -> np.ndarray:
    photos, ratings = person.photos[places], person.ratings[places]
    return np.array([metrics.srocc(alone[photos], ratings), metrics.srocc(together[photos], ratings)])


def _summed(pairs: np.ndarray, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    alone, together = pairs.T
    gain = evaluate.summary(together - alone, rng)
    return {"alone": evaluate.summary(alone, rng), "with_others": evaluate.summary(together, rng), "gain": gain}


def as_table(result: dict[str, Any]) -> str:
    """The tested people's figures as a Markdown table."""
    lines = ["| photos | shots | alone | with what others said | gain (95 % interval over people) |", "|---|---|---|---|---|"]
    for kind in ("rated", "unrated"):
        for shots, row in result["shots"].items():
            cell, gain = row[kind], row[kind]["gain"]
            told = f"{gain['mean']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
            lines.append(f"| {kind} by others | {shots} | {cell['alone']['mean']:.3f} | {cell['with_others']['mean']:.3f} | {told} |")
    return "\n".join(lines)
