"""How well raters' left-out ratings are ranked after a few shots: the program behind `./pav evaluate`. Needs no torch itself.

A test person's shots are drawn at random, all their other ratings are the test. One SROCC and one PLCC per person, number of shots and
method (mean over the repeats); reported as means over people with bootstrap intervals over people. Every method sees the same shots: they
depend on the seed, the person, their number and the repeat alone, so runs can be split, stopped and resumed.
"""

import platform
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
from jaxtyping import Float

from personalize.errors import BadBank, TooFewRatings, at_least
from personalize.files.rating_tables import halves
from personalize.numerics import metrics, population_prior
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.hyperprior import learn_hyperprior
from personalize.numerics.metrics import MeanOverRaters
from personalize.numerics.population_prior import LEAST_RATERS, PopulationPrior
from personalize.numerics.ratings import LEAST_LEFT, RaterRatings, draw_shots
from personalize.progress import ProgressCallback, no_progress
from personalize.research.baselines import Catalogue
from personalize.research.kept_results import KeptResults, Result
from personalize.research.methods import METHODS, OTHERS, QUICK, Context, NetworkFits

Source = Literal["half", "shipped", "leave-one-out", "flat"]


@dataclass(frozen=True)
class EvaluationProtocol:
    """How to evaluate. The names of the fields are keys in stored results.

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
        at_least(0, shots=min(self.shots), raters=self.people, seed=self.seed)
        at_least(1, repeats=self.repeats)


@dataclass(frozen=True)
class Subject:
    """What is evaluated."""

    catalogue: Catalogue
    raters: Sequence[RaterRatings]
    tested: frozenset[str] | None  # names of the raters that a dataset's protocol tests; None: `EvaluationProtocol` splits
    shipped: Hyperprior | None  # of the bank
    network: Callable[[], NetworkFits]


class Took(TypedDict):
    """Medians over raters of what a fit and the scores took."""

    seconds: float | None
    image_passes: float | None
    loss: float | None


class SwapResult(TypedDict):
    """The swap test: see `swap.swap`."""

    shots: int
    people: int
    gain: MeanOverRaters
    pairs_won: float
    people_better_with_their_own: float


class Evaluation(TypedDict):
    """Everything measured, as plain data for JSON; by number of shots and method."""

    protocol: dict[str, Any]
    people: dict[str, int]
    photos: int
    versions: dict[str, str]
    srocc: dict[str, dict[str, MeanOverRaters]]
    plcc: dict[str, dict[str, MeanOverRaters]]
    minus: dict[str, dict[str, MeanOverRaters]]
    took: dict[str, dict[str, Took]]
    by_person: dict[str, dict[str, list[float]]]
    lead: str
    names: list[str]
    swap: NotRequired[SwapResult]
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
    """Run the protocol; the answer is plain data for JSON.

    Results that `kept` has are not computed again. `part` = (i, n) computes every nth draw beginning with the ith, and is to be followed by
    a run of all: draws of other parts that `kept` has not are left out of the summary.

    Raises:
        TooFewRatings: too few raters, for the split or for a method, or nobody has enough ratings for the largest number of shots.
        BadBank: the bank ships no hyperprior, which the protocol asks for.
    """
    teachers, tested = split(subject.raters, subject.tested, protocol)
    hyperprior_of, prior_of = hyperpriors(subject, protocol, teachers), population_priors(subject, teachers)
    draws = [(shots, who, repeat) for shots in protocol.shots for who in able(subject, tested, shots) for repeat in range(protocol.repeats)]
    for number, (shots, who, repeat) in enumerate(draws, start=1):
        if (number - part[0]) % part[1]:
            continue
        progress(f"{shots} shots", number, len(draws))
        rater = subject.raters[who]
        seen, left = draw_shots(rater, who, shots, repeat, protocol.seed)
        context = Context(subject.catalogue, hyperprior_of(who), partial(prior_of, who), subject.network, protocol.seed)
        for method in protocol.methods:
            key = (method, rater.rater, shots, repeat)
            if key not in kept:
                kept.add(key, _measure(context, rater, method, seen, left))
    names = [subject.raters[who].rater for who in tested]
    result: Evaluation = {
        "protocol": asdict(protocol),
        "people": {"teachers": len(teachers), "tested": len(tested)},
        "photos": len(subject.catalogue.features),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": version("torch"),
            "machine": platform.machine(),
        },
        "srocc": {},
        "plcc": {},
        "minus": {},
        "took": {},
        "by_person": {},
        "lead": "instant" if "instant" in protocol.methods else protocol.methods[0],
        "names": names,
    }
    rng = np.random.default_rng(protocol.seed)
    for shots in protocol.shots:
        _summarise(result, str(shots), {method: _by_rater(kept, protocol, names, method, shots) for method in protocol.methods}, rng)
    return result


def split(raters: Sequence[RaterRatings], of_dataset: frozenset[str] | None, protocol: EvaluationProtocol) -> tuple[list[int], list[int]]:
    """Places of the raters who teach the hyperprior and of those tested: the ones that a dataset names, where it does.

    Raises:
        TooFewRatings: fewer than two raters where half of them teach.
    """
    first, second = halves(len(raters), protocol.seed)
    everybody = [*first, *second]
    if of_dataset is not None:
        tested = [who for who in everybody if raters[who].rater in of_dataset]
        teachers = [who for who in everybody if raters[who].rater not in of_dataset]
    elif protocol.hyperprior == "half":
        if len(everybody) < 2:
            raise TooFewRatings("At least two people are needed: half of them teach the hyperprior, the other half is tested.")
        teachers, tested = first, second
    else:
        teachers, tested = everybody, everybody
    return sorted(teachers), sorted(tested[: protocol.people or None])


def able(subject: Subject, tested: Sequence[int], shots: int) -> list[int]:
    """Those who have enough ratings.

    Raises:
        TooFewRatings: nobody has.
    """
    found = [who for who in tested if len(subject.raters[who].ratings) >= shots + LEAST_LEFT]
    if not found:
        raise TooFewRatings(f"No test person has the {shots + LEAST_LEFT} ratings that {shots} shots need.")
    return found


def hyperpriors(subject: Subject, protocol: EvaluationProtocol, teachers: Sequence[int]) -> Callable[[int], Hyperprior]:
    taught = {who: (subject.catalogue.features[subject.raters[who].photos], subject.raters[who].ratings) for who in teachers}
    if protocol.hyperprior == "leave-one-out":
        return lambda who: learn_hyperprior([taught[other] for other in teachers if other != who])
    if protocol.hyperprior == "shipped":
        if subject.shipped is None:
            raise BadBank("This bank ships no hyperprior: choose another with --hyperprior.")
        one = subject.shipped
    else:
        one = Hyperprior.flat() if protocol.hyperprior == "flat" else learn_hyperprior(list(taught.values()))
    return lambda who: one


def population_priors(subject: Subject, teachers: Collection[int]) -> Callable[[int], PopulationPrior]:
    """What the teachers' ratings say of the photos, for each rater tested: without that rater, where everybody teaches and is tested.

    Learned when asked for, once for all who teach nobody and once for each who does. The function raises TooFewRatings where too few teach.
    """

    @cache
    def learned(left_out: int | None) -> PopulationPrior:
        raters = [subject.raters[who] for who in sorted(teachers) if who != left_out]
        telling = [one for one in raters if np.std(one.ratings) > 0]
        if len(telling) < LEAST_RATERS:
            raise TooFewRatings(
                f"{OTHERS} learns from at least {LEAST_RATERS} other people whose ratings differ; there are {len(telling)}."
            )
        return population_prior.learn(subject.catalogue.features, telling)

    return lambda who: learned(who if who in teachers else None)


def _measure(context: Context, rater: RaterRatings, method: str, seen: np.ndarray, left: np.ndarray) -> Result:
    began = time.perf_counter()
    answer = METHODS[method](context, rater.at(seen), rater.photos[left])
    seconds = time.perf_counter() - began
    truth = rater.ratings[left]
    return Result(metrics.srocc(answer.scores, truth), metrics.plcc(answer.scores, truth), seconds, answer.image_passes, answer.loss)


def _summarise(result: Evaluation, shots: str, table: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Add what was measured at one number of shots; `table` has a method's rows as `_by_rater` gives them."""
    lead = result["lead"]
    for place, means in enumerate((result["srocc"], result["plcc"])):
        means[shots] = {method: metrics.mean_over_raters(values[:, place], rng) for method, values in table.items()}
    result["minus"][shots] = {
        method: metrics.mean_over_raters(table[lead][:, 0] - values[:, 0], rng) for method, values in table.items() if method != lead
    }
    result["took"][shots] = {
        method: {"seconds": _rounded(values[:, 2]), "image_passes": _rounded(values[:, 3]), "loss": _rounded(values[:, 4])}
        for method, values in table.items()
    }
    result["by_person"][shots] = {method: [round(float(v), 4) for v in values[:, 0]] for method, values in table.items()}


def _by_rater(
    kept: KeptResults, protocol: EvaluationProtocol, names: Sequence[str], method: str, shots: int
) -> Float[np.ndarray, "raters 5"]:
    """Mean over the repeats of SROCC, PLCC, seconds, image passes and loss; nan where nothing can be said."""
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
