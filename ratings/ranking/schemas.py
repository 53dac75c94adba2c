"""The ranking as browsers get it: by the API, as a snapshot on connecting, and in every push. This is its only definition."""

from typing import Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from ratings.photos.schemas import PhotoOut

ModelName = Literal["date", "generic", "instant", "exact"]
CertaintyState = Literal["learning", "alike", "unsure", "finding", "good", "very_good"]


class Accuracy(Schema):
    """Rank correlation (SROCC) of left-out predictions with the rater's own ratings, and its 95 % interval; each -1 to 1."""

    model_config = ConfigDict(frozen=True)

    srocc: float
    low: float
    high: float


class Certainty(Schema):
    """How sure PAV is of a rater's taste; `ranking/certainty.py` has the table of states."""

    model_config = ConfigDict(frozen=True)

    state: CertaintyState
    more: int = Field(description="Ratings that are missing while PAV is `learning`; 0 in the other states.")


class PlacedPhoto(Schema):
    model_config = ConfigDict(frozen=True)

    id: int
    place: int = Field(description="From 1.")
    was: int | None = Field(description="Place in the version before; null outside of its top 500.")
    score: float = Field(description="No unit; higher is better.")


class ModelComparison(Schema):
    """SROCC of each model's predictions of left-out ratings with these ratings, over the same folds; each -1 to 1."""

    model_config = ConfigDict(frozen=True)

    instant: float
    exact: float


class ActiveModel(Schema):
    model_config = ConfigDict(frozen=True)

    name: ModelName = Field(
        description="The model that orders the photos. `exact` orders the first 500 places; `date`: no score, so the newest first."
    )
    comparison: ModelComparison | None = Field(description="Both models on the current ratings; null until both were tried.")


class RankingMessage(Schema):
    """A rater's ranking of a scope, or a stretch of it. A browser keeps the highest (version, revision) of its scope that it has seen."""

    model_config = ConfigDict(frozen=True)

    scope: str = Field(description="What is ranked: `catalogue`, or the id of an album.")
    revision: int = Field(description="Rises when photos come into the scope, leave it, or can be ranked.")
    version: int = Field(description="Counts this rater's fits; 0 is the generic ranking.")
    ratings_seq: int = Field(description="The last rating event that the fit includes.")
    accuracy: Accuracy | None
    certainty: Certainty
    total: int = Field(description="Photos in the ranking.")
    active_model: ActiveModel
    top: list[PlacedPhoto]


class CoefficientOut(Schema):
    """How much a rater's taste follows one score: standard deviations of the ratings for one standard deviation of the score."""

    name: str = Field(description="`generic` is the score for everyone; the others are task heads, as the bank names them.")
    mean: float
    sd: float = Field(description="Posterior standard deviation; where it is larger than the mean, little is known yet.")


class CoefficientsOut(Schema):
    ratings_seq: int = Field(description="The last rating event that the fit includes.")
    coefficients: list[CoefficientOut] = Field(description="Empty before the first rating.")


class RankedPhotoOut(PhotoOut):
    place: int | None = Field(description="In this rater's ranking; null while the photo has no features.")
    everyones_place: int | None = Field(description="In the generic ranking.")


class PhotosOut(Schema):
    photos: list[RankedPhotoOut]
