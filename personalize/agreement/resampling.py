"""Bootstrap over raters and photos, and the intervals that it gives.

A draw gives each rater and each photo the number of times that it was drawn with replacement, independently of each other (Owen 2007). A
statistic of a draw is computed from these weights, and never pairs a rater with a copy of the same rater, or a photo with a copy of the
same photo: such pairs agree perfectly.

For a mean of ratings, this bootstrap counts the variance of single ratings up to three times and that of raters and photos once, so its
intervals are slightly too wide where single ratings matter more than raters and photos do.

References:
    Owen, The pigeonhole bootstrap, Annals of Applied Statistics 2007; Efron & Tibshirani, An introduction to the bootstrap, 1993;
    Hesterberg, What teachers should know about the bootstrap, The American Statistician 2015 (expanded percentiles).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf, sqrt

import numpy as np
from jaxtyping import Float

from personalize.errors import at_least
from personalize.progress import ProgressCallback, no_progress, tracked

LEAST_DRAWS_LEFT = 0.9  # share of the draws in which a statistic must be defined
NORMAL_975 = 1.959964
Z_LIMIT = 1 - 1e-9  # correlations beyond it have no finite Fisher z


@dataclass(frozen=True)
class Draw:
    """How often each rater and each photo was drawn."""

    raters: Float[np.ndarray, "raters"]
    photos: Float[np.ndarray, "photos"]
    rng: np.random.Generator  # for statistics that are random themselves


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


Numbers = dict[str, float]
Measure = Callable[[Draw], Numbers]


def draw(raters: int, photos: int, seed: int, number: int) -> Draw:
    """The draw with this number; it depends on nothing else."""
    rng = np.random.default_rng([seed, number])
    counts = [np.bincount(rng.integers(size, size=size), minlength=size).astype(float) for size in (raters, photos)]
    return Draw(counts[0], counts[1], rng)


def once(raters: int, photos: int, seed: int) -> Draw:
    """Each rater and photo once: a measure of it is the estimate."""
    return Draw(np.ones(raters), np.ones(photos), np.random.default_rng([seed, 0]))


def bootstrap(
    measure: Measure, raters: int, photos: int, plan: BootstrapPlan, progress: ProgressCallback = no_progress, what: str = "resampling"
) -> dict[str, Float[np.ndarray, "draws"]]:
    """What `measure` gives in each draw, by name; nan where a draw does not give a number."""
    found: list[Mapping[str, float]] = []
    for number in tracked(what, range(1, plan.draws + 1), progress):
        found.append(measure(draw(raters, photos, plan.seed, number)))
    names = list(dict.fromkeys(name for one in found for name in one))
    return {name: np.array([one.get(name, float("nan")) for one in found]) for name in names}


def percentile_interval(draws: Float[np.ndarray, "draws"], units: int) -> tuple[float, float] | None:
    """95 % interval from the draws' percentiles, for a statistic without bias.

    The percentiles are those of a t distribution with `units` - 1 degrees of freedom in place of the normal one, times
    sqrt(units / (units - 1)): with few raters or photos, plain percentiles are too narrow.

    None where a tenth of the draws gave no number, or there are fewer than 3 units.
    """
    kept = draws[np.isfinite(draws)]
    if units < 3 or len(kept) < LEAST_DRAWS_LEFT * len(draws):
        return None
    reach = student_975(units - 1) * sqrt(units / (units - 1))
    tail = 50 * (1 - erf(reach / sqrt(2)))
    low, high = np.percentile(kept, [tail, 100 - tail])
    return float(low), float(high)


def centred_interval(correlation: float, draws: Float[np.ndarray, "draws"], units: int) -> tuple[float, float] | None:
    """95 % interval of a correlation from the draws' percentiles around it, without the bias of the draws.

    A draw contains about 63 % of the raters, so reliabilities of mean ratings are lower in draws than in the data. On the scale of Fisher's
    z, that shift is nearly the same for all values, and the difference of the mean of the draws from the estimate is taken out.
    """
    z = fisher_z(draws)
    known = z[np.isfinite(z)]
    ends = percentile_interval(z - known.mean(), units) if len(known) and np.isfinite(correlation) else None
    if ends is None:
        return None
    low, high = np.tanh(fisher_z(np.array([correlation])) + np.array(ends))
    return float(low), float(high)


def fisher_z(correlations: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """atanh(r), finite for r = -1 and 1."""
    return np.arctanh(np.clip(correlations, -Z_LIMIT, Z_LIMIT))


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
