"""Exact fits that are made step by step while people rest: whose turn it is, what the steps have found, and when one takes the word.

Every write names the step that it follows, so a step that runs twice, or late, changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from ratings import events, rankings
from ratings.events import RankingMessage
from ratings.fits import KEPT_TOP
from ratings.models import Fit, Refinement
from ratings.rankings import Model, Ranking
from ratings.sql import MAY_BE_LOST, to_list


def begin_one(*, resting_seconds: float, least: int) -> UUID | None:
    """Somebody whose answers have rested for so long and have not been looked at closely: their refinement begins now. None where there is
    no such person, or another refinement is under way. New answers come before those that a nightly refit brought back.

    Rest ends with this statement: `now()` is when its transaction began, which may be long before the fit that is looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO ratings_refinement AS r
                (person_id, bank_id, ratings_seq, step, asked_at, held_out, verdict, coefficients, scores)
            SELECT f.person_id, f.bank_id, f.ratings_seq, 0, moment, '[]', NULL, '', '[]'
            FROM {MAY_BE_LOST}, statement_timestamp() AS moment, ratings_fit f
            JOIN ratings_person p ON p.id = f.person_id AND p.ratings_seq = f.ratings_seq
            JOIN ratings_bank b ON b.hash = f.bank_id AND b.is_current
            LEFT JOIN ratings_refinement o ON o.person_id = f.person_id
            WHERE NOT EXISTS (SELECT FROM ratings_refinement WHERE asked_at IS NOT NULL)
            AND f.updated_at BETWEEN moment - interval '1 day' AND moment - make_interval(secs => %(resting)s)
            AND EXISTS (SELECT FROM ratings_presentation c WHERE c.person_id = f.person_id AND c.answered_at > moment - interval '1 day')
            AND (o.person_id IS NULL OR (o.ratings_seq, o.bank_id) <> (f.ratings_seq, f.bank_id)
                OR o.verdict->>'speaks' = 'exact' AND f.refined IS NULL)
            AND f.ratings_seq >= %(least)s
            AND (SELECT count(*) FROM ratings_presentation c WHERE c.person_id = f.person_id AND c.value > 0) >= %(least)s
            ORDER BY o.ratings_seq IS NOT DISTINCT FROM f.ratings_seq, f.updated_at LIMIT 1
            ON CONFLICT (person_id) DO UPDATE SET bank_id = excluded.bank_id, ratings_seq = excluded.ratings_seq, step = 0,
                asked_at = excluded.asked_at, held_out = '[]', verdict = NULL, coefficients = '', scores = '[]'
            RETURNING r.person_id""",  # noqa: S608 (ours)
            {"resting": resting_seconds, "least": least},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def give_up_lost(*, waiting_seconds: float) -> None:
    """End refinements whose next step was asked for so long ago that it must be lost: with its broker, or with the worker that it killed,
    and would kill again. Others are waiting for their turn."""
    Refinement.objects.filter(asked_at__lt=timezone.now() - timedelta(seconds=waiting_seconds)).update(asked_at=None, verdict=None)


@dataclass(frozen=True)
class Work:
    """A refinement under way, as far as it has come."""

    person: UUID
    bank: str
    ratings_seq: int
    step: int
    held_out: list[dict[str, list[Any]]]  # per fold that is done: its photos, and what each model says of them
    verdict: dict[str, Any] | None
    coefficients: bytes
    scores: list[tuple[int, float]]
    top: list[int]  # the photos to put in order


def under_way(person_id: UUID) -> Work | None:
    """What there is to go on with; None where the person has answered since, or the bank has changed: then it has ended."""
    row = Refinement.objects.filter(person=person_id, asked_at__isnull=False).select_related("person__fit", "bank").first()
    if row is None:
        return None
    fit = row.person.fit
    scores = [(int(photo), float(score)) for photo, score in row.scores]
    work = Work(row.person_id, row.bank_id, row.ratings_seq, row.step, row.held_out, row.verdict, bytes(row.coefficients), scores, fit.top)
    if not row.bank.is_current or {row.person.ratings_seq, fit.ratings_seq} != {row.ratings_seq} or fit.bank_id != row.bank_id:
        give_up(work)
        return None
    return work


def store_step(work: Work, **found: Any) -> bool:
    """Keep what the step after `work.step` found; False where that step had been done before."""
    same = Refinement.objects.filter(person=work.person, ratings_seq=work.ratings_seq, bank=work.bank, step=work.step)
    return bool(same.filter(asked_at__isnull=False).update(step=work.step + 1, asked_at=timezone.now(), **found))


def finish(work: Work) -> None:
    """End a refinement that has come to its verdict."""
    Refinement.objects.filter(person=work.person, ratings_seq=work.ratings_seq).update(asked_at=None)


def give_up(work: Work) -> None:
    """End a refinement without a verdict; another one begins when the person has answered more."""
    Refinement.objects.filter(person=work.person, ratings_seq=work.ratings_seq).update(asked_at=None, verdict=None)


def let_exact_speak(work: Work, *, accuracy: dict[str, float] | None, scores: Sequence[tuple[int, float]]) -> RankingMessage | None:
    """Put the first photos into the exact model's order, push it after commit and end the refinement; None where the person has answered
    since. The photos share the places that they had: each gets the score that the instant model gives to whoever stood there."""
    with transaction.atomic():
        fit = Fit.objects.select_for_update().filter(person=work.person, ratings_seq=work.ratings_seq, bank=work.bank).first()
        if fit is None:
            give_up(work)
            return None
        instant = Model(to_list(fit.weights), to_list(fit.shared))
        known = dict(scores)
        places = [(photo, score) for photo, score in rankings.ranking(work.person, instant, KEPT_TOP).photos if photo in known]
        order = sorted((photo for photo, _ in places), key=lambda photo: (-known[photo], photo))
        fit.refined = {"photos": order, "scores": [score for _, score in places]}
        model = Model(instant.weights, instant.shared, fit.refined)
        ranked = rankings.ranking(work.person, model, KEPT_TOP)
        fit.version, fit.accuracy, fit.previous_top, fit.top = fit.version + 1, accuracy, fit.top, [photo for photo, _ in ranked.photos]
        fit.save(update_fields=["version", "accuracy", "previous_top", "top", "refined", "updated_at"])
        finish(work)
        top = rankings.placed(Ranking(ranked.photos[: settings.PAV["TOP"]], ranked.total), fit.previous_top)
        message = RankingMessage(fit.version, fit.ratings_seq, accuracy, ranked.total, rankings.speaker(model, work.verdict), top)
        transaction.on_commit(lambda: events.push_ranking(work.person, message))
    return message
