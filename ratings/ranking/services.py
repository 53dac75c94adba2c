"""Writes of fits: claimed, stored if newer, pushed after commit."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection, transaction
from psycopg.types.json import Json, Jsonb

from ratings.photos.scopes import CATALOGUE, Scope
from ratings.ranking import population_prior, selectors
from ratings.ranking.json_columns import NextPhoto, StoredAccuracy, StoredCoefficient
from ratings.ranking.models import no_population_scores
from ratings.ranking.pushes import push_rankings
from ratings.sql import MAY_BE_LOST, to_text


def begin_refit(*, rater_id: UUID) -> None:
    """Mark a refit as started, before it reads the ratings: later ratings queue another one."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE ratings_rater SET refit_queued_at = NULL FROM {MAY_BE_LOST} WHERE id = %s", [rater_id])  # noqa: S608 (constant)


def claim_lost_refits(*, waiting_seconds: float) -> list[UUID]:
    """Raters to refit because something was lost or has changed; they count as queued from now on.

    Their fit is behind their ratings, or carried over from another projection, or uses another one although the current one has features of
    all their photos, or an older population prior; and no refit has been queued for `waiting_seconds`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_rater SET refit_queued_at = statement_timestamp() WHERE id IN (
                SELECT p.id FROM ratings_rater p JOIN ratings_projection v ON v.state = 'current'
                LEFT JOIN ratings_fit f ON f.rater_id = p.id
                LEFT JOIN ratings_populationprior s ON s.is_current AND s.projection_id = v.id
                WHERE p.ratings_seq > 0
                AND (p.refit_queued_at IS NULL OR p.refit_queued_at < statement_timestamp() - make_interval(secs => %s))
                AND (p.ratings_seq > coalesce(f.ratings_seq, 0) OR f.carried_over
                    OR f.projection_id = v.id AND f.population_prior_id IS DISTINCT FROM nullif(s.id, p.withheld_prior)
                    OR f.projection_id IS DISTINCT FROM v.id AND NOT EXISTS (
                    SELECT FROM ratings_presentation c WHERE c.rater_id = p.id AND c.value > 0 AND NOT EXISTS (
                        SELECT FROM ratings_photofeatures d WHERE d.photo_id = c.photo_id AND d.projection_id = v.id)))
                LIMIT 1000
            ) RETURNING id""",
            [waiting_seconds],
        )
        return [row[0] for row in cursor.fetchall()]


def store_fit(
    *,
    rater_id: UUID,
    projection: int,
    ratings_seq: int,
    weights: Sequence[float],
    covariance: bytes,
    accuracy: StoredAccuracy | None,
    coefficients: Sequence[StoredCoefficient] = (),
    population_prior_id: int | None = None,
    population_weights: Sequence[float] = (),
    shown: Sequence[Scope] = (CATALOGUE,),
) -> int | None:
    """Store an instant fit if it is newer than the stored one, and push the ranking of the scopes `shown` after commit.

    No other projection comes into use before the commit: an activation waits for it, or this waits for the activation.

    `population_weights` weigh the population scores of version `population_prior_id`. The model before is kept, to show how far photos
    moved; before the first fit, that is the generic one. An exact order made from fewer ratings is dropped. Returns the new version; None,
    where nothing has changed, for a stale fit, a deleted rater, where `projection` is no longer current, or where a merge has withheld the
    prior from this rater since the ratings were read.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                f"""INSERT INTO ratings_fit AS f (rater_id, projection_id, carried_over, version, ratings_seq, weights, population_weights,
                    population_prior_id, covariance, coefficients, accuracy, next_photos, previous_weights, previous_population_weights,
                    updated_at)
                SELECT r.id, %(projection)s, false, 1, %(seq)s, %(weights)s::halfvec, %(population_weights)s::halfvec, %(prior)s,
                    %(covariance)s, %(coefficients)s, %(accuracy)s, '{{}}', %(generic)s::halfvec, %(no_population)s::halfvec,
                    statement_timestamp()
                FROM {MAY_BE_LOST}, ratings_rater r, ratings_projection v
                WHERE r.id = %(rater)s AND (%(prior)s::bigint IS NULL OR r.withheld_prior IS DISTINCT FROM %(prior)s)
                    AND v.id = %(projection)s AND v.state = 'current'
                FOR KEY SHARE OF r FOR SHARE OF v
                ON CONFLICT (rater_id) DO UPDATE SET projection_id = excluded.projection_id, carried_over = false, version = f.version + 1,
                    ratings_seq = excluded.ratings_seq,
                    weights = excluded.weights, population_weights = excluded.population_weights,
                    population_prior_id = excluded.population_prior_id, covariance = excluded.covariance,
                    coefficients = excluded.coefficients, accuracy = excluded.accuracy, exact_order = NULL,
                    previous_weights = CASE WHEN f.projection_id = excluded.projection_id THEN f.weights END,
                    previous_population_weights = f.population_weights, previous_exact_order = f.exact_order,
                    updated_at = excluded.updated_at
                WHERE f.ratings_seq < excluded.ratings_seq OR f.projection_id IS DISTINCT FROM excluded.projection_id
                    OR f.ratings_seq = excluded.ratings_seq
                        AND (f.carried_over OR f.population_prior_id IS DISTINCT FROM excluded.population_prior_id)
                RETURNING version""",  # noqa: S608 (constant)
                {
                    "rater": rater_id,
                    "projection": projection,
                    "seq": ratings_seq,
                    "weights": to_text(weights),
                    "population_weights": to_text(population_prior.in_own_fold(rater_id, population_weights)),
                    "prior": population_prior_id,
                    "covariance": covariance,
                    "coefficients": Json(list(coefficients)),  # type: ignore[dict-item]
                    "accuracy": Json(accuracy),  # type: ignore[dict-item]  # the stubs know no adapters
                    "generic": to_text(selectors.generic_weights()),
                    "no_population": to_text(no_population_scores()),
                },
            )
            row = cursor.fetchone()
        if row is None:
            return None
        push_rankings(rater_id, shown)
        return int(row[0])


def store_next_photos(*, rater_id: UUID, projection: int, ratings_seq: int, next_photos: Mapping[str, Sequence[NextPhoto]]) -> None:
    """Store the photos to present next, by scope, unless the fit that chose them has been replaced, or carried over to another projection.

    Those of the catalogue stay where it is not among the scopes; those of other albums go.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE ratings_fit SET next_photos =
                jsonb_build_object(%(catalogue)s::text, coalesce(next_photos->%(catalogue)s::text, '[]')) || %(chosen)s FROM {MAY_BE_LOST}
            WHERE rater_id = %(rater)s AND projection_id = %(projection)s AND NOT carried_over AND ratings_seq = %(seq)s""",  # noqa: S608 (constant)
            {
                "catalogue": CATALOGUE.key,
                "chosen": Jsonb({scope: list(photos) for scope, photos in next_photos.items()}),  # type: ignore[dict-item]
                "rater": rater_id,
                "projection": projection,
                "seq": ratings_seq,
            },
        )
