"""A person's fit: what is stored of it, and how a lost one is found."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from psycopg.types.json import Json

from ratings import events, rankings, sharing
from ratings.events import RankingMessage
from ratings.models import Fit
from ratings.rankings import Model, Ranking
from ratings.sql import MAY_BE_LOST, to_text

KEPT_TOP = 500  # places of the ranking that are remembered, to tell how far a photo moved


def begin_refit(*, person_id: UUID) -> None:
    """A refit starts to read: answers from now on need another one."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE ratings_person SET refit_queued_at = NULL FROM {MAY_BE_LOST} WHERE id = %s", [person_id])  # noqa: S608 (ours)


def claim_lost_refits(*, waiting_seconds: float) -> list[UUID]:
    """People to refit because something was lost on the way, or has changed: their fit is behind their answers, or made with another bank
    than the current one that knows all their photos by now, or with an older version of what others taught, and no refit of theirs has been
    queued for so long. They count as queued from now on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_person SET refit_queued_at = statement_timestamp() WHERE id IN (
                SELECT p.id FROM ratings_person p JOIN ratings_fit f ON f.person_id = p.id JOIN ratings_bank b ON b.is_current
                LEFT JOIN ratings_population s ON s.is_current AND s.bank_id = b.hash
                WHERE p.ratings_seq > 0
                AND (p.refit_queued_at IS NULL OR p.refit_queued_at < statement_timestamp() - make_interval(secs => %s))
                AND (p.ratings_seq > f.ratings_seq OR f.bank_id = b.hash AND f.population_id IS DISTINCT FROM s.id
                    OR f.bank_id IS DISTINCT FROM b.hash AND NOT EXISTS (
                    SELECT FROM ratings_presentation c WHERE c.person_id = p.id AND c.value > 0 AND NOT EXISTS (
                        SELECT FROM ratings_description d WHERE d.photo_id = c.photo_id AND d.bank_id = b.hash)))
                LIMIT 1000
            ) RETURNING id""",
            [waiting_seconds],
        )
        return [row[0] for row in cursor.fetchall()]


def store_fit(
    *,
    person_id: UUID,
    bank: str,
    ratings_seq: int,
    weights: Sequence[float],
    covariance: bytes,
    accuracy: dict[str, float] | None,
    population: int | None = None,
    shared: Sequence[float] = (),
) -> RankingMessage | None:
    """Store a fit if it is newer than the stored one, and push the ranking after commit; None for a stale fit, which changes nothing.

    `shared` are the weights of what others taught about the photos, in the version `population`. An instant fit takes the word back from
    an exact one, which knows less than it.
    """
    model = Model(weights, sharing.in_own_fold(person_id, shared))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                f"""UPDATE ratings_fit SET bank_id = %(bank)s, version = version + 1, ratings_seq = %(seq)s, weights = %(weights)s::halfvec,
                shared = %(shared)s::halfvec, population_id = %(population)s, covariance = %(covariance)s, accuracy = %(accuracy)s,
                previous_top = top, refined = NULL, updated_at = statement_timestamp()
                FROM {MAY_BE_LOST} WHERE person_id = %(person)s AND (ratings_seq < %(seq)s OR bank_id IS DISTINCT FROM %(bank)s
                OR ratings_seq = %(seq)s AND population_id IS DISTINCT FROM %(population)s)
                RETURNING version, top""",  # noqa: S608 (ours)
                {
                    "person": person_id,
                    "bank": bank,
                    "seq": ratings_seq,
                    "weights": to_text(weights),
                    "shared": to_text(model.shared),
                    "population": population,
                    "covariance": covariance,
                    "accuracy": Json(accuracy),  # type: ignore[dict-item]  # the stubs know no adapters
                },
            )
            row = cursor.fetchone()
        if row is None:
            return None
        version, before = row[0], json.loads(row[1])  # a cursor gives JSON as text
        changes = {}
        if not before:  # the first fit: photos move from where everybody sees them
            before = [photo for photo, _ in rankings.ranking(person_id, Model(), KEPT_TOP).photos]
            changes = {"previous_top": before}
        ranked = rankings.ranking(person_id, model, KEPT_TOP)
        Fit.objects.filter(person=person_id).update(top=[photo for photo, _ in ranked.photos], **changes)
        top = rankings.placed(Ranking(ranked.photos[: settings.PAV["TOP"]], ranked.total), before)
        message = RankingMessage(version, ratings_seq, accuracy, ranked.total, rankings.speaker(model), top)
        transaction.on_commit(lambda: events.push_ranking(person_id, message))
    return message


def store_next_cards(*, person_id: UUID, ratings_seq: int, cards: Sequence[dict[str, Any]]) -> None:
    """Keep the cards that a fit chose, unless a newer fit is there."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE ratings_fit SET next_cards = %s FROM {MAY_BE_LOST} WHERE person_id = %s AND ratings_seq = %s",  # noqa: S608 (ours)
            [Json(list(cards)), person_id, ratings_seq],  # type: ignore[list-item]
        )
