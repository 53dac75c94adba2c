"""Reads of the ranking: photos in order, for one rater or generic. A ranking is one SQL statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from uuid import UUID

from django.db.models import Q

from ratings.ranking.certainty import certainty
from ratings.ranking.models import FEATURES, Fit, PhotoFeatures, State, no_population_scores
from ratings.ranking.schemas import ActiveModel, Coefficient, CoefficientsOut, ModelComparison, ModelName, PlacedPhoto, RankingMessage
from ratings.sql import CURRENT_PROJECTION, MINE, rows, to_list, to_text

KEPT_TOP = 500  # places of a ranking that are kept, to show how far a photo moved


class ExactOrder(TypedDict):
    """The first photos in the order of the exact model, and the scores that keep them there; as stored in `Fit.exact_order`."""

    photos: list[int]
    scores: list[float]


def generic_weights() -> list[float]:
    """Weights before the first rating: the generic score alone."""
    return [1.0] + [0.0] * (FEATURES - 1)


@dataclass(frozen=True)
class Model:
    """What photos are ranked by: features . weights + population_scores . population_weights, except for photos in `exact_order`."""

    weights: Sequence[float] = field(default_factory=generic_weights)
    population_weights: Sequence[float] = field(default_factory=no_population_scores)
    exact_order: ExactOrder | None = None
    projection: int | None = None  # of the weights; None: the current one, for weights that hold in any

    @property
    def name(self) -> ModelName:
        """Which model is active."""
        if self.exact_order:
            return "exact"
        return "instant" if any(self.weights[1:]) or any(self.population_weights) else "generic"

    def scored(self) -> tuple[str, dict[str, Any]]:
        """A table of photo ids and scores (`FROM {...}`), and its parameters; the statement also needs the parameter `rater`."""
        score, join = "-(d.features <#> %(weights)s::halfvec)", ""
        # Not simply the current one: another may come into use after the weights were read, and they mean nothing in its features.
        parameters: dict[str, Any] = {"weights": to_text(self.weights), "projection": self.projection}
        if any(self.population_weights):
            score += " - (d.population_scores <#> %(population_weights)s::halfvec)"
            parameters["population_weights"] = to_text(self.population_weights)
        if self.exact_order:
            score = f"coalesce(exact.score, {score})"
            join = "LEFT JOIN unnest(%(photos)s::bigint[], %(scores)s::float8[]) AS exact(id, score) ON exact.id = d.photo_id"
            parameters |= {"photos": self.exact_order["photos"], "scores": self.exact_order["scores"]}
        # OFFSET 0 keeps this a query of its own: otherwise counting the rows would carry the features of every photo along.
        table = f"""(SELECT d.photo_id AS id, {score} AS score FROM ratings_photofeatures d JOIN ratings_photo p ON p.id = d.photo_id {join}
            WHERE d.projection_id = (SELECT coalesce(%(projection)s, {CURRENT_PROJECTION})) AND {MINE} OFFSET 0)"""  # noqa: S608 (constants of this module)
        return table, parameters


@dataclass(frozen=True)
class Ranking:
    """A stretch of a ranking: (photo id, score) in order, and the number of photos in the whole ranking."""

    photos: list[tuple[int, float]]
    total: int


def ranking(rater_id: UUID, model: Model, limit: int, offset: int = 0) -> Ranking:
    """Photos from the best down, by one exact scan."""
    table, parameters = model.scored()
    found = rows(
        f"SELECT id, score, count(*) OVER () FROM {table} scored ORDER BY score DESC, id LIMIT %(limit)s OFFSET %(offset)s",  # noqa: S608 (constants)
        {"rater": rater_id, "limit": limit, "offset": offset, **parameters},
    )
    total = found[0][2] if found else ranked_photos(rater_id) if offset else 0
    return Ranking([(photo, score) for photo, score, _ in found], total)


def with_places(ranked: Ranking, before: Sequence[int], first: int = 1) -> list[PlacedPhoto]:
    """A stretch of a ranking with places, from `first`; `before` are photo ids in the order of the version before."""
    was = {photo: place for place, photo in enumerate(before, start=1)}
    return [
        PlacedPhoto(id=photo, place=place, was=was.get(photo), score=round(score, 4))
        for place, (photo, score) in enumerate(ranked.photos, start=first)
    ]


def model_of(rater_id: UUID) -> Model:
    """The rater's model; the generic one where there is no fit in the current projection."""
    columns = ("weights", "population_weights", "exact_order", "projection")
    fit = Fit.objects.filter(rater=rater_id, projection__state=State.CURRENT).values_list(*columns).first()
    return Model(to_list(fit[0]), to_list(fit[1]), *fit[2:]) if fit else Model()


def active_model(model: Model, comparison: dict[str, Any] | None = None) -> ActiveModel:
    """The active model, with the comparison of the instant and the exact one where both were tried."""
    compared = ModelComparison(instant=comparison["instant"], exact=comparison["exact"]) if comparison else None
    return ActiveModel(name=model.name, comparison=compared)


def ranking_message(rater_id: UUID, limit: int, offset: int = 0, *, everyone: bool = False) -> RankingMessage:
    """The rater's ranking, or the generic one for `everyone`; `was` is the place in the top 500 of the version before."""
    weights = ("weights", "population_weights", "exact_order", "projection", "projection__state")
    names = ("version", "ratings_seq", "accuracy", "previous_top", *weights)
    compared = ("rater__exactrefit__comparison", "rater__exactrefit__ratings_seq")
    fit = Fit.objects.filter(rater=rater_id).values(*names, *compared).first() or dict.fromkeys((*names, *compared))
    own = fit["projection__state"] == State.CURRENT and not everyone
    model = Model()
    if own:
        model = Model(to_list(fit["weights"]), to_list(fit["population_weights"]), fit["exact_order"], fit["projection"])
    comparison = fit[compared[0]] if own and fit[compared[1]] == fit["ratings_seq"] else None
    if comparison and comparison["active"] != model.name:  # decided, but the first photos are still being scored
        comparison = None
    before: Any = fit["previous_top"] if own else []
    ranked = ranking(rater_id, model, limit, offset)
    return RankingMessage(
        version=fit["version"] or 0,
        ratings_seq=fit["ratings_seq"] or 0,
        accuracy=fit["accuracy"],
        certainty=certainty(rater_id, fit["accuracy"]),
        total=ranked.total,
        active_model=active_model(model, comparison),
        top=with_places(ranked, before, first=offset + 1),
    )


def coefficients(rater_id: UUID) -> CoefficientsOut:
    """The rater's coefficients on the generic score and the task heads, as of the last fit."""
    fit = Fit.objects.filter(rater=rater_id).values("ratings_seq", "coefficients").first() or {"ratings_seq": 0, "coefficients": []}
    found = [Coefficient(**one) for one in fit["coefficients"]]
    return CoefficientsOut(ratings_seq=fit["ratings_seq"], coefficients=found)


def ranked_photos(rater_id: UUID) -> int:
    """How many photos are in this rater's ranking."""
    mine = Q(photo__owner=None) | Q(photo__owner=rater_id)
    return PhotoFeatures.objects.filter(mine, projection__state=State.CURRENT).count()


def places(rater_id: UUID, photo_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Place of each photo in this rater's ranking and in the generic one, from 1."""
    table, parameters = model_of(rater_id).scored()
    generic = "-(d.features <#> %(generic)s::halfvec)"
    found = rows(
        f"""SELECT id, place, everyones FROM (
            SELECT id, row_number() OVER (ORDER BY score DESC, id) AS place, row_number() OVER (ORDER BY generic DESC, id) AS everyones
            FROM {table} mine JOIN (SELECT d.photo_id AS id, {generic} AS generic FROM ratings_photofeatures d
                WHERE d.projection_id = (SELECT coalesce(%(projection)s, {CURRENT_PROJECTION}))) everyone USING (id)
        ) ranked WHERE id = ANY(%(wanted)s)""",  # noqa: S608 (constants of this module)
        {"rater": rater_id, "generic": to_text(generic_weights()), "wanted": list(photo_ids), **parameters},
    )
    return {photo: (place, everyones) for photo, place, everyones in found}
