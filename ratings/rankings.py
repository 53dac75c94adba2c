"""Photos in order: of one person, or of everybody. A ranking is one statement; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q

from ratings.models import FEATURES, Description, Fit, nothing_shared
from ratings.sql import MINE, rows, to_list, to_text


def generic_weights() -> list[float]:
    """The weights of somebody who has said nothing: the generic score alone."""
    return [1.0] + [0.0] * (FEATURES - 1)


@dataclass(frozen=True)
class Model:
    """What photos are ranked by: score = features . weights + shared . shared, but for the photos that an exact fit has put in order."""

    weights: Sequence[float] = field(default_factory=generic_weights)
    shared: Sequence[float] = field(default_factory=nothing_shared)
    refined: dict[str, Any] | None = None  # {"photos": ids, "scores": theirs}

    @property
    def name(self) -> str:
        """Which model speaks: generic, instant or exact."""
        return "exact" if self.refined else "instant" if any(self.weights[1:]) or any(self.shared) else "generic"

    def scored(self) -> tuple[str, dict[str, Any]]:
        """A table of id and score (`FROM {...}`), and its parameters; both need `person` beside."""
        score, join = "-(d.features <#> %(weights)s::halfvec)", ""
        parameters: dict[str, Any] = {"weights": to_text(self.weights)}
        if any(self.shared):
            score += " - (d.shared <#> %(shared)s::halfvec)"
            parameters["shared"] = to_text(self.shared)
        if self.refined:
            score = f"coalesce(refined.score, {score})"
            join = "LEFT JOIN unnest(%(photos)s::bigint[], %(scores)s::float8[]) AS refined(id, score) ON refined.id = d.photo_id"
            parameters |= {"photos": self.refined["photos"], "scores": self.refined["scores"]}
        # Scored in a query of its own (OFFSET 0 keeps it one): else counting would carry every photo's features along.
        table = f"""(SELECT d.photo_id AS id, {score} AS score FROM ratings_description d JOIN ratings_photo p ON p.id = d.photo_id {join}
            WHERE d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current) AND {MINE} OFFSET 0)"""  # noqa: S608 (all of it is ours)
        return table, parameters


@dataclass(frozen=True)
class Ranking:
    """A stretch of a ranking: photos (id, score) in order, and how many there are in all."""

    photos: list[tuple[int, float]]
    total: int


def ranking(person_id: UUID, model: Model, limit: int, offset: int = 0) -> Ranking:
    """Photos from the best by one exact scan."""
    table, parameters = model.scored()
    found = rows(
        f"SELECT id, score, count(*) OVER () FROM {table} scored ORDER BY score DESC, id LIMIT %(limit)s OFFSET %(offset)s",  # noqa: S608 (ours)
        {"person": person_id, "limit": limit, "offset": offset, **parameters},
    )
    total = found[0][2] if found else ranked_photos(person_id) if offset else 0
    return Ranking([(photo, score) for photo, score, _ in found], total)


def placed(ranked: Ranking, before: Sequence[int], first: int = 1) -> list[dict[str, Any]]:
    """A stretch of a ranking as it goes to the browser; `before` are photo ids in the order of the version before."""
    was = {photo: place for place, photo in enumerate(before, start=1)}
    return [
        {"id": photo, "place": place, "was": was.get(photo), "score": round(score, 4)}
        for place, (photo, score) in enumerate(ranked.photos, start=first)
    ]


def model_of(person_id: UUID) -> Model:
    """What this person's photos are ranked by; weights of another bank than the current one would say nothing about its features."""
    fit = Fit.objects.filter(person=person_id, bank__is_current=True).values_list("weights", "shared", "refined").first()
    return Model(to_list(fit[0]), to_list(fit[1]), fit[2]) if fit else Model()


def speaker(model: Model, verdict: dict[str, Any] | None = None) -> dict[str, Any]:
    """Which model ranks, and how the instant and the exact one compared in guessing the person's answers, where both were tried."""
    return {"model": model.name, "checked": {name: verdict[name] for name in ("instant", "exact")} if verdict else None}


def ranking_message(person_id: UUID, limit: int, offset: int = 0, *, everyone: bool = False) -> dict[str, Any]:
    """The ranking as it goes to the browser; `was` is the place in the top 500 of the fit before, null outside of it."""
    names = ("version", "ratings_seq", "accuracy", "previous_top", "bank__is_current", "weights", "shared", "refined")
    judged = ("person__refinement__verdict", "person__refinement__ratings_seq")
    fit = Fit.objects.filter(person=person_id).values(*names, *judged).first() or dict.fromkeys((*names, *judged))
    own = bool(fit["bank__is_current"]) and not everyone
    model = Model(to_list(fit["weights"]), to_list(fit["shared"]), fit["refined"]) if own else Model()
    verdict = fit[judged[0]] if own and fit[judged[1]] == fit["ratings_seq"] else None
    if verdict and verdict["speaks"] != model.name:  # decided, but the first photos are still being scored
        verdict = None
    before: Any = fit["previous_top"] if own else []
    ranked = ranking(person_id, model, limit, offset)
    return {
        "version": fit["version"] or 0,
        "ratings_seq": fit["ratings_seq"] or 0,
        "accuracy": fit["accuracy"],
        "total": ranked.total,
        "speaker": speaker(model, verdict),
        "top": placed(ranked, before, first=offset + 1),
    }


def ranked_photos(person_id: UUID) -> int:
    """How many photos are in this person's ranking."""
    mine = Q(photo__owner=None) | Q(photo__owner=person_id)
    return Description.objects.filter(mine, bank__is_current=True).count()


def places(person_id: UUID, photo_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Place of each photo in this person's ranking and in the generic one, from 1."""
    table, parameters = model_of(person_id).scored()
    generic = "-(d.features <#> %(generic)s::halfvec)"
    found = rows(
        f"""SELECT id, place, everyones FROM (
            SELECT id, row_number() OVER (ORDER BY score DESC, id) AS place, row_number() OVER (ORDER BY generic DESC, id) AS everyones
            FROM {table} mine JOIN (SELECT d.photo_id AS id, {generic} AS generic FROM ratings_description d
                WHERE d.bank_id = (SELECT hash FROM ratings_bank WHERE is_current)) everyone USING (id)
        ) ranked WHERE id = ANY(%(wanted)s)""",  # noqa: S608 (all of it is ours)
        {"person": person_id, "generic": to_text(generic_weights()), "wanted": list(photo_ids), **parameters},
    )
    return {photo: (place, everyones) for photo, place, everyones in found}
