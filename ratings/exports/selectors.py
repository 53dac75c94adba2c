"""Reads for exports: a rater's fit as numbers, and the photos it was fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np
from django.db.models import F

from ratings.deck.models import Presentation, Value
from ratings.photos.models import Photo
from ratings.ranking.models import Fit, PopulationPrior, State
from ratings.ranking.population_prior import fold_of, own_fold
from ratings.sql import to_list


@dataclass(frozen=True)
class FitToExport:
    """A rater's fit as numbers, and the facts for its model card."""

    weights: list[float]  # of an instant fit: 256; else empty
    projection: int | None  # id of the version that the weights are for; the worker reads its data once for all raters
    coefficients: list[float]  # of an exact fit, block after block; else empty
    facts: dict[str, object]


def fit_to_export(rater_id: UUID, method: Literal["active", "instant", "exact"] = "active") -> FitToExport | None:
    """A rater's current fit: of the active model, or the instant fit, or the exact one where it is active; None where there is none.

    An instant fit includes the population prior as far as it follows from a photo's features; its scores of single photos are left out. The
    coefficients in its facts are those of the rater's own fit.
    """
    current = Fit.objects.filter(rater_id=rater_id, projection__state=State.CURRENT)
    current = current.annotate(bank=F("projection__bank_id"), extractors=F("projection__extractors"))
    fit = current.select_related("rater__exactrefit", "population_prior").first()
    if fit is None:
        return None
    facts = {
        "rater": str(rater_id),
        "method": method,
        "bank": fit.bank,
        "ratings": Presentation.objects.filter(rater_id=rater_id, value__gt=Value.SKIP, photo__owner=None).count(),
        "ratings_seq": fit.ratings_seq,
        "accuracy": fit.accuracy,
        "fitted_at": fit.updated_at.isoformat(),
    }
    if fit.exact_order and method != "instant":
        numbers = np.frombuffer(bytes(fit.rater.exactrefit.coefficients), dtype="<f4")
        if fit.rater.exactrefit.task_shares is not None:
            facts["task_shares"] = fit.rater.exactrefit.task_shares
        return FitToExport([], None, numbers.tolist(), facts | {"method": "exact", "population": None})
    if method == "exact":
        return None
    weights = np.array(to_list(fit.weights))
    if fit.population_prior:
        mean = to_list(fit.population_weights)[own_fold(rater_id)][0]
        weights += mean * np.array(fit.population_prior.weights[fold_of(rater_id)])
    if fit.exact_order:  # the stored accuracy is that of the exact fit
        facts["accuracy"] = None
    coefficients = {one["name"]: {"mean": one["mean"], "sd": one["sd"]} for one in fit.coefficients}
    facts |= {"method": "instant", "population": fit.population_prior_id, "extractors": fit.extractors, "coefficients": coefficients}
    return FitToExport(weights.tolist(), fit.projection_id, [], facts)


def exact_models(rater_ids: Sequence[UUID]) -> int:
    """How many of these raters' photos are ranked by the exact model."""
    return Fit.objects.filter(rater__in=rater_ids, projection__state=State.CURRENT, exact_order__isnull=False).count()


def rates_own_photos(rater_id: UUID) -> bool:
    """Whether a rater's fit has learned from ratings of own photos, which are private."""
    return Presentation.objects.filter(rater_id=rater_id, value__gt=Value.SKIP, photo__owner__isnull=False).exists()


def population_weights(rater_id: UUID, population_prior_id: int | None) -> list[float]:
    """What a version of the population prior teaches a rater about features; empty without one."""
    prior = PopulationPrior.objects.filter(id=population_prior_id).first() if population_prior_id else None
    return [float(number) for number in prior.weights[fold_of(rater_id)]] if prior else []


def rated_photos(rater_id: UUID) -> tuple[list[Photo], list[int]]:
    """The photos of the catalogue that a rater rated, skips left out, and their ratings, in the order given."""
    rated = Presentation.objects.filter(rater_id=rater_id, value__gt=Value.SKIP, photo__owner=None).order_by("rated_at", "token")
    return [one.photo for one in rated.select_related("photo")], [one.value or 0 for one in rated]
