"""Every way of ranking a person's photos that `evaluate` compares, by name, with one interface.

A method sees a person's shots and answers scores for the photos that are asked for. Those of `baselines.py` need the described catalogue
alone; `instant+others` also what other people's ratings say of the photos, learned when it is called; `paper`, `exact` and `refined` send
photos through the network, which is loaded when the first of them is called.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from personalize.numerics import baselines, refining, taste
from personalize.numerics.baselines import Catalogue, Shots
from personalize.numerics.grid import Hyperprior
from personalize.numerics.population import Population
from personalize.scorers.personal_networks import RatedPhotos

OTHERS = "instant+others"


@dataclass(frozen=True)
class Context:
    """What methods may use beside the shots."""

    catalogue: Catalogue
    hyperprior: Hyperprior  # learned without the person tested, unless the protocol says otherwise
    population: Callable[[], Population]  # what others' ratings say of the photos, never learned from the person tested
    network: Callable[[], RatedPhotos]
    seed: int


@dataclass(frozen=True)
class Answer:
    """Scores of the photos asked for, and what they took."""

    scores: Float[np.ndarray, "asked"]
    image_passes: int = 0  # photos sent through the network to fit the person; scoring photos afterwards is not counted
    loss: float | None = None  # rank loss on the shots, of methods that lower it


Method = Callable[[Context, Shots, Int[np.ndarray, "asked"]], Answer]


def _from_catalogue(method: Callable[[Catalogue, Shots, Hyperprior], np.ndarray]) -> Method:
    return lambda context, shots, asked: Answer(method(context.catalogue, shots, context.hyperprior)[asked])


def instant_with_others(context: Context, shots: Shots, asked: Int[np.ndarray, "asked"]) -> Answer:
    """The instant fit with a mean and tastes of each photo beside its features, as others' ratings tell them (`population.py`)."""
    features, columns = context.catalogue.features, context.population().columns
    fitted = taste.fit(features[shots.photos], shots.ratings, context.hyperprior, columns[shots.photos])
    return Answer(features[asked] @ fitted.weights + columns[asked] @ fitted.shared)


def paper(context: Context, shots: Shots, asked: Int[np.ndarray, "asked"]) -> Answer:
    """The published procedure, 500 steps (Yun & Choo, ECCV 2024)."""
    return Answer(*context.network().paper(shots, asked, context.seed))


def exact(context: Context, shots: Shots, asked: Int[np.ndarray, "asked"]) -> Answer:
    """Gauss-Newton on the same loss with a pull to the bank's start, its strength cross-validated on the shots."""
    return Answer(*context.network().exact(shots, asked, context.seed))


def refined(context: Context, shots: Shots, asked: Int[np.ndarray, "asked"]) -> Answer:
    """What the app does while a person rests: the exact fit where it guesses left-out shots clearly better than the instant one."""
    count, passes = len(shots.photos), 0

    def guesses(method: Method) -> list[np.ndarray]:
        def scores(seen: np.ndarray) -> np.ndarray:
            nonlocal passes
            answer = method(context, Shots(shots.photos[seen], shots.ratings[seen]), shots.photos)
            passes += answer.image_passes
            return answer.scores

        return [refining.guesses(scores, count, fold) for fold in refining.folds(count, context.seed)]

    if count < refining.LEAST:
        return METHODS["instant"](context, shots, asked)
    told = refining.verdict(guesses(METHODS["instant"]), guesses(exact), shots.ratings, context.seed)
    answer = METHODS[told.speaks](context, shots, asked)
    return Answer(answer.scores, passes + answer.image_passes, answer.loss)


METHODS: dict[str, Method] = {
    "generic": _from_catalogue(baselines.generic),
    "softmax-init": _from_catalogue(baselines.softmax_init),
    "ridge": _from_catalogue(baselines.ridge_plain),
    "ridge-merged": _from_catalogue(baselines.ridge_merged),
    "instant": _from_catalogue(baselines.instant),
    OTHERS: instant_with_others,
    "exact": exact,
    "refined": refined,
    "paper": paper,
}
SLOW = ("exact", "refined", "paper")  # need the network
QUICK = tuple(name for name in METHODS if name not in (OTHERS, *SLOW))  # need neither it nor a least number of people
