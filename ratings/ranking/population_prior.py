"""The population prior: what raters who share their ratings teach about photos, version by version.

Each rater belongs permanently to one of `FOLDS` folds. A fold uses what is learned from the other folds, so that no rater's own ratings
count twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from jaxtyping import Float, Int

from ratings.ranking.models import FEATURES, FOLDS, SCORES, PopulationPrior, no_population_scores
from ratings.sql import columns, rows, to_text, vectors

VERSION_LOCK = 0x504F50  # key of the advisory lock between storing features and activating a version
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
    """Ratings of all raters who share them, without skips, of catalogue photos that have features of the current bank."""

    bank: str
    photo_ids: Int[np.ndarray, "photos"]  # rated by at least one rater
    features: Float[np.ndarray, "photos 256"]
    population_scores: Float[np.ndarray, "photos 10"]  # of the current version
    raters: list[UUID]
    photos: list[Int[np.ndarray, "ratings"]]  # per rater: places in `photo_ids`
    values: list[Float[np.ndarray, "ratings"]]


def shared_ratings() -> SharedRatings | None:
    """The ratings to learn from; None without a bank. Photos that belong to a rater are left out."""
    bank = rows("SELECT hash FROM ratings_bank WHERE is_current", {})
    if not bank:
        return None
    ratings = columns(
        rows(
            """SELECT c.rater_id, c.photo_id, c.value FROM ratings_presentation c JOIN ratings_rater p ON p.id = c.rater_id
            JOIN ratings_photo f ON f.id = c.photo_id JOIN ratings_photofeatures d ON d.photo_id = c.photo_id AND d.bank_id = %(bank)s
            WHERE p.shares_ratings_since IS NOT NULL AND c.value > 0 AND f.owner_id IS NULL ORDER BY c.rater_id, c.rated_at, c.token""",
            {"bank": bank[0][0]},
        ),
        3,
    )
    whose, values = list(ratings[0]), np.array(ratings[2], dtype=np.float64)
    photo_ids, places = np.unique(np.array(ratings[1], dtype=np.int64), return_inverse=True)
    extracted = rows(
        """SELECT photo_id, halfvec_send(features), halfvec_send(population_scores) FROM ratings_photofeatures
        WHERE bank_id = %(bank)s AND photo_id = ANY(%(photos)s) ORDER BY photo_id""",
        {"bank": bank[0][0], "photos": photo_ids.tolist()},
    )
    _, features, scores = columns(extracted, 3)
    raters = sorted(set(whose))
    number_of = {rater: number for number, rater in enumerate(raters)}
    numbers = np.array([number_of[rater] for rater in whose], dtype=np.int64)
    return SharedRatings(
        bank=bank[0][0],
        photo_ids=photo_ids,
        features=vectors(features, FEATURES),
        population_scores=vectors(scores, FOLDS * SCORES),
        raters=raters,
        photos=[places[numbers == number] for number in range(len(raters))],
        values=[values[numbers == number] for number in range(len(raters))],
    )


def scores_of_new_photo(bank: str, features: Sequence[float]) -> list[float]:
    """Population scores that the current version predicts for a new photo; zeros without a version.

    Call in the transaction that stores the features: until its end no other version is activated, which would miss the photo.
    """
    _lock("pg_advisory_xact_lock_shared")
    prior = PopulationPrior.objects.filter(is_current=True, bank=bank).first()
    if prior is None:
        return no_population_scores()
    return scores_of_unrated(np.array([features]), np.array(prior.weights))[0].tolist()


def scores_of_unrated(
    features: Float[np.ndarray, "photos 256"], weights: Float[np.ndarray, "folds features"]
) -> Float[np.ndarray, "photos 10"]:
    """Population scores predicted for unrated photos: the mean rating from their features; the second score is zero."""
    scores = np.zeros((len(features), FOLDS, SCORES))
    scores[:, :, 0] = features[:, 1:] @ weights.T
    return scores.reshape(len(features), FOLDS * SCORES)


def activate(
    *,
    bank: str,
    rater_count: int,
    weights: Float[np.ndarray, "folds features"],
    report: dict[str, Any],
    rated: Mapping[int, Sequence[float]],
) -> PopulationPrior:
    """Make a version the current one, and give every photo its scores in the same transaction. The sweeper refits the raters.

    `rated` are the scores of rated photos, by id; those of all others are predicted from their features.
    """
    with transaction.atomic():
        _lock("pg_advisory_xact_lock")
        PopulationPrior.objects.filter(is_current=True).update(is_current=False)
        for ids, features in _features_in_batches(bank):
            scores = scores_of_unrated(features, weights)
            for place, photo in enumerate(ids):
                if photo in rated:
                    scores[place] = rated[photo]
            _store_scores(bank, ids, scores)
        return PopulationPrior.objects.create(
            bank_id=bank, is_current=True, rater_count=rater_count, photo_count=len(rated), weights=weights.tolist(), report=report
        )


def reject(*, bank: str, rater_count: int, photo_count: int, report: dict[str, Any]) -> PopulationPrior:
    """Record a version that does not help, and stop using the current one."""
    with transaction.atomic():
        _lock("pg_advisory_xact_lock")
        PopulationPrior.objects.filter(is_current=True).update(is_current=False)
        with connection.cursor() as cursor:
            nothing = to_text(no_population_scores())
            cursor.execute(
                "UPDATE ratings_photofeatures SET population_scores = %s::halfvec WHERE bank_id = %s AND population_scores <> %s::halfvec",
                [nothing, bank, nothing],
            )
        return PopulationPrior.objects.create(bank_id=bank, rater_count=rater_count, photo_count=photo_count, report=report)


def _lock(how: str) -> None:
    """Lock until commit. Features are stored under the shared lock, versions activated under the exclusive one."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(%s, 0)", [VERSION_LOCK])


def _features_in_batches(bank: str) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    last = 0
    while found := rows(
        """SELECT photo_id, halfvec_send(features) FROM ratings_photofeatures WHERE bank_id = %(bank)s AND photo_id > %(last)s
        ORDER BY photo_id LIMIT %(count)s""",
        {"bank": bank, "last": last, "count": AT_ONCE},
    ):
        ids, features = columns(found, 2)
        last = ids[-1]
        yield ids, vectors(features, FEATURES)


def _store_scores(bank: str, ids: Sequence[int], scores: Float[np.ndarray, "photos 10"]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ratings_photofeatures d SET population_scores = new.scores::halfvec
            FROM unnest(%s::bigint[], %s::text[]) AS new(id, scores) WHERE d.bank_id = %s AND d.photo_id = new.id""",
            [list(ids), [to_text(row.tolist()) for row in scores], bank],
        )
