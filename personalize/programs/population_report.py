"""What everybody's ratings add for people who had no part in them: the program behind `./pav learn_prior`.

Half of the people teach, the other half is tested (the split of `evaluate.py`). Two questions: how well are photos ranked that the teachers
rated, and how well those that none of them rated (each part of the photos is in turn taken from the teachers).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from personalize.errors import at_least
from personalize.files.people import Person
from personalize.numerics import metrics, population, prior, taste
from personalize.numerics.grid import Hyperprior
from personalize.numerics.population import Population, Rated
from personalize.programs import evaluate
from personalize.programs.evaluate import Protocol

PARTS = 4  # of the photos, each in turn standing for unrated ones
LEAST_LEFT = 8  # left-out ratings in a part that a correlation is taken of
HARM = -0.005  # of SROCC on unrated photos: worse than this on held-out teachers, and the prior is not used

Report = Callable[[str, int, int], None]


def report(
    features: Float[np.ndarray, "photos features"],
    people: Sequence[Person],
    shots: Sequence[int],
    seed: int = 0,
    progress: Report = lambda *_: None,
) -> dict[str, Any]:
    """Mean SROCC of the tested people with and without what others said, on rated and unrated photos, and whether the floor passes it.

    Raises:
        BadDatabase: too few people.
        BadOption: a number below its least.
        ValueError: see `population.learn`.
    """
    at_least(1, shots=min(shots))
    teachers, tested = evaluate.split(people, None, Protocol(seed=seed))
    one, other = teachers[::2], teachers[1::2]
    check = _compared(features, people, one, other, shots, seed, progress)
    used = all(passes(row) for row in check.values())
    return {
        "people": {"teachers": len(teachers), "tested": len(tested)},
        "photos": len(features),
        "seed": seed,
        "held_out_teachers": check,
        "used": used,
        "shots": _compared(features, people, teachers, tested, shots, seed, progress),
    }


def taught(
    features: Float[np.ndarray, "photos features"], people: Sequence[Person], teachers: Sequence[int], without: np.ndarray | None = None
) -> Population:
    """What these people's ratings say of the catalogue; with `without`, as if nobody had rated these photos."""
    kept = np.ones(len(features), dtype=bool)
    if without is not None:
        kept[without] = False
    said = [(people[who], kept[people[who].photos]) for who in teachers]
    return population.learn(features, [Rated(one.photos[left], one.ratings[left]) for one, left in said if left.any()])


@dataclass(frozen=True)
class Lessons:
    """What some people taught: of all photos, and of each part of the photos as if nobody had rated it."""

    everything: Population
    parts: list[Int[np.ndarray, "part"]]
    without: list[Population]

    @classmethod
    def of(cls, features: Float[np.ndarray, "photos features"], people: Sequence[Person], teachers: Sequence[int], seed: int) -> "Lessons":
        """Raises ValueError where these people are too few; see `population.learn`."""
        parts = np.array_split(np.random.default_rng(seed).permutation(len(features)), PARTS)
        return cls(taught(features, people, teachers), parts, [taught(features, people, teachers, part) for part in parts])


@dataclass(frozen=True)
class Guesses:
    """Scores of every photo for a tested person after some shots."""

    left: Int[np.ndarray, "left"]  # places in the person's ratings that were not among the shots
    alone: Float[np.ndarray, "photos"]
    together: Float[np.ndarray, "photos"]  # with what others said
    apart: Float[np.ndarray, "photos"]  # with what others said, as if nobody had rated this photo


def guess(
    features: Float[np.ndarray, "photos features"],
    person: Person,
    draw: tuple[np.ndarray, np.ndarray],
    hyperprior: Hyperprior,
    lessons: Lessons,
) -> Guesses:
    """What is said of a tested person; `draw` are the places of the shots and of all others in their ratings."""
    seen, left = draw
    alone, together = (_scores(features, person, seen, hyperprior, shared) for shared in (None, lessons.everything))
    apart = np.empty_like(alone)
    for part, shared in zip(lessons.parts, lessons.without, strict=True):
        apart[part] = _scores(features, person, seen, hyperprior, shared)[part]
    return Guesses(left, alone, together, apart)


def gains(pairs: Sequence[Float[np.ndarray, "2"]], seed: int) -> dict[str, Any]:
    """Mean SROCC without and with what others said and the gain, over people, from one pair each."""
    rng = np.random.default_rng(seed)
    alone, together = np.array(pairs).reshape(-1, 2).T
    gain = evaluate.summary(together - alone, rng)
    return {"alone": evaluate.summary(alone, rng), "with_others": evaluate.summary(together, rng), "gain": gain}


def pair(person: Person, places: np.ndarray, alone: np.ndarray, together: np.ndarray) -> Float[np.ndarray, "2"]:
    """SROCC of both with the person's ratings at these places."""
    photos, ratings = person.photos[places], person.ratings[places]
    return np.array([metrics.srocc(alone[photos], ratings), metrics.srocc(together[photos], ratings)])


def passes(row: dict[str, Any]) -> bool:
    """The floor: others help on photos that they rated, and do no harm on those that they did not."""
    return bool(row["rated"]["gain"]["mean"] > 0 and row["unrated"]["gain"]["mean"] >= HARM)


def _compared(
    features: np.ndarray,
    people: Sequence[Person],
    teachers: Sequence[int],
    tested: Sequence[int],
    shots: Sequence[int],
    seed: int,
    progress: Report,
) -> dict[str, Any]:
    hyperprior = prior.learn_hyperprior([(features[people[who].photos], people[who].ratings) for who in teachers])
    lessons = Lessons.of(features, people, teachers, seed)
    found: dict[str, Any] = {}
    for count in shots:
        rated, unrated = [], []
        able = [who for who in tested if len(people[who].ratings) >= count + evaluate.LEAST_LEFT]
        for number, who in enumerate(able, start=1):
            progress(f"{count} shots", number, len(able))
            person = people[who]
            told = guess(features, person, evaluate.drawn(person, who, count, 0, seed), hyperprior, lessons)
            rated.append(pair(person, told.left, told.alone, told.together))
            places = [
                np.array([place for place in told.left if person.photos[place] in set(part.tolist())], dtype=int) for part in lessons.parts
            ]
            pairs = [pair(person, part, told.alone, told.apart) for part in places if len(part) >= LEAST_LEFT]
            unrated.append(np.nanmean(pairs, axis=0) if pairs else np.array([np.nan, np.nan]))
        found[str(count)] = {"rated": gains(rated, seed), "unrated": gains(unrated, seed)}
    return found


def _scores(features: np.ndarray, person: Person, seen: np.ndarray, hyperprior: Hyperprior, shared: Population | None) -> np.ndarray:
    photos = person.photos[seen]
    if shared is None:
        return features @ taste.fit(features[photos], person.ratings[seen], hyperprior).weights
    fitted = taste.fit(features[photos], person.ratings[seen], hyperprior, shared.columns[photos])
    return features @ fitted.weights + shared.columns @ fitted.shared


def as_table(result: dict[str, Any]) -> str:
    """The tested people's figures as a Markdown table."""
    lines = ["| photos | shots | alone | with what others said | gain (95 % interval over people) |", "|---|---|---|---|---|"]
    for kind in ("rated", "unrated"):
        for shots, row in result["shots"].items():
            cell, gain = row[kind], row[kind]["gain"]
            told = f"{gain['mean']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
            lines.append(f"| {kind} by others | {shots} | {cell['alone']['mean']:.3f} | {cell['with_others']['mean']:.3f} | {told} |")
    return "\n".join(lines)
