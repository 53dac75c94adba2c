"""Exact refits, made step by step while raters pause: begun, stored, compared with the instant fit, activated.

Every write names the step that it follows, so a step that runs twice, or late, changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from ratings import health, jobs
from ratings.photos.scopes import CATALOGUE
from ratings.ranking import projections, selectors
from ratings.ranking.json_columns import ExactOrder, HeldOut, StoredAccuracy, StoredComparison, StoredTaskShare
from ratings.ranking.models import ExactRefit, Fit, State
from ratings.ranking.open_scopes import open_scopes
from ratings.ranking.pushes import push_rankings
from ratings.ranking.selectors import KEPT_TOP, Model
from ratings.sql import MAY_BE_LOST, to_list


class StepResult(TypedDict, total=False):
    """Columns that a step of an exact refit writes."""

    held_out: list[HeldOut]
    comparison: StoredComparison
    coefficients: bytes
    task_shares: dict[str, StoredTaskShare]
    scores: Sequence[tuple[int, float]]


def wanted() -> bool:
    """Whether exact refits are switched on and the installed bank has task vectors to fit."""
    return settings.PAV["EXACT_REFIT_AFTER"] > 0 and projections.has_task_vectors()


def begin_one(*, pause_seconds: float, least: int) -> UUID | None:
    """Begin the exact refit of a rater with at least `least` ratings who has paused for `pause_seconds`.

    Returns None where there is no such rater, another exact refit is under way, the bank has no task vectors, or no live worker can do its
    steps. New ratings come before those that a nightly refit brought back. The pause ends with this statement: `now()` is the start of its
    transaction, which may be long before the fit.
    """
    if not health.exact_refits() or not projections.has_task_vectors():
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO ratings_exactrefit AS r
                (rater_id, bank_id, projection_id, ratings_seq, step, step_queued_at, held_out, comparison, coefficients, scores)
            SELECT f.rater_id, v.bank_id, v.id, f.ratings_seq, 0, moment, '[]', NULL, '', '[]'
            FROM {MAY_BE_LOST}, statement_timestamp() AS moment, ratings_fit f
            JOIN ratings_rater p ON p.id = f.rater_id AND p.ratings_seq = f.ratings_seq
            JOIN ratings_projection v ON v.id = f.projection_id AND v.state = 'current' AND NOT f.carried_over
            LEFT JOIN ratings_exactrefit o ON o.rater_id = f.rater_id
            WHERE NOT EXISTS (SELECT FROM ratings_exactrefit WHERE step_queued_at IS NOT NULL)
            AND f.updated_at BETWEEN moment - interval '1 day' AND moment - make_interval(secs => %(pause)s)
            AND EXISTS (SELECT FROM ratings_presentation c WHERE c.rater_id = f.rater_id AND c.rated_at > moment - interval '1 day')
            AND (o.rater_id IS NULL OR (o.ratings_seq, o.projection_id) <> (f.ratings_seq, f.projection_id)
                OR o.comparison->>'active' = 'exact' AND f.exact_order IS NULL)
            AND f.ratings_seq >= %(least)s
            AND (SELECT count(*) FROM ratings_presentation c WHERE c.rater_id = f.rater_id AND c.value > 0) >= %(least)s
            ORDER BY o.ratings_seq IS NOT DISTINCT FROM f.ratings_seq, f.updated_at LIMIT 1
            ON CONFLICT (rater_id) DO UPDATE SET bank_id = excluded.bank_id, projection_id = excluded.projection_id,
                ratings_seq = excluded.ratings_seq, step = 0, step_queued_at = excluded.step_queued_at, held_out = '[]', comparison = NULL,
                coefficients = '', task_shares = NULL, scores = '[]'
            RETURNING r.rater_id""",  # noqa: S608 (constant)
            {"pause": pause_seconds, "least": least},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def abandon_lost(*, waiting_seconds: float) -> None:
    """Abandon exact refits whose next step was queued so long ago that it must be lost, so that other raters get their turn. The step
    is not queued again: the broker may have lost it, but it may also have killed the worker and would do so again."""
    ExactRefit.objects.filter(step_queued_at__lt=timezone.now() - timedelta(seconds=waiting_seconds)).update(
        step_queued_at=None, comparison=None
    )


def hand_on(rater_id: UUID) -> None:
    """Queue a step that came to a worker without torch for one that can do it; end the exact refit where none lives."""
    if health.exact_refits():
        jobs.request_exact_refit(rater_id)
    else:
        ExactRefit.objects.filter(rater=rater_id, step_queued_at__isnull=False).update(step_queued_at=None, comparison=None)


@dataclass(frozen=True)
class Work:
    """The state of an unfinished exact refit."""

    rater: UUID
    projection: int
    ratings_seq: int
    step: int
    held_out: list[HeldOut]
    comparison: StoredComparison | None
    coefficients: bytes
    scores: list[tuple[int, float]]


def under_way(rater_id: UUID) -> Work | None:
    """The work to continue; None, and abandoned, where the rater has rated since or another projection is in use."""
    row = ExactRefit.objects.filter(rater=rater_id, step_queued_at__isnull=False).select_related("rater__fit").first()
    if row is None:
        return None
    fit = row.rater.fit
    scores = [(int(photo), float(score)) for photo, score in row.scores]
    work = Work(row.rater_id, row.projection_id, row.ratings_seq, row.step, row.held_out, row.comparison, bytes(row.coefficients), scores)
    # A fit that is carried over waits for its instant refit, with which the exact model is compared.
    if fit.carried_over or fit.projection_id != row.projection_id or {row.rater.ratings_seq, fit.ratings_seq} != {row.ratings_seq}:
        abandon(work)
        return None
    return work


def store_step(work: Work, **found: Unpack[StepResult]) -> bool:
    """Store what the step after `work.step` found; False where that step had been done before, or the refit has ended."""
    same = _same(work).filter(step=work.step, projection__state=State.CURRENT)
    return bool(same.filter(step_queued_at__isnull=False).update(step=work.step + 1, step_queued_at=timezone.now(), **found))


def finish(work: Work) -> None:
    """End an exact refit that has been compared."""
    _same(work).update(step_queued_at=None)


def abandon(work: Work) -> None:
    """End an exact refit without a comparison; another one begins after the next rating."""
    _same(work).update(step_queued_at=None, comparison=None)


def abandon_all() -> None:
    """End all exact refits: they compare with instant fits in features that are no longer used. Others begin after the instant refits."""
    ExactRefit.objects.filter(step_queued_at__isnull=False).update(step_queued_at=None, comparison=None)


def _same(work: Work) -> QuerySet[ExactRefit]:
    return ExactRefit.objects.filter(rater=work.rater, ratings_seq=work.ratings_seq, projection=work.projection)


def photos_to_order(rater_id: UUID) -> list[int]:
    """Ids of the photos of the catalogue that the exact model puts in order: the first ones of the instant model."""
    instant = replace(selectors.model_of(rater_id), exact_order=None)
    return [photo for photo, _ in selectors.ranking(CATALOGUE, instant, KEPT_TOP).photos]


def activate_exact(work: Work, *, accuracy: StoredAccuracy | None, scores: Sequence[tuple[int, float]]) -> int | None:
    """Activate the exact model: put the catalogue's first photos into its order, push the ranking after commit, and end the exact refit.

    The photos keep the set of places they had: each gets the instant model's score of the photo whose place it takes. Returns the new
    version; None, and abandons the work, where the rater has rated since or another projection is in use.
    """
    with transaction.atomic():
        unchanged = Fit.objects.filter(rater=work.rater, ratings_seq=work.ratings_seq, projection=work.projection, carried_over=False)
        fit = unchanged.select_for_update().first()
        if fit is None:
            abandon(work)
            return None
        instant = Model(to_list(fit.weights), to_list(fit.population_weights), projection=work.projection)
        known = dict(scores)
        places = [(photo, score) for photo, score in selectors.ranking(CATALOGUE, instant, KEPT_TOP).photos if photo in known]
        order = sorted((photo for photo, _ in places), key=lambda photo: (-known[photo], photo))
        finish(work)
        unchanged.update(
            version=fit.version + 1,
            accuracy=accuracy,
            previous_weights=fit.weights,
            previous_population_weights=fit.population_weights,
            previous_exact_order=fit.exact_order,
            exact_order=ExactOrder(photos=order, scores=[score for _, score in places]),
            updated_at=timezone.now(),
        )
        push_rankings(work.rater, open_scopes(work.rater))
        return fit.version + 1
