"""Evaluation of methods on raters' left-out ratings after a few shots; behind `./pav evaluate`. Needs no torch itself.

The shots of a test rater are drawn at random; all other ratings are the test. Each rater, number of shots and method gets one SROCC and one
PLCC (the mean over the repeats); results are means over raters with bootstrap intervals over raters. Every method sees the same shots. They
depend only on the seed, the rater, the number of shots and the repeat, so runs can be split, stopped and resumed.
"""

import platform
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property, partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import Literal, NotRequired, TypedDict

import numpy as np
from jaxtyping import Float

from personalize.errors import BadBank, BadOption, TooFewRatings, at_least
from personalize.files.rating_tables import halves
from personalize.numerics import metrics, population_prior, task_means
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.hyperprior import learn_hyperprior
from personalize.numerics.metrics import MeanOverRaters
from personalize.numerics.population_prior import LEAST_RATERS, PopulationPrior
from personalize.numerics.ratings import LEAST_LEFT, RaterRatings, draw_shots
from personalize.progress import ProgressCallback, no_progress
from personalize.research.baselines import Catalogue
from personalize.research.kept_results import KeptResults, Result
from personalize.research.methods import CHOSEN, GROUPS, METHODS, OTHERS, QUICK, Answer, Context, NetworkFits

Source = Literal["half", "shipped", "leave-one-out", "flat"]


@dataclass(frozen=True)
class EvaluationProtocol:
    """Settings of an evaluation. The names of the fields are keys in the results.

    Raises:
        BadOption: a number is below its minimum.
    """

    shots: tuple[int, ...] = (10, 30, 50)
    repeats: int = 5
    methods: tuple[str, ...] = QUICK
    hyperprior: Source = "half"  # learned from half of the raters, the others tested; the bank's; from all other raters; or flat
    raters: int = 0  # test at most this many raters, drawn by the seed; 0: all
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(0, shots=min(self.shots), raters=self.raters, seed=self.seed)
        at_least(1, repeats=self.repeats)


@dataclass(frozen=True)
class Subject:
    """The photos, raters and fits to evaluate."""

    extract: Callable[[], Catalogue]  # called when the first method needs features
    raters: Sequence[RaterRatings]
    tested: frozenset[str] | None  # names of the raters that a dataset's protocol tests; None: `EvaluationProtocol` splits
    shipped: Hyperprior | None  # of the bank
    network: Callable[[], NetworkFits]
    least_left: int = LEAST_LEFT  # ratings that must remain to test a rater on

    @cached_property
    def catalogue(self) -> Catalogue:
        return self.extract()


class Took(TypedDict):
    """Costs of a fit and its scores, as medians over raters."""

    seconds: float | None
    image_passes: float | None
    loss: float | None
    raters_with_loss: int  # of `refined`: those for whom the exact model was active


class SwapResult(TypedDict):
    """Result of the swap test; see `swap.swap`."""

    shots: int
    raters: int
    gain: MeanOverRaters
    pairs_won: float
    raters_better_with_their_own: float


class Evaluation(TypedDict):
    """All results, as plain data for JSON; by number of shots and method."""

    protocol: dict[str, object]
    raters: dict[str, int]
    versions: dict[str, str]
    srocc: dict[str, dict[str, MeanOverRaters]]
    plcc: dict[str, dict[str, MeanOverRaters]]
    minus: dict[str, dict[str, MeanOverRaters]]
    took: dict[str, dict[str, Took]]
    by_rater: dict[str, dict[str, list[float]]]
    lead: str
    names: list[str]
    swap: NotRequired[SwapResult]
    photos: NotRequired[int]
    bank: NotRequired[str]
    backbone: NotRequired[str]
    left_out_photos: NotRequired[int]
    about: NotRequired[str]


def evaluate(
    subject: Subject,
    protocol: EvaluationProtocol,
    kept: KeptResults,
    part: tuple[int, int] = (1, 1),
    progress: ProgressCallback = no_progress,
) -> Evaluation:
    """Run the protocol. Does not compute again what `kept` contains.

    `part` = (i, n) computes every nth draw from the ith on. Run all parts, then once without `part`: the summary of one part lacks the
    draws of the others.

    Raises:
        TooFewRatings: too few raters for the split or for a method, or no rater has enough ratings for a number of shots.
        BadBank: the protocol needs the bank's hyperprior, but the bank has none.
    """
    teachers, tested = split(subject.raters, subject.tested, protocol)
    learned_for = learned_from_others(subject, protocol, teachers)
    prior_of = population_priors(subject, teachers, learned_for)
    draws = [
        (shots, index, repeat) for shots in protocol.shots for index in able(subject, tested, shots) for repeat in range(protocol.repeats)
    ]
    for number, (shots, index, repeat) in enumerate(draws, start=1):
        if (number - part[0]) % part[1]:
            continue
        progress(f"{shots} shots", number, len(draws))
        rater = subject.raters[index]
        seen, left = draw_shots(rater, index, shots, repeat, protocol.seed)
        context = Context(partial(learned_for, index), partial(prior_of, index), subject.network, protocol.seed)
        for method in protocol.methods:
            if (method, rater.rater, shots, repeat) not in kept:
                for name, result_of in _measure(context, rater, method, seen, left).items():
                    kept.add((name, rater.rater, shots, repeat), result_of)
    names = [subject.raters[index].rater for index in tested]
    result: Evaluation = {
        "protocol": asdict(protocol),
        "raters": {"teachers": len(teachers), "tested": len(tested)},
        "versions": versions(),
        "srocc": {},
        "plcc": {},
        "minus": {},
        "took": {},
        "by_rater": {},
        "lead": "instant" if "instant" in protocol.methods else protocol.methods[0],
        "names": names,
    }
    rng = np.random.default_rng(protocol.seed)
    for shots in protocol.shots:
        _summarise(result, str(shots), {name: by_rater(kept, protocol, names, name, shots) for name in reported(protocol)}, rng)
    return result


def versions() -> dict[str, str]:
    """What the results were computed with."""
    packages = {name: version(name) for name in ("numpy", "torch") if find_spec(name)}
    return {"python": platform.python_version(), **packages, "machine": platform.machine()}


def reported(protocol: EvaluationProtocol) -> list[str]:
    """Names of the results: the methods, each followed by its second figure where it has one."""
    return [name for method in protocol.methods for name in (method, CHOSEN.get(method)) if name]


def without_impossible(subject: Subject, protocol: EvaluationProtocol) -> tuple[EvaluationProtocol, dict[str, str]]:
    """The protocol with the methods that can run on these raters and this bank, and why each of the others cannot.

    Raises:
        BadOption: no method can run.
    """
    teachers, tested = split(subject.raters, subject.tested, protocol)
    reasons: dict[str, str] = {}
    for method in protocol.methods:
        if method in GROUPS and GROUPS[method] not in subject.catalogue.groups:
            reasons[method] = f"the bank has no group of features named {GROUPS[method]}"
    if OTHERS in protocol.methods:
        others = [index for index in teachers if np.std(subject.raters[index].ratings) > 0]
        least = LEAST_RATERS + (1 if set(others) & set(tested) else 0)
        if len(others) < least:
            reasons[OTHERS] = f"it learns from at least {LEAST_RATERS} other raters whose ratings differ"
    methods = tuple(method for method in protocol.methods if method not in reasons)
    if not methods:
        raise BadOption("No method can run: " + "; ".join(f"{method}: {reason}" for method, reason in reasons.items()) + ".")
    return replace(protocol, methods=methods), reasons


def split(raters: Sequence[RaterRatings], of_dataset: frozenset[str] | None, protocol: EvaluationProtocol) -> tuple[list[int], list[int]]:
    """Places of the raters who teach the hyperprior, and of those tested. Where a dataset names test raters, those are tested.

    Raises:
        TooFewRatings: fewer than two raters, where half of them teach.
    """
    first, second = halves(len(raters), protocol.seed)
    everyone = [*first, *second]
    if of_dataset is not None:
        tested = [index for index in everyone if raters[index].rater in of_dataset]
        teachers = [index for index in everyone if raters[index].rater not in of_dataset]
    elif protocol.hyperprior == "half":
        if len(everyone) < 2:
            raise TooFewRatings("At least two raters are needed: half of them teach the hyperprior, the other half is tested.")
        teachers, tested = first, second
    else:
        teachers, tested = everyone, everyone
    return sorted(teachers), sorted(tested[: protocol.raters or None])


def able(subject: Subject, tested: Sequence[int], shots: int) -> list[int]:
    """The tested raters who have enough ratings for this number of shots.

    Raises:
        TooFewRatings: there is none.
    """
    least = shots + subject.least_left
    found = [index for index in tested if len(subject.raters[index].ratings) >= least]
    if not found:
        raise TooFewRatings(f"No test rater has the {least} ratings that {shots} shots need.")
    return found


LearnedFor = Callable[[int | None], tuple[Catalogue, Hyperprior]]
"""What was learned from others for a tested rater; for None, from all teachers."""


def learned_from_others(subject: Subject, protocol: EvaluationProtocol, teachers: Sequence[int]) -> LearnedFor:
    """What the app would have learned from other raters before each tested one: the catalogue's generic score, and the hyperprior.

    Raises:
        BadBank: the protocol needs the bank's hyperprior, but the bank has none.
    """
    shipped = subject.shipped
    if protocol.hyperprior == "shipped":
        if shipped is None:
            raise BadBank("This bank ships no hyperprior: choose another source with --hyperprior.")
        return lambda index: (subject.catalogue, replace(shipped, heads=subject.catalogue.heads))
    if protocol.hyperprior == "flat":
        return lambda index: (subject.catalogue, Hyperprior.flat(subject.catalogue.heads))

    @cache
    def learned(left_out: int | None) -> tuple[Catalogue, Hyperprior]:
        catalogue = subject.catalogue
        raters = [subject.raters[index] for index in teachers if index != left_out]
        coefficients = task_means.task_means(catalogue.features, catalogue.heads, raters)
        features = task_means.moved(catalogue.features, coefficients)
        ratings = [(features[one.photos], one.ratings) for one in raters]
        return replace(catalogue, features=features), learn_hyperprior(ratings, Hyperprior.flat(catalogue.heads))

    return lambda index: learned(index if index in teachers else None)


def population_priors(subject: Subject, teachers: Collection[int], learned_for: LearnedFor) -> Callable[[int], PopulationPrior]:
    """The population prior for each tested rater: learned from the teachers, without that rater, on the catalogue as learned for the rater.

    Learned on demand: once for all raters who are not teachers, and once for each teacher. The returned function raises TooFewRatings where
    there are too few teachers.
    """

    @cache
    def learned(left_out: int | None) -> PopulationPrior:
        raters = [subject.raters[index] for index in sorted(teachers) if index != left_out]
        varied = [one for one in raters if np.std(one.ratings) > 0]
        if len(varied) < LEAST_RATERS:
            raise TooFewRatings(f"{OTHERS} learns from at least {LEAST_RATERS} other raters whose ratings differ; there are {len(varied)}.")
        catalogue, _ = learned_for(left_out)
        return population_prior.learn(catalogue.features, varied, heads=catalogue.heads)

    return lambda index: learned(index if index in teachers else None)


def _measure(context: Context, rater: RaterRatings, method: str, seen: np.ndarray, left: np.ndarray) -> dict[str, Result]:
    """Results by name, the method's own last: where it is kept, its second figure is, too."""
    began = time.perf_counter()
    output = METHODS[method](context, rater.at(seen), rater.photos[left])
    return results(method, output, rater.ratings[left], time.perf_counter() - began)


def results(method: str, output: Answer, truth: Float[np.ndarray, "asked"], seconds: float) -> dict[str, Result]:
    """The method's result under its name, and its second figure where it has one."""
    cost = seconds, output.image_passes, output.loss
    own = Result(metrics.srocc(output.scores, truth), metrics.plcc(output.scores, truth), *cost)
    if method not in CHOSEN:
        return {method: own}
    chosen = [_best(metric(scores, truth) for scores in output.checkpoints) for metric in (metrics.srocc, metrics.plcc)]
    return {CHOSEN[method]: Result(chosen[0], chosen[1], *cost), method: own}


def _best(values: Iterable[float]) -> float:
    """The largest number; nan without one."""
    return max((value for value in values if not np.isnan(value)), default=float("nan"))


def _summarise(result: Evaluation, shots: str, table: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Add the results at one number of shots to `result`. `table` contains each method's rows from `_by_rater`."""
    lead = result["lead"]
    for place, means in enumerate((result["srocc"], result["plcc"])):
        means[shots] = {method: metrics.mean_over_raters(values[:, place], rng) for method, values in table.items()}
    result["minus"][shots] = {
        method: metrics.mean_over_raters(table[lead][:, 0] - values[:, 0], rng) for method, values in table.items() if method != lead
    }
    result["took"][shots] = {
        method: {
            "seconds": _rounded(values[:, 2]),
            "image_passes": _rounded(values[:, 3]),
            "loss": _rounded(values[:, 4]),
            "raters_with_loss": int(np.isfinite(values[:, 4]).sum()),
        }
        for method, values in table.items()
    }
    result["by_rater"][shots] = {method: [round(float(v), 4) for v in values[:, 0]] for method, values in table.items()}


def by_rater(
    kept: KeptResults, protocol: EvaluationProtocol, names: Sequence[str], method: str, shots: int
) -> Float[np.ndarray, "raters 5"]:
    """Mean over the repeats of SROCC, PLCC, seconds, image passes and loss; nan where there is no value."""
    rows = []
    for name in names:
        results = [kept.get((method, name, shots, repeat)) for repeat in range(protocol.repeats)]
        rows.append(_means(np.array([result.numbers() for result in results if result is not None]).reshape(-1, 5)))
    return np.array(rows)


def _means(rows: Float[np.ndarray, "results 5"]) -> list[float]:
    kept = [column[~np.isnan(column)] for column in rows.T]
    return [float(np.mean(column)) if len(column) else float("nan") for column in kept]


def _rounded(values: np.ndarray) -> float | None:
    kept = values[~np.isnan(values)]
    return float(f"{np.median(kept):.4g}") if len(kept) else None
