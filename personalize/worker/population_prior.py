"""Nightly learning of the population prior from raters who share their ratings: read, learn, check, store a version."""

import logging

import numpy as np

from personalize.numerics import population_folds
from personalize.numerics.ratings import RaterRatings
from personalize.progress import ProgressCallback, no_progress
from personalize.worker import loaded_bank
from ratings.ranking import population_prior
from ratings.ranking.models import PopulationPrior

logger = logging.getLogger(__name__)


def learn(progress: ProgressCallback = no_progress) -> PopulationPrior | None:
    """Learn and store a new version, current if it helps; None without a bank."""
    shared = population_prior.shared_ratings()
    if shared is None:
        return None
    own = zip(shared.raters, shared.photos, shared.values, strict=True)
    raters = [RaterRatings(photos, values, str(rater)) for rater, photos, values in own]
    folds = np.array([population_prior.fold_of(rater) for rater in shared.raters], dtype=np.int64)
    learned = population_folds.learn(shared.features, raters, folds, loaded_bank.hyperprior(), shared.population_scores, progress=progress)
    report: dict[str, object] = {**learned.report}
    if report["used"]:
        rated = dict(zip(shared.photo_ids.tolist(), learned.scores.tolist(), strict=True))
        version = population_prior.activate(bank=shared.bank, rater_count=len(raters), weights=learned.weights, report=report, rated=rated)
    else:
        version = population_prior.reject(bank=shared.bank, rater_count=len(raters), photo_count=len(shared.photo_ids), report=report)
    logger.info("Population prior, version %d, from %d raters: %s", version.pk, len(raters), report["reason"] or "current.")
    return version
