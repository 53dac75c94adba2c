"""Fits to export, as they come from the database. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Required, TypedDict

import numpy as np
from jaxtyping import Float

from personalize.numerics.projection import Projection


class Estimate(TypedDict):
    """A rater's coefficient on one score, and its posterior standard deviation.

    In standard deviations of the rater's ratings for one standard deviation of the score over the catalogue.
    """

    mean: float
    sd: float


class FitFacts(TypedDict, total=False):
    """Facts about a fit, for the model card."""

    rater: str  # a random id; `person` in files of versions before 0.1
    method: str  # instant or exact
    bank: Required[str]  # hash
    extractors: str  # hash of what computed the raw vectors; of instant fits
    ratings: int
    ratings_seq: int
    accuracy: object
    fitted_at: str
    population: int | None
    coefficients: Mapping[str, Estimate]  # by name: the generic score, then each task head; of instant fits
    task_shares: Mapping[
        str, Mapping[str, float]
    ]  # by name, what each task vector says of the rater; `numerics.task_shares`; of exact fits
    rank_loss: float
    image_passes: int


@dataclass(frozen=True)
class InstantFit:
    """Weights of a photo's features, and the projection that the features come from."""

    facts: FitFacts
    weights: Float[np.ndarray, "features"]
    projection: Projection


@dataclass(frozen=True)
class ExactFit:
    """Coefficients of a bank's task vectors."""

    facts: FitFacts
    coefficients: np.ndarray  # in any shape, block after block
