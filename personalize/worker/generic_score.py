"""Nightly learning of the generic score that suits this installation's photos, from raters who share their ratings."""

import logging

import numpy as np

from personalize.files import taste_parts
from personalize.numerics import task_means
from personalize.numerics.ratings import RaterRatings
from personalize.worker import projections
from ratings.ranking import features, models, population_prior
from ratings.ranking import projections as versions

logger = logging.getLogger(__name__)

LEAST_RATERS = 10  # with fewer, the order for everyone would say much about one of them
ENOUGH = 0.99  # correlation with the generic score in use, above which a new version is not worth its work
MOST_PHOTOS = 20_000  # that the correlation and the standard deviation are measured on


def learn() -> models.Projection | None:
    """Begin to fill a projection with another generic score; None where the one in use is good enough, or another projection fills.

    The axes stay as they are. The next projection that is learned from the photos keeps the coefficients.
    """
    now = versions.current()
    shared = population_prior.shared_ratings()
    if now is None or shared is None or shared.projection != now.id or len(shared.raters) < LEAST_RATERS or versions.filling():
        return None
    heads = len(projections.directions(now.id)) - 1
    raters = [RaterRatings(photos, values) for photos, values in zip(shared.photos, shared.values, strict=True)]
    coefficients = task_means.task_means(shared.features, heads, raters)
    sample = features.sample(now.id, MOST_PHOTOS)
    score = sample[:, 1 : 1 + heads] @ coefficients
    deviation = float(np.std(score))
    if not heads or deviation == 0 or np.corrcoef(score, sample[:, 0])[0, 1] > ENOUGH:
        return None
    moved = projections.loaded(now.id).with_generic(coefficients.tolist(), deviation)
    begun = versions.begin(
        after=now, data=taste_parts.projection_to_bytes(moved), photo_count=now.photo_count, generic_coefficients=coefficients.tolist()
    )
    if begun is not None:
        logger.info("The generic score follows %d raters: projection %d fills.", len(raters), begun.pk)
    return begun
