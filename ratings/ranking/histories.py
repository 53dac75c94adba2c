"""A rater's rating history: what a fit is made from."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.conf import settings
from jaxtyping import Float, Int

from ratings.ranking.models import FEATURES, FOLDS, SCORES
from ratings.ranking.population_prior import own_fold
from ratings.sql import columns, rows, vectors


@dataclass(frozen=True)
class History:
    """A rater's newest current ratings without skips, in the order given, with their photos' features and population scores."""

    ratings_seq: int
    projection: int  # of `features`
    population_prior_id: int | None  # the current version; None where there is none, or it is withheld from this rater
    photo_ids: Int[np.ndarray, "ratings"]
    features: Float[np.ndarray, "ratings 256"]
    population_scores: Float[np.ndarray, "ratings 2"]  # taught by the folds that this rater is not in
    values: Float[np.ndarray, "ratings"]


def rating_history(rater_id: UUID, *, stale_only: bool = True, catalogue_only: bool = False) -> History | None:
    """The history to fit: the newest PAV_FIT_RATINGS ratings, of photos of every scope, those in the bin included.

    None where the rater or a projection does not exist, or (with `stale_only`) where the stored fit is up to date.

    With `catalogue_only` it is without own photos, which are private: for models that others get to see.

    `ratings_seq` is read first: a rating that arrives in between makes the fit better than its number says, never worse.
    """
    state = rows(
        """SELECT p.ratings_seq, v.id, nullif(s.id, p.withheld_prior),
            p.ratings_seq > coalesce(f.ratings_seq, 0) OR f.projection_id IS DISTINCT FROM v.id OR f.carried_over
                OR f.population_prior_id IS DISTINCT FROM nullif(s.id, p.withheld_prior) AS stale
        FROM ratings_rater p JOIN ratings_projection v ON v.state = 'current' LEFT JOIN ratings_fit f ON f.rater_id = p.id
        LEFT JOIN ratings_populationprior s ON s.is_current AND s.projection_id = v.id WHERE p.id = %(rater)s""",
        {"rater": rater_id},
    )
    if not state or (stale_only and not state[0][3]):
        return None
    seq, projection, population_prior_id, _ = state[0]
    found = rows(
        """SELECT photo_id, features, value, scores FROM (
            SELECT c.photo_id, halfvec_send(d.features) AS features, c.value, halfvec_send(d.population_scores) AS scores,
                c.rated_at, c.token
            FROM ratings_presentation c
            JOIN ratings_photofeatures d ON d.photo_id = c.photo_id AND d.projection_id = %(projection)s
            JOIN ratings_photo p ON p.id = c.photo_id AND (p.owner_id IS NULL OR NOT %(catalogue_only)s)
            WHERE c.rater_id = %(rater)s AND c.value > 0 ORDER BY c.rated_at DESC, c.token DESC LIMIT %(most)s
        ) newest ORDER BY rated_at, token""",
        {"rater": rater_id, "projection": projection, "most": settings.PAV["FIT_RATINGS"], "catalogue_only": catalogue_only},
    )
    ids, features, values, scores = columns(found, 4)
    return History(
        ratings_seq=seq,
        projection=projection,
        population_prior_id=population_prior_id,
        photo_ids=np.array(ids, dtype=np.int64),
        features=vectors(features, FEATURES),
        population_scores=vectors(scores, FOLDS * SCORES)[:, own_fold(rater_id)],
        values=np.array(values, dtype=np.float64),
    )
