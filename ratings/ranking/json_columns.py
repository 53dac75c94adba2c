"""JSON columns of the ranking's tables, as they are stored: the types of their values."""

from collections.abc import Mapping
from typing import Literal, TypedDict


class StoredAccuracy(TypedDict):
    """Rank correlation (SROCC) of left-out predictions with a rater's own ratings, and its 95 % interval: `Fit.accuracy`."""

    srocc: float
    low: float
    high: float


class Reason(TypedDict, total=False):
    """Why acquisition chose a photo: `Presentation.reason`, and within `Fit.next_photos`. Empty where a photo was dealt without a fit."""

    gain: float
    propensity: float
    version: int  # of the fit


class NextPhoto(TypedDict):
    """A photo that acquisition chose to present next, the algorithm and its reason: `Fit.next_photos`, a list by `Scope.key`."""

    photo: int
    algorithm: str
    reason: Reason


class StoredCoefficient(TypedDict):
    """A rater's coefficient on one score, in standard deviations of the ratings, and its posterior standard deviation: `Fit.coefficients`,
    the generic score first, then each task head."""

    name: str
    mean: float
    sd: float


class ExactOrder(TypedDict):
    """The first photos in the order of the exact model, and the scores that keep them there: `Fit.exact_order`."""

    photos: list[int]
    scores: list[float]


class HeldOut(TypedDict):
    """The photos of one fold of the ratings, and each model's scores of them without that fold: `ExactRefit.held_out`."""

    photos: list[int]
    instant: list[float]
    exact: list[float]


class StoredComparison(TypedDict):
    """SROCC of both models' predictions of the held-out ratings, the standard error of the difference, and the model to activate:
    `ExactRefit.comparison`."""

    instant: float
    exact: float
    error: float
    active: Literal["instant", "exact"]


class StoredTaskShare(TypedDict):
    """What one task vector says of a rater: more of it than the start has (negative: less), with its posterior standard deviation, and the
    share of the change in the ranking that it explains, with its 95 % interval: `ExactRefit.task_shares`, by task."""

    coefficient: float
    sd: float
    share: float
    low: float
    high: float


class StoredPriorReport(TypedDict):
    """Whether a population prior is used, why not, and its gains by number of shots: `PopulationPrior.report`."""

    used: bool
    reason: str
    shots: Mapping[str, Mapping[str, object]]
