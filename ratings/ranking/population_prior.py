"""The population prior: what raters who share their ratings teach about photos, version by version.

Each rater belongs permanently to one of `FOLDS` folds. A fold uses what is learned from the other folds, so that no rater's own ratings
count twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from jaxtyping import Float, Int

from ratings.ranking import locks
from ratings.ranking.json_columns import StoredPriorReport
from ratings.ranking.models import FEATURES, FOLDS, SCORES, PopulationPrior, Projection, State, no_population_scores
from ratings.sql import columns, rows, to_text, vectors

AT_ONCE = 5000  # rows of features that are read and written together


def fold_of(rater_id: UUID) -> int:
    """The fold of a rater."""
    return rater_id.int % FOLDS


def own_fold(rater_id: UUID) -> slice:
    """The positions of the rater's fold in stored population scores and weights."""
    return slice(SCORES * fold_of(rater_id), SCORES * (fold_of(rater_id) + 1))


def in_own_fold(rater_id: UUID, weights: Sequence[float]) -> list[float]:
    """Weights of the population scores as stored: zero outside the rater's own fold."""
    whole = no_population_scores()
    if any(weights):
        whole[own_fold(rater_id)] = [float(number) for number in weights]
    return whole


@dataclass(frozen=True)
class SharedRatings:
    """Ratings of all raters who share them, without skips, of catalogue photos that have features of the current projection."""

    projection: int
    photo_ids: Int[np.ndarray, "photos"]  # rated by at least one rater
    features: Float[np.ndarray, "photos 256"]
    population_scores: Float[np.ndarray, "photos 10"]  # of the current version
    raters: list[UUID]
    photos: list[Int[np.ndarray, "ratings"]]  # per rater: places in `photo_ids`
    values: list[Float[np.ndarray, "ratings"]]


def shared_ratings() -> SharedRatings | None:
    """The ratings to learn from; None without a projection. Photos that belong to a rater are left out."""
    projection = Projection.objects.filter(state=State.CURRENT).values_list("id", flat=True).first()
    if projection is None:
        return None
    ratings = columns(
        rows(
            """SELECT c.rater_id, c.photo_id, c.value FROM ratings_presentation c JOIN ratings_rater p ON p.id = c.rater_id
            JOIN ratings_photo f ON f.id = c.photo_id JOIN ratings_photofeatures d ON d.photo_id = c.photo_id AND d.projection_id = %(id)s
            WHERE p.shares_ratings_since IS NOT NULL AND c.value > 0 AND f.owner_id IS NULL ORDER BY c.rater_id, c.rated_at, c.token""",
            {"id": projection},
        ),
        3,
    )
    whose, values = list(ratings[0]), np.array(ratings[2], dtype=np.float64)
    photo_ids, places = np.unique(np.array(ratings[1], dtype=np.int64), return_inverse=True)
    extracted = rows(
        """SELECT photo_id, halfvec_send(features), halfvec_send(population_scores) FROM ratings_photofeatures
        WHERE projection_id = %(id)s AND photo_id = ANY(%(photos)s) ORDER BY photo_id""",
        {"id": projection, "photos": photo_ids.tolist()},
    )
    _, features, scores = columns(extracted, 3)
    raters = sorted(set(whose))
    number_of = {rater: number for number, rater in enumerate(raters)}
    numbers = np.array([number_of[rater] for rater in whose], dtype=np.int64)
    return SharedRatings(
        projection=projection,
        photo_ids=photo_ids,
        features=vectors(features, FEATURES),
        population_scores=vectors(scores, FOLDS * SCORES),
        raters=raters,
        photos=[places[numbers == number] for number in range(len(raters))],
        values=[values[numbers == number] for number in range(len(raters))],
    )


def scores_of_new_photos(
    projection: int, photo_ids: Sequence[int], features: Float[np.ndarray, "photos 256"]
) -> Float[np.ndarray, "photos 10"]:
    """Population scores of photos that get features of a projection: what the current version predicts, or zeros without a version.

    In a projection that fills, they are those that the photo has in the current one. Call under `locks.lock_to_store_features`.
    """
    prior = PopulationPrior.objects.filter(is_current=True).first()
    if prior is None:
        return np.zeros((len(photo_ids), FOLDS * SCORES))
    if prior.projection_id == projection:
        return scores_of_unrated(features, np.array(prior.weights))
    found = rows(
        """SELECT photo_id, halfvec_send(population_scores) FROM ratings_photofeatures
        WHERE projection_id = %(id)s AND photo_id = ANY(%(photos)s)""",
        {"id": prior.projection_id, "photos": list(photo_ids)},
    )
    ids, scores = columns(found, 2)
    known = dict(zip(ids, vectors(scores, FOLDS * SCORES), strict=True))
    return np.stack([known.get(photo, np.zeros(FOLDS * SCORES)) for photo in photo_ids])


def scores_of_unrated(features: Float[np.ndarray, "photos 256"], weights: Float[np.ndarray, "folds 256"]) -> Float[np.ndarray, "photos 10"]:
    """Population scores predicted for unrated photos: the mean rating from their features; the second score is zero."""
    scores = np.zeros((len(features), FOLDS, SCORES))
    scores[:, :, 0] = features @ weights.T
    return scores.reshape(len(features), FOLDS * SCORES)


def current_weights(projection: int) -> Float[np.ndarray, "folds 256"] | None:
    """Weights of the version in use; None without one."""
    found = PopulationPrior.objects.filter(is_current=True, projection=projection).values_list("weights", flat=True).first()
    return None if found is None else np.array(found, dtype=np.float64)


def activate(
    *,
    projection: int,
    rater_count: int,
    weights: Float[np.ndarray, "folds 256"],
    report: StoredPriorReport,
    rated: Mapping[int, Sequence[float]],
) -> PopulationPrior | None:
    """Make a version the current one, and give every photo its scores in the same transaction. The sweeper refits the raters.

    `rated` are the scores of rated photos, by id; those of all others are predicted from their features. Returns None, and changes nothing,
    where another projection has come into use since the ratings were read.
    """
    with transaction.atomic():
        locks.lock_to_activate()
        if not _is_current(projection):
            return None
        PopulationPrior.objects.filter(is_current=True).update(is_current=False)
        for ids, features in features_in_batches(projection):
            scores = scores_of_unrated(features, weights)
            for place, photo in enumerate(ids):
                if photo in rated:
                    scores[place] = rated[photo]
            store_scores(projection, ids, scores)
        return PopulationPrior.objects.create(
            projection_id=projection,
            is_current=True,
            rater_count=rater_count,
            photo_count=len(rated),
            weights=weights.tolist(),
            report=report,
        )


def reject(*, projection: int, rater_count: int, photo_count: int, report: StoredPriorReport) -> PopulationPrior | None:
    """Record a version that does not help, and stop using the current one. Returns None as `activate` does."""
    with transaction.atomic():
        locks.lock_to_activate()
        if not _is_current(projection):
            return None
        PopulationPrior.objects.filter(is_current=True).update(is_current=False)
        with connection.cursor() as cursor:
            nothing = to_text(no_population_scores())
            cursor.execute(
                """UPDATE ratings_photofeatures SET population_scores = %s::halfvec
                WHERE projection_id = %s AND population_scores <> %s::halfvec""",
                [nothing, projection, nothing],
            )
        return PopulationPrior.objects.create(projection_id=projection, rater_count=rater_count, photo_count=photo_count, report=report)


def _is_current(projection: int) -> bool:
    return Projection.objects.filter(pk=projection, state=State.CURRENT).exists()


def features_in_batches(projection: int) -> Iterator[tuple[tuple[int, ...], Float[np.ndarray, "photos 256"]]]:
    """Photo ids and features of a projection."""
    last = 0
    while found := rows(
        """SELECT photo_id, halfvec_send(features) FROM ratings_photofeatures WHERE projection_id = %(id)s AND photo_id > %(last)s
        ORDER BY photo_id LIMIT %(count)s""",
        {"id": projection, "last": last, "count": AT_ONCE},
    ):
        ids, features = columns(found, 2)
        last = ids[-1]
        yield ids, vectors(features, FEATURES)


def store_scores(projection: int, ids: Sequence[int], scores: Float[np.ndarray, "photos 10"]) -> None:
    """Replace the population scores of photos."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_photofeatures d SET population_scores = new.scores::halfvec
            FROM unnest(%s::bigint[], %s::text[]) AS new(id, scores) WHERE d.projection_id = %s AND d.photo_id = new.id""",
            [list(ids), [to_text(row.tolist()) for row in scores], projection],
        )
