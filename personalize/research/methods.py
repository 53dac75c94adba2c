"""Ranking methods that `evaluate` compares, by name, with one interface.

A method sees a rater's shots and returns scores of the requested photos. The methods of `baselines.py` need only the features of the
catalogue. `instant+others` also needs a population prior, learned when it is called. The methods of `SLOW` send photos through the
network, which is loaded when the first of them is called. Features are extracted when the first method needs them. This module itself needs
no torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from personalize.numerics import model_comparison, taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.population_prior import PopulationPrior
from personalize.numerics.ratings import RaterRatings
from personalize.research import baselines
from personalize.research.baselines import Catalogue

OTHERS = "instant+others"


@dataclass(frozen=True)
class Answer:
    """Scores of the requested photos, and their cost."""

    scores: Float[np.ndarray, "asked"]
    image_passes: int = 0  # photos sent through the network for the fit; scoring photos afterwards is not counted
    loss: float | None = None  # rank loss on the shots, for methods that minimise it
    checkpoints: tuple[Float[np.ndarray, "asked"], ...] = ()  # scores at the checkpoints that `CHOSEN` chooses from on the test ratings


class NetworkFits(Protocol):
    """Fits through the network. `network_methods.NetworkMethods` implements them; only that module needs torch."""

    def paper(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer: ...

    def softmax_init(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer: ...

    def paper_mended(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer: ...

    def exact(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer: ...


@dataclass(frozen=True)
class Context:
    """The information that methods may use besides the shots."""

    learned: Callable[[], tuple[Catalogue, Hyperprior]]  # without the tested rater, unless the protocol says otherwise
    population_prior: Callable[[], PopulationPrior]  # never learned from the tested rater
    network: Callable[[], NetworkFits]
    seed: int

    @property
    def catalogue(self) -> Catalogue:
        return self.learned()[0]

    @property
    def hyperprior(self) -> Hyperprior:
        """With the task heads of the catalogue."""
        return self.learned()[1]


Method = Callable[[Context, RaterRatings, Int[np.ndarray, "asked"]], Answer]


def _from_catalogue(method: Callable[[Catalogue, RaterRatings, Hyperprior], np.ndarray]) -> Method:
    return lambda context, shots, asked: Answer(method(context.catalogue, shots, context.hyperprior)[asked])


def instant_with_others(context: Context, shots: RaterRatings, asked: Int[np.ndarray, "asked"]) -> Answer:
    """The instant fit on features and population scores, which are learned from other raters (`population_prior.py`)."""
    features, scores = context.catalogue.features, context.population_prior().scores
    fitted = taste.fit(features[shots.photos], shots.ratings, context.hyperprior, scores[shots.photos])
    return Answer(features[asked] @ fitted.weights + scores[asked] @ fitted.population_weights)


def paper(context: Context, shots: RaterRatings, asked: Int[np.ndarray, "asked"]) -> Answer:
    """The published procedure, 500 steps (Yun & Choo, ECCV 2024); its scores after the last step."""
    return context.network().paper(shots, asked, context.seed)


def softmax_init(context: Context, shots: RaterRatings, asked: Int[np.ndarray, "asked"]) -> Answer:
    """The published starting point: task vectors mixed by softmax(10 x SROCC on the shots)."""
    return context.network().softmax_init(shots, asked, context.seed)


def paper_mended(context: Context, shots: RaterRatings, asked: Int[np.ndarray, "asked"]) -> Answer:
    """The published procedure without what looks unintended in its code (`coefficient_fits.paper_mended`), 500 steps."""
    return context.network().paper_mended(shots, asked, context.seed)


def exact(context: Context, shots: RaterRatings, asked: Int[np.ndarray, "asked"]) -> Answer:
    """Gauss-Newton on the same loss, regularised towards the bank's start with a strength that is cross-validated on the shots."""
    return context.network().exact(shots, asked, context.seed)


def refined(context: Context, shots: RaterRatings, asked: Int[np.ndarray, "asked"]) -> Answer:
    """The app's exact refit: the exact fit where it predicts held-out shots clearly better than the instant fit."""
    count, passes = len(shots.photos), 0

    def predictions(method: Method) -> list[np.ndarray]:
        def scores(seen: np.ndarray) -> np.ndarray:
            nonlocal passes
            result = method(context, shots.at(seen), shots.photos)
            passes += result.image_passes
            return result.scores

        return [model_comparison.guesses(scores, count, fold) for fold in model_comparison.folds(count, context.seed)]

    if count < model_comparison.LEAST:
        return METHODS["instant"](context, shots, asked)
    comparison = model_comparison.compare(predictions(METHODS["instant"]), predictions(exact), shots.ratings, context.seed)
    result = METHODS[comparison.active](context, shots, asked)
    return Answer(result.scores, passes + result.image_passes, result.loss)


METHODS: dict[str, Method] = {
    "generic": _from_catalogue(baselines.generic),
    "softmax-outputs": _from_catalogue(baselines.softmax_outputs),
    "ridge": _from_catalogue(baselines.ridge("lite0")),
    "ridge-lite0-late": _from_catalogue(baselines.ridge("lite0-late")),
    "ridge-lite2": _from_catalogue(baselines.ridge("lite2")),
    "ridge-lite2-late": _from_catalogue(baselines.ridge("lite2-late")),
    "ridge-merged": _from_catalogue(baselines.ridge("merged")),
    "kernel-ridge": _from_catalogue(baselines.kernel_ridge),
    "instant": _from_catalogue(baselines.instant),
    OTHERS: instant_with_others,
    "exact": exact,
    "refined": refined,
    "softmax-init": softmax_init,
    "paper": paper,
    "paper-mended": paper_mended,
}
CHOSEN = {"paper": "paper-chosen-on-test"}  # as published: the best SROCC and the best PLCC over the checkpoints, each on the test ratings
GROUPS = {"ridge": "lite0", **{f"ridge-{group}": group for group in ("lite0-late", "lite2", "lite2-late", "merged")}}  # that methods need
SLOW = ("exact", "refined", "softmax-init", "paper", "paper-mended")  # need the network
FEATURELESS = frozenset(SLOW) - {"refined"}  # need no features, so no extractors and no taste part
NEEDS = {"torch": {"softmax-outputs", *SLOW}, "sklearn": {*GROUPS, "kernel-ridge"}}  # methods by the package that they need
QUICK = tuple(name for name in METHODS if name not in (OTHERS, *SLOW))  # need neither the network nor a least number of raters
