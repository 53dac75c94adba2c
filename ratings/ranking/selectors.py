"""Reads of the ranking: photos in order, for one rater or generic. A ranking is one SQL statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from ratings.photos import scopes
from ratings.photos.scopes import CATALOGUE, Scope
from ratings.ranking.certainty import certainty
from ratings.ranking.json_columns import ExactOrder, StoredComparison
from ratings.ranking.models import FEATURES, Fit, Projection, State, no_population_scores
from ratings.ranking.schemas import ActiveModel, CoefficientOut, CoefficientsOut, ModelComparison, ModelName, PlacedPhoto, RankingMessage
from ratings.sql import CURRENT_PROJECTION, rows, to_list, to_text

KEPT_TOP = 500  # places that a photo can have moved from; also those that the exact model orders


def generic_weights() -> list[float]:
    """Weights before the first rating: the generic score alone."""
    return [1.0] + [0.0] * (FEATURES - 1)


@dataclass(frozen=True)
class Model:
    """What photos are ranked by: features . weights + population_scores . population_weights, except for photos in `exact_order`."""

    weights: Sequence[float] = field(default_factory=generic_weights)
    population_weights: Sequence[float] = field(default_factory=no_population_scores)
    exact_order: ExactOrder | None = None  # of the catalogue; other scopes leave it out
    projection: int | None = None  # of the weights; None: the current one, for weights that hold in any

    @property
    def name(self) -> ModelName:
        """Which model is active."""
        if self.exact_order:
            return "exact"
        return "instant" if any(self.weights[1:]) or any(self.population_weights) else "generic"

    def within(self, scope: Scope) -> "Model":
        """The model that ranks a scope: the exact order serves the catalogue alone."""
        return self if scope == CATALOGUE else replace(self, exact_order=None)

    def score(self, prefix: str = "") -> tuple[str, str, dict[str, object]]:
        """SQL of the score of a photo with features `d`, the join it needs, and parameters, whose names begin with `prefix`."""
        parameters: dict[str, object] = {f"{prefix}weights": to_text(self.weights)}
        score, join = f"-(d.features <#> %({prefix}weights)s::halfvec)", ""
        if any(self.population_weights):
            score += f" - (d.population_scores <#> %({prefix}population_weights)s::halfvec)"
            parameters[f"{prefix}population_weights"] = to_text(self.population_weights)
        if self.exact_order:
            score = f"coalesce({prefix}exact.score, {score})"
            order = f"unnest(%({prefix}photos)s::bigint[], %({prefix}scores)s::float8[]) AS {prefix}exact(id, score)"
            join = f"LEFT JOIN {order} ON {prefix}exact.id = d.photo_id"
            parameters |= {f"{prefix}photos": self.exact_order["photos"], f"{prefix}scores": self.exact_order["scores"]}
        return score, join, parameters


def scored(scope: Scope, model: Model, before: Model | None = None) -> tuple[str, str, dict[str, object]]:
    """A table of the scope's photos (`FROM {...}`): `id`, `score` and, if given, the score of the model `before`; the order of photos with
    the same score; and parameters.

    That order is by `date`, where everybody's score may be empty and so the same for all photos. Other rankings are faster without it.
    """
    # Not simply the current one: another may come into use after the weights were read, and they mean nothing in its features.
    parameters: dict[str, object] = {"projection": model.projection, **scope.parameters}
    columns, joins = "d.photo_id AS id", ""
    for name, prefix, one in (("score", "", model), ("before", "before_", before)):
        if one is not None:
            score, join, own = one.within(scope).score(prefix)
            columns, joins, parameters = f"{columns}, {score} AS {name}", f"{joins} {join}", parameters | own
    wanted = f"(SELECT coalesce(%(projection)s, {CURRENT_PROJECTION}))"
    then = "id"
    if "generic" in {one.name for one in (model, before) if one}:
        empty = f"(SELECT NOT has_generic_score FROM ratings_projection WHERE id = {wanted})"  # noqa: S608 (constants)
        date = f"CASE WHEN {empty} THEN (SELECT coalesce(p.taken_at, p.created_at) FROM ratings_photo p WHERE p.id = d.photo_id) END"  # noqa: S608 (constants)
        columns, then = f"{columns}, {date} AS date", "date DESC, id"
    # OFFSET 0 keeps this a query of its own: otherwise counting the rows would carry the features of every photo along.
    table = f"""(SELECT {columns} FROM ratings_photofeatures d {joins}
        WHERE d.projection_id = {wanted} AND {scope.features("d")} OFFSET 0)"""  # noqa: S608 (constants)
    return table, then, parameters


@dataclass(frozen=True)
class Ranking:
    """A stretch of a ranking: (photo id, score) in order, the number of photos in the whole ranking, and the scope's revision.

    `was` has places in the ranking by the model before, of photos in its top 500.
    """

    photos: list[tuple[int, float]]
    total: int
    revision: int
    was: dict[int, int] = field(default_factory=dict)


def ranking(scope: Scope, model: Model, limit: int, offset: int = 0, *, before: Model | None = None) -> Ranking:
    """Photos from the best down, by one exact scan; `before` is the model that `was` compares with, in the same projection."""
    table, then, parameters = scored(scope, model, before)
    place, places = "NULL", ""
    if before is not None:
        place = "was.place"
        places = f"""LEFT JOIN (SELECT id, row_number() OVER (ORDER BY before DESC, {then}) AS place
            FROM (SELECT * FROM scored ORDER BY before DESC, {then} LIMIT {KEPT_TOP}) first) was USING (id)"""  # noqa: S608 (constants)
    found = rows(
        f"""WITH scored AS MATERIALIZED (SELECT * FROM {table} photos)
        SELECT id, score, (SELECT count(*) FROM scored), ({scopes.revision_of(scope)}), {place}
        FROM (SELECT * FROM scored ORDER BY score DESC, {then} LIMIT %(limit)s OFFSET %(offset)s) best {places}
        ORDER BY score DESC, {then}""",  # noqa: S608 (constants)
        {"limit": limit, "offset": offset, **parameters},
    )
    if not found:
        return Ranking([], ranked_photos(scope) if offset else 0, scopes.revision(scope))
    was = {row[0]: row[4] for row in found if row[4] is not None}
    return Ranking([row[:2] for row in found], total=found[0][2], revision=found[0][3], was=was)


def with_places(ranked: Ranking, first: int = 1) -> list[PlacedPhoto]:
    """A stretch of a ranking with places, from `first`."""
    return [
        PlacedPhoto(id=photo, place=place, was=ranked.was.get(photo), score=round(score, 4))
        for place, (photo, score) in enumerate(ranked.photos, start=first)
    ]


def model_of(rater_id: UUID) -> Model:
    """The rater's model; the generic one where there is no fit in the current projection."""
    columns = ("weights", "population_weights", "exact_order", "projection")
    fit = Fit.objects.filter(rater=rater_id, projection__state=State.CURRENT).values_list(*columns).first()
    return Model(to_list(fit[0]), to_list(fit[1]), *fit[2:]) if fit else Model()


def active_model(model: Model, comparison: StoredComparison | None = None) -> ActiveModel:
    """The active model, with the comparison of the instant and the exact one where both were tried."""
    compared = ModelComparison(instant=comparison["instant"], exact=comparison["exact"]) if comparison else None
    if model.name == "generic" and not has_generic_score():
        return ActiveModel(name="date", comparison=None)
    return ActiveModel(name=model.name, comparison=compared)


def has_generic_score(projection: int | None = None) -> bool:
    """Whether photos have a score for everyone in a projection, by default the current one; otherwise they are in order of date."""
    one = Projection.objects.filter(pk=projection) if projection else Projection.objects.filter(state=State.CURRENT)
    return all(one.values_list("has_generic_score", flat=True))


def ranking_message(rater_id: UUID, limit: int, offset: int = 0, *, scope: Scope = CATALOGUE, everyone: bool = False) -> RankingMessage:
    """The rater's ranking, or the generic one for `everyone`; `was` is the place in the top 500 of the version before."""
    weights = ("weights", "population_weights", "exact_order", "projection", "projection__state")
    previous = ("previous_weights", "previous_population_weights", "previous_exact_order")
    compared = ("rater__exactrefit__comparison", "rater__exactrefit__ratings_seq")
    names = ("version", "ratings_seq", "accuracy", *weights, *previous, *compared)
    fit = Fit.objects.filter(rater=rater_id).values(*names).first() or dict.fromkeys(names)
    model, before = Model(), None
    if fit["projection__state"] == State.CURRENT and not everyone:
        model = Model(to_list(fit["weights"]), to_list(fit["population_weights"]), fit["exact_order"], fit["projection"]).within(scope)
        if fit["previous_weights"] is not None:
            kept = to_list(fit["previous_weights"]), to_list(fit["previous_population_weights"]), fit["previous_exact_order"]
            before = Model(*kept, fit["projection"])
    comparison = fit[compared[0]] if fit[compared[1]] == fit["ratings_seq"] and scope == CATALOGUE and not everyone else None
    # Not where it has been decided for a model that is not active yet, because the first photos are still being scored.
    if comparison and comparison["active"] != model.name:
        comparison = None
    ranked = ranking(scope, model, limit, offset, before=before)
    return RankingMessage(
        scope=scope.key,
        revision=ranked.revision,
        version=fit["version"] or 0,
        ratings_seq=fit["ratings_seq"] or 0,
        accuracy=fit["accuracy"],
        certainty=certainty(rater_id, fit["accuracy"]),
        total=ranked.total,
        active_model=active_model(model, comparison),
        top=with_places(ranked, first=offset + 1),
    )


def coefficients(rater_id: UUID) -> CoefficientsOut:
    """The rater's coefficients on the generic score and the task heads, as of the last fit."""
    fit = Fit.objects.filter(rater=rater_id).values("ratings_seq", "coefficients").first() or {"ratings_seq": 0, "coefficients": []}
    found = [CoefficientOut(**one) for one in fit["coefficients"]]
    return CoefficientsOut(ratings_seq=fit["ratings_seq"], coefficients=found)


def ranked_photos(scope: Scope) -> int:
    """How many photos are in the ranking of a scope."""
    found = rows(
        f"SELECT count(*) FROM ratings_photofeatures d WHERE d.projection_id = {CURRENT_PROJECTION} AND {scope.features('d')}",  # noqa: S608 (constants)
        scope.parameters,
    )
    return int(found[0][0])


def places(rater_id: UUID, photo_ids: Sequence[int], scope: Scope = CATALOGUE) -> dict[int, tuple[int, int]]:
    """Place of each photo in this rater's ranking of the scope and in the generic one, from 1."""
    model = model_of(rater_id)
    table, then, parameters = scored(scope, model, Model(projection=model.projection))
    found = rows(
        f"""SELECT id, place, everyones FROM (
            SELECT id, row_number() OVER (ORDER BY score DESC, {then}) AS place,
                row_number() OVER (ORDER BY before DESC, {then}) AS everyones
            FROM {table} photos
        ) ranked WHERE id = ANY(%(wanted)s)""",  # noqa: S608 (constants of this module)
        {"wanted": list(photo_ids), **parameters},
    )
    return {photo: (place, everyones) for photo, place, everyones in found}
