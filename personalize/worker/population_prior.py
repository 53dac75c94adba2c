"""Learning the population prior from raters who share their ratings: read, learn, check, store a new version."""

import logging
from collections.abc import Callable

import numpy as np

from personalize.files.people import Person
from personalize.programs.sharing import teach
from personalize.worker import loaded_bank
from ratings.ranking import population_prior
from ratings.ranking.models import PopulationPrior

logger = logging.getLogger(__name__)


def learn(progress: Callable[[str, int, int], None] = lambda *_: None) -> PopulationPrior | None:
    """The new version, current where it helps; None where there is no bank."""
    shared = population_prior.shared_ratings()
    if shared is None:
        return None
    raters = [Person(str(rater), photos, values) for rater, photos, values in zip(shared.raters, shared.photos, shared.values, strict=True)]
    folds = np.array([population_prior.fold_of(rater) for rater in shared.raters], dtype=np.int64)
    taught = teach(shared.features, raters, folds, loaded_bank.hyperprior(), shared.population_scores, progress=progress)
    report = taught.report
    if report["used"]:
        rated = dict(zip(shared.photo_ids.tolist(), taught.shared.tolist(), strict=True))
        version = population_prior.activate(bank=shared.bank, rater_count=len(raters), weights=taught.weights, report=report, rated=rated)
    else:
        version = population_prior.reject(bank=shared.bank, rater_count=len(raters), photo_count=len(shared.photo_ids), report=report)
    logger.info("Population prior, version %d, from %d raters: %s", version.pk, len(raters), report["reason"] or "current.")
    return version
