"""Nightly learning of the generic score that suits this installation's photos, from raters who share their ratings."""

import logging

import numpy as np

from personalize.files import taste_parts
from personalize.numerics import task_means
from personalize.numerics.ratings import RaterRatings
from personalize.worker import projections
from ratings.ranking import features, models, population_prior, raw_features
from ratings.ranking import projections as versions
from ratings.ranking.models import FEATURES
from ratings.ranking.population_prior import SharedRatings
from ratings.ranking.projections import Version

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
    coefficients = _coefficients(shared, heads) if heads else np.zeros(0)
    weights = np.concatenate([[0.0], coefficients]) if heads else _mean_taste(now)
    score, in_use = _of_heads(now, weights) if heads else _of_raw_vectors(now, weights)
    deviation = float(np.std(score))
    if not deviation > 0 or (now.has_generic_score and np.corrcoef(score, in_use)[0, 1] > ENOUGH):
        return None
    moved = projections.loaded(now.id).with_generic(weights.tolist(), deviation)
    begun = versions.begin(
        after=now, data=taste_parts.projection_to_bytes(moved), photo_count=now.photo_count, generic_coefficients=coefficients.tolist()
    )
    if begun is not None:
        logger.info("The generic score follows %d raters: projection %d fills.", len(shared.raters), begun.pk)
    return begun


def _coefficients(shared: SharedRatings, heads: int) -> np.ndarray:
    raters = [RaterRatings(photos, values) for photos, values in zip(shared.photos, shared.values, strict=True)]
    return task_means.task_means(shared.features, heads, raters)


def _of_heads(now: Version, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A mixture of task heads, and the generic score in use, of a sample of photos."""
    sample = features.sample(now.id, MOST_PHOTOS)
    return sample[:, : len(weights)] @ weights, sample[:, 0]


def _of_raw_vectors(now: Version, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The direction of weights of all features, which leaves products of axes out, and the generic score in use, of a sample of photos."""
    own = projections.loaded(now.id)
    both = np.stack([own.direction(weights.tolist()), own.matrix[:, 0]], axis=1)
    photos = raw_features.sample(now.extractors, MOST_PHOTOS)
    scores = [(raw.astype(np.float32) - own.centre) @ both for raw in raw_features.batches(now.extractors, photos)]
    new, in_use = np.concatenate([np.empty((0, 2), np.float32), *scores]).T
    return new, in_use


def _mean_taste(now: Version) -> np.ndarray:
    """Weights of all features, for a bank without task heads: the generic score so far, and what the population prior in use adds to it.

    Zeros without one: it is in use only where it helps raters who had no part in it, on photos that nobody rated.
    """
    taught = population_prior.current_weights(now.id)
    if taught is None or versions.lacks_data(now.id):
        return np.zeros(FEATURES)
    weights: np.ndarray = taught.mean(axis=0)
    weights[0] = task_means.START
    return weights
