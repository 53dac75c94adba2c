"""Bootstrap over raters and photos, and the intervals that it gives.

A draw takes as many raters and photos as there are, with replacement and independently of each other (Owen 2007). A statistic of the draw
counts each rater and each photo with a weight halfway between 1 and the number of times that it was drawn, and the deviations of the draws
are doubled in turn (the rescaling bootstrap of Rao & Wu 1988). So every rater takes part in every draw, and reliabilities of mean ratings
are not those of fewer raters. A statistic never pairs a rater with a copy of the same rater, or a photo with a copy of the same photo: such
pairs agree perfectly.

For a mean of ratings, this counts the variance of single ratings 2.25 times (without rescaling three times, see Owen) and that of raters
and photos once. So intervals are slightly too wide where single ratings matter more than raters and photos do.

References:
    Owen, The pigeonhole bootstrap, Annals of Applied Statistics 2007; Rao & Wu, Resampling inference with complex survey data, JASA 1988;
    Hesterberg, What teachers should know about the bootstrap, The American Statistician 2015 (expanded percentiles).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf, sqrt
from typing import Literal

import numpy as np
from jaxtyping import Float

from personalize.errors import at_least
from personalize.progress import ProgressCallback, no_progress, tracked

RATER_PERCENTILES = "percentiles of the bootstrap over raters"  # how an interval was made, as results say it
LEAST_DRAWS_LEFT = 0.9  # share of the draws in which a statistic must be defined
NORMAL_975 = 1.959964
DAMPING = 0.5  # of the weights' deviations from 1
LEAST_SHARE = 1e-9
Z_LIMIT = 1 - 1e-9  # correlations beyond it have no finite Fisher z


@dataclass(frozen=True)
class Draw:
    """Weights of raters and photos in a draw, from 0.5 up, with a mean of 1."""

    raters: Float[np.ndarray, "raters"]
    photos: Float[np.ndarray, "photos"]


@dataclass(frozen=True)
class BootstrapPlan:
    """How many draws, and the seed that they depend on.

    Raises:
        BadOption: a number is below its minimum.
    """

    draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(20, draws=self.draws)
        at_least(0, seed=self.seed)


Scale = Literal["identity", "fisher", "logit"]
Numbers = dict[str, float]
Measure = Callable[[Draw], Numbers]


def draw(raters: int, photos: int, seed: int, number: int) -> Draw:
    """The draw with this number; it depends on nothing else."""
    rng = np.random.default_rng([seed, number])
    counts = [np.bincount(rng.integers(size, size=size), minlength=size) for size in (raters, photos)]
    return Draw(*(1 + DAMPING * (count - 1) for count in counts))


def once(raters: int, photos: int) -> Draw:
    """Each rater and photo once: a measure of it is the estimate."""
    return Draw(np.ones(raters), np.ones(photos))


def bootstrap(
    measure: Measure, raters: int, photos: int, plan: BootstrapPlan, progress: ProgressCallback = no_progress, what: str = "resampling"
) -> dict[str, Float[np.ndarray, "draws"]]:
    """What `measure` gives in each draw, by name; nan where a draw does not give a number."""
    found: list[Mapping[str, float]] = []
    for number in tracked(what, range(1, plan.draws + 1), progress):
        found.append(measure(draw(raters, photos, plan.seed, number)))
    names = list(dict.fromkeys(name for one in found for name in one))
    return {name: np.array([one.get(name, float("nan")) for one in found]) for name in names}


def interval(estimate: float, draws: Float[np.ndarray, "draws"], units: int, scale: Scale = "identity") -> tuple[float, float] | None:
    """95 % interval: the estimate plus the doubled percentiles of the draws' deviations from their mean, on a scale.

    The percentiles are those of a t distribution with `units` - 1 degrees of freedom in place of the normal one, times
    sqrt(units / (units - 1)): with few raters or photos, plain percentiles are too narrow.

    Scales: identity; fisher (atanh) for correlations; logit for shares, whose estimate and spread depend on each other. Where the estimate
    or one draw in a hundred is not between 0 and 1, a share has the interval of the identity, cut at 0 and 1.

    None where a tenth of the draws gave no number, or there are fewer than 3 units.
    """
    kept = draws[np.isfinite(draws)]
    if units < 3 or not np.isfinite(estimate) or len(kept) < LEAST_DRAWS_LEFT * len(draws):
        return None
    inside = 0 < estimate < 1 and float(np.mean((kept <= 0) | (kept >= 1))) < 0.01
    transform, back = SCALES[scale if scale != "logit" or inside else "identity"]
    moved, middle = transform(kept), transform(np.array([estimate]))
    reach = student_975(units - 1) * sqrt(units / (units - 1))
    tail = 50 * (1 - erf(reach / sqrt(2)))
    low, high = back(middle + np.percentile(moved - moved.mean(), [tail, 100 - tail]) / DAMPING)
    if scale == "logit":
        low, high = min(max(low, 0.0), estimate), max(min(high, 1.0), estimate)
    return float(low), float(high)


def fisher_z(correlations: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """atanh(r), finite for r = -1 and 1."""
    return np.arctanh(np.clip(correlations, -Z_LIMIT, Z_LIMIT))


def _identity(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return values


def _logit(shares: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    inside = np.clip(shares, LEAST_SHARE, 1 - LEAST_SHARE)
    return np.log(inside / (1 - inside))


def _share(logits: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return 1 / (1 + np.exp(-logits))


Transform = Callable[[np.ndarray], np.ndarray]
SCALES: dict[Scale, tuple[Transform, Transform]] = {
    "identity": (_identity, _identity),
    "fisher": (fisher_z, np.tanh),
    "logit": (_logit, _share),
}


def student_975(degrees: int) -> float:
    """The 97.5 % quantile of Student's t distribution; 1.96 for many degrees of freedom.

    Exact for 1 and 2 degrees; beyond, the expansion of Fisher & Cornish, whose error is below .01 from 3 degrees on.
    """
    if degrees == 1:
        return 12.7062
    if degrees == 2:
        return 4.30265
    z = NORMAL_975
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / degrees**power for power, term in enumerate(terms, start=1)))
