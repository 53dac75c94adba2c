"""Nightly learning of the population prior from raters who share their ratings: read, learn, check, store a version."""

import logging

import numpy as np

from personalize.numerics import population_folds
from personalize.numerics.ratings import RaterRatings
from personalize.progress import ProgressCallback, no_progress
from personalize.worker import projections
from ratings.ranking import population_prior
from ratings.ranking.json_columns import StoredPriorReport
from ratings.ranking.models import PopulationPrior
from ratings.ranking.population_prior import SharedRatings

logger = logging.getLogger(__name__)


def learn(progress: ProgressCallback = no_progress) -> PopulationPrior | None:
    """Learn and store a new version, current if it helps; None without a bank.

    Learns again where another projection came into use meanwhile: what was learned belongs to the features before.
    """
    while (shared := population_prior.shared_ratings()) is not None:
        version = _learn(shared, progress)
        if version is not None:
            return version
    return None


def _learn(shared: SharedRatings, progress: ProgressCallback) -> PopulationPrior | None:
    own = zip(shared.raters, shared.photos, shared.values, strict=True)
    raters = [RaterRatings(photos, values, str(rater)) for rater, photos, values in own]
    folds = np.array([population_prior.fold_of(rater) for rater in shared.raters], dtype=np.int64)
    hyperprior = projections.hyperprior(shared.projection)
    learned = population_folds.learn(shared.features, raters, folds, hyperprior, shared.population_scores, progress=progress)
    found = learned.report
    report = StoredPriorReport(used=found["used"], reason=found["reason"], shots=found["shots"])
    if report["used"]:
        rated = dict(zip(shared.photo_ids.tolist(), learned.scores.tolist(), strict=True))
        weights = np.pad(learned.weights, ((0, 0), (1, 0)))  # place 0, the generic score, has none
        version = population_prior.activate(
            projection=shared.projection, rater_count=len(raters), weights=weights, report=report, rated=rated
        )
    else:
        version = population_prior.reject(
            projection=shared.projection, rater_count=len(raters), photo_count=len(shared.photo_ids), report=report
        )
    if version is not None:
        logger.info("Population prior, version %d, from %d raters: %s", version.pk, len(raters), report["reason"] or "current.")
    return version
