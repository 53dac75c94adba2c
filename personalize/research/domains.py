"""Evaluation across kinds of photos: the shots are of one domain, the test ratings of another; behind `./pav evaluate --domains`.

A rater's shots are drawn among their ratings of one domain; each method is fitted once to them, and measured on the rater's other ratings
of every domain, its own included. Raters who teach do so with all their ratings. Needs no torch itself.
"""

import csv
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
from jaxtyping import Int

from personalize.errors import BadDataset, TooFewRatings
from personalize.numerics import metrics
from personalize.numerics.metrics import MeanOverRaters
from personalize.numerics.ratings import RaterRatings, draw_shots
from personalize.progress import ProgressCallback, no_progress
from personalize.research import evaluate
from personalize.research.evaluate import EvaluationProtocol, Subject
from personalize.research.kept_results import KeptResults
from personalize.research.methods import METHODS, Answer, Context

NONE = -1  # in place of a domain


@dataclass(frozen=True)
class Domains:
    """The domain of each photo."""

    names: tuple[str, ...]
    of_photo: Int[np.ndarray, "photos"]  # place in `names`, or `NONE`: the photo is not used
    notes: tuple[str, ...] = ()  # sentences on photos that are not used

    @property
    def photos(self) -> dict[str, int]:
        """Number of photos of each domain."""
        return {name: int(np.sum(self.of_photo == place)) for place, name in enumerate(self.names)}


class AcrossDomains(TypedDict):
    """All results, as plain data for JSON: by number of shots, method, domain of the shots and domain of the test ratings."""

    protocol: dict[str, object]
    raters: dict[str, int]
    domains: dict[str, int]
    versions: dict[str, str]
    srocc: dict[str, dict[str, dict[str, dict[str, MeanOverRaters]]]]
    plcc: dict[str, dict[str, dict[str, dict[str, MeanOverRaters]]]]
    photos: NotRequired[int]
    bank: NotRequired[str]
    backbone: NotRequired[str]
    left_out_photos: NotRequired[int]
    about: NotRequired[str]


def read(table: Path, photos: Sequence[Path]) -> Domains:
    """Read a CSV with the columns image, domain for rated photos, which are known by their file names.

    Raises:
        BadDataset: the file cannot be read, lacks a column, gives a photo two domains, or has fewer than two domains of rated photos.
    """
    of_image: dict[str, str] = {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            if not {"image", "domain"} <= set(rows.fieldnames or ()):
                raise BadDataset(f"{table} needs the columns image, domain; it has {', '.join(rows.fieldnames or ['none'])}.")
            for line, row in enumerate(rows, start=2):
                image, domain = row["image"], (row["domain"] or "").strip()
                if not domain:
                    raise BadDataset(f"{table} line {line}: domain is empty.")
                if of_image.setdefault(image, domain) != domain:
                    raise BadDataset(f"{table} line {line}: {image} is {of_image[image]} on an earlier line, and {domain} here.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadDataset(f"{table} cannot be read: {error}") from error
    rated = {photo.name for photo in photos}
    names = tuple(sorted({domain for image, domain in of_image.items() if image in rated}))
    if len(names) < 2:
        raise BadDataset(f"{table} has {len(names)} domains of rated photos ({', '.join(names) or 'none'}): at least two are needed.")
    place = {name: number for number, name in enumerate(names)}
    of_photo = np.array([place[of_image[photo.name]] if photo.name in of_image else NONE for photo in photos])
    left = _note([photo.name for photo in photos if photo.name not in of_image], f"Rated photos without a domain in {table}")
    unrated = _note([image for image in of_image if image not in rated], f"Images in {table} without a rating")
    return Domains(names, of_photo, (*left, *unrated))


def _note(names: Sequence[str], what: str) -> tuple[str, ...]:
    return (f"{what}, which are not used: {len(names)}, such as {names[0]}.",) if names else ()


def measure(
    subject: Subject,
    domains: Domains,
    protocol: EvaluationProtocol,
    kept: KeptResults,
    part: tuple[int, int] = (1, 1),
    progress: ProgressCallback = no_progress,
) -> AcrossDomains:
    """Run the protocol on every pair of domains. Does not compute again what `kept` contains; `part` as in `evaluate.evaluate`.

    Raises:
        TooFewRatings: too few raters, or no rater has enough ratings of two domains; the message names them.
        BadBank: see `evaluate.evaluate`.
    """
    teachers, tested = evaluate.split(subject.raters, subject.tested, protocol)
    learned_for = evaluate.learned_from_others(subject, protocol, teachers)
    prior_of = evaluate.population_priors(subject, teachers, learned_for)
    able = _able(subject, domains, tested, protocol)
    draws = list(_draws(able, protocol))
    for number, (shots, source, index, repeat) in enumerate(draws, start=1):
        if (number - part[0]) % part[1]:
            continue
        progress(f"{shots} shots of {domains.names[source]}", number, len(draws))
        context = Context(partial(learned_for, index), partial(prior_of, index), subject.network, protocol.seed)
        rater = subject.raters[index]
        here = domains.of_photo[rater.photos]
        own = np.flatnonzero(here == source)
        seen = own[draw_shots(rater.at(own), index, shots, repeat, protocol.seed)[0]]
        left = np.setdiff1d(np.flatnonzero(here != NONE), seen)
        targets = [target for target in range(len(domains.names)) if index in able[shots, source, target]]
        for method in protocol.methods:
            keys = [(_name(method, domains, source, target), rater.rater, shots, repeat) for target in targets]
            if all(key in kept for key in keys):
                continue
            began = time.perf_counter()
            output = METHODS[method](context, rater.at(seen), rater.photos[left])
            seconds = time.perf_counter() - began
            for target in targets:
                for name, result in _on_target(method, output, rater.at(left), here[left] == target, seconds).items():
                    kept.add((_name(name, domains, source, target), rater.rater, shots, repeat), result)
    names = [subject.raters[index].rater for index in tested]
    return {
        "protocol": asdict(protocol),
        "raters": {"teachers": len(teachers), "tested": len(tested)},
        "domains": domains.photos,
        "versions": evaluate.versions(),
        "srocc": _means(kept, protocol, domains, names, 0),
        "plcc": _means(kept, protocol, domains, names, 1),
    }


Able = dict[tuple[int, int, int], set[int]]
"""The test raters with enough ratings, by number of shots and places of both domains."""


def _able(subject: Subject, domains: Domains, tested: Sequence[int], protocol: EvaluationProtocol) -> Able:
    counts = {index: Counter(domains.of_photo[subject.raters[index].photos].tolist()) for index in tested}
    able: Able = {}
    for shots in protocol.shots:
        for source, learned in enumerate(domains.names):
            for target, measured in enumerate(domains.names):
                least = subject.least_left + (shots if source == target else 0)
                able[shots, source, target] = {
                    index for index, count in counts.items() if count[source] >= shots and count[target] >= least
                }
                if not able[shots, source, target]:
                    raise TooFewRatings(
                        f"No test rater has {shots} ratings of {learned} to learn from and {subject.least_left} others of {measured} to be "
                        "measured on: take fewer --shots, or leave that domain out of the file."
                    )
    return able


def _draws(able: Able, protocol: EvaluationProtocol) -> Iterator[tuple[int, int, int, int]]:
    """Number of shots, their domain, the rater and the repeat of every fit."""
    for shots in protocol.shots:
        for source in sorted({source for _, source, _ in able}):
            raters = set().union(*(found for (count, own, _), found in able.items() if (count, own) == (shots, source)))
            yield from ((shots, source, index, repeat) for index in sorted(raters) for repeat in range(protocol.repeats))


def _on_target(method: str, output: Answer, left: RaterRatings, there: np.ndarray, seconds: float) -> dict[str, evaluate.Result]:
    own = replace(output, scores=output.scores[there], checkpoints=tuple(scores[there] for scores in output.checkpoints))
    return evaluate.results(method, own, left.ratings[there], seconds)


def _name(method: str, domains: Domains, source: int, target: int) -> str:
    """Name of a kept result."""
    return f"{method}: {domains.names[source]} -> {domains.names[target]}"


def _means(
    kept: KeptResults, protocol: EvaluationProtocol, domains: Domains, names: Sequence[str], metric: int
) -> dict[str, dict[str, dict[str, dict[str, MeanOverRaters]]]]:
    """Means over raters of a metric (0: SROCC, 1: PLCC), each rater's the mean over the repeats."""
    rng = np.random.default_rng(protocol.seed)

    def mean(method: str, shots: int, source: int, target: int) -> MeanOverRaters:
        rows = evaluate.by_rater(kept, protocol, names, _name(method, domains, source, target), shots)
        return metrics.mean_over_raters(rows[:, metric], rng)

    return {
        str(shots): {
            method: {
                learned: {measured: mean(method, shots, source, target) for target, measured in enumerate(domains.names)}
                for source, learned in enumerate(domains.names)
            }
            for method in evaluate.reported(protocol)
        }
        for shots in protocol.shots
    }
