"""Learning from the answers that people of this installation share: read, taught, checked, stored as a new version. Django's edge."""

import logging

import numpy as np

from personalize.app import serving
from personalize.numerics import population_folds
from personalize.numerics.ratings import RaterRatings
from personalize.progress import ProgressCallback, no_progress
from ratings import sharing
from ratings.models import Population

logger = logging.getLogger(__name__)


def learn(progress: ProgressCallback = no_progress) -> Population | None:
    """The new version, in use where the floor passed it; None where no bank is in use."""
    answers = sharing.shared_answers()
    if answers is None:
        return None
    people = [
        RaterRatings(photos, values, str(name)) for name, photos, values in zip(answers.people, answers.photos, answers.values, strict=True)
    ]
    folds = np.array([sharing.fold_of(name) for name in answers.people], dtype=np.int64)
    learned = population_folds.learn(answers.features, people, folds, serving.hyperprior(), answers.told, progress=progress)
    bank, report = answers.bank, learned.report
    if report["used"]:
        rated = dict(zip(answers.photo_ids.tolist(), learned.scores.tolist(), strict=True))
        version = sharing.use_population(bank=bank, people=len(people), weights=learned.weights, report=dict(report), rated=rated)
    else:
        version = sharing.use_no_population(bank=bank, people=len(people), photos=len(answers.photo_ids), report=dict(report))
    logger.info("What %d people taught is version %d: %s", len(people), version.pk, report["reason"] or "in use.")
    return version
