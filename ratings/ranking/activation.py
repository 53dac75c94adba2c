"""Activation of a projection: one transaction, which also carries over what is stored in the features of the one before.

Weights are carried over by a linear map that is fitted to the features of the same photos in both projections, so that every rater's order
stays nearly the same; then the sweeper refits them exactly.
"""

from collections.abc import Collection

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from jaxtyping import Float

from ratings.ranking import exact_refits, features, locks, population_prior
from ratings.ranking.models import FEATURES, PopulationPrior, Projection, State
from ratings.sql import columns, rows, to_text, vectors

AT_ONCE = 1000  # fits that are read and written together


def activate(*, projection: int, carry_over: Float[np.ndarray, "256 256"], unreadable: Collection[int] = ()) -> bool:
    """Rank photos by a projection that has filled; `carry_over @ weights` are the weights that the current one's weights become.

    Returns False, and changes nothing, where the projection is not filling any more, or not whole: a photo with features of the current one
    has none of it, and is not among the `unreadable`, whose files are lost.
    """
    with transaction.atomic():
        locks.lock_to_activate()
        before = Projection.objects.filter(state=State.CURRENT).values_list("id", flat=True).first()
        is_filling = Projection.objects.filter(pk=projection, state=State.FILLING).exists()
        if before is None or not is_filling or set(features.missing(projection)) - set(unreadable):
            return False
        _copy_population_scores(before, projection)
        # From here on no fit is stored until commit: `services.store_fit` waits for this row.
        Projection.objects.filter(pk=before).update(state=State.KEPT)
        Projection.objects.filter(state=State.KEPT).exclude(pk=before).update(state=State.RETIRED)
        Projection.objects.filter(pk=projection).update(state=State.CURRENT, activated_at=timezone.now())
        _carry_over_prior(before, projection, carry_over)
        _carry_over_fits(before, projection, carry_over)
        exact_refits.abandon_all()
    return True


def _copy_population_scores(before: int, projection: int) -> None:
    """Photos keep their population scores, which may have changed since the projection got their features."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_photofeatures n SET population_scores = o.population_scores FROM ratings_photofeatures o
            WHERE n.projection_id = %s AND o.projection_id = %s AND o.photo_id = n.photo_id
            AND n.population_scores <> o.population_scores""",
            [projection, before],
        )


def _carry_over_prior(before: int, projection: int, carry_over: Float[np.ndarray, "256 256"]) -> None:
    """Carry over the weights of the population prior, and predict the scores of photos that the projection before lacked."""
    prior = PopulationPrior.objects.filter(is_current=True, projection=before).first()
    if prior is None:
        return
    weights = np.array(prior.weights) @ carry_over.T
    prior.weights, prior.projection_id = weights.tolist(), projection
    prior.save(update_fields=["weights", "projection"])
    new = columns(
        rows(
            """SELECT photo_id, halfvec_send(features) FROM ratings_photofeatures WHERE projection_id = %(new)s AND photo_id IN (
                SELECT photo_id FROM ratings_photofeatures WHERE projection_id = %(new)s
                EXCEPT SELECT photo_id FROM ratings_photofeatures WHERE projection_id = %(old)s)""",
            {"new": projection, "old": before},
        ),
        2,
    )
    population_prior.store_scores(projection, new[0], population_prior.scores_of_unrated(vectors(new[1], FEATURES), weights))


def _carry_over_fits(before: int, projection: int, carry_over: Float[np.ndarray, "256 256"]) -> None:
    """Carry over the weights of every rater. The order of an exact model ends, as after every instant refit."""
    while found := rows(
        """SELECT rater_id, halfvec_send(weights), halfvec_send(coalesce(previous_weights, weights)) FROM ratings_fit
        WHERE projection_id = %(id)s ORDER BY rater_id LIMIT %(count)s""",
        {"id": before, "count": AT_ONCE},
    ):
        raters, stored, previous = columns(found, 3)
        weights, weights_before = (vectors(column, FEATURES) @ carry_over.T for column in (stored, previous))
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE ratings_fit f SET weights = new.weights::halfvec, previous_weights = new.previous::halfvec,
                projection_id = %s, carried_over = true, covariance = '', exact_order = NULL, previous_exact_order = NULL
                FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new(id, weights, previous) WHERE f.rater_id = new.id""",
                [projection, list(raters), *([to_text(row.tolist()) for row in column] for column in (weights, weights_before))],
            )
