"""Instant fit of a rater's rating history, and the photos to present next."""

from dataclasses import asdict
from typing import cast
from uuid import UUID

import numpy as np
from jaxtyping import Int

from personalize.numerics import acquisition, certainty, taste
from personalize.numerics.metrics import Accuracy
from personalize.numerics.taste import Taste
from personalize.worker import projections
from ratings.deck.selectors import candidates
from ratings.photos.scopes import Scope
from ratings.ranking import services
from ratings.ranking.histories import History, rating_history
from ratings.ranking.json_columns import NextPhoto, StoredAccuracy, StoredCoefficient
from ratings.ranking.open_scopes import open_scopes

ANCHORS = (1.0, 2.0)  # "dislike" and "like", as ratings of two average photos
NEXT_PHOTOS = 10  # chosen after every fit; more than a deck, so that they outlast a few lost fits
CANDIDATES = 128  # photos that the next ones are chosen from, and that represent their scope


def refit(rater: UUID) -> None:
    """Fit a rater's ratings, store the fit, push the ranking, then choose the next photos. Nothing changes where the fit is up to date."""
    services.begin_refit(rater_id=rater)
    history = rating_history(rater)
    if history is None:
        return
    fitted = fit(history)
    accuracy = accuracy_of(history, fitted)
    shown = open_scopes(rater)
    version = services.store_fit(
        rater_id=rater,
        projection=history.projection,
        ratings_seq=history.ratings_seq,
        weights=fitted.weights.tolist(),
        covariance=fitted.covariance.to_bytes(),
        coefficients=coefficients(history, fitted),
        accuracy=cast(StoredAccuracy, asdict(accuracy)) if accuracy else None,
        population_prior_id=history.population_prior_id,
        population_weights=fitted.population_weights.tolist() if len(history.values) else (),
        shown=shown,
    )
    if version is not None:  # the ranking has been pushed; no page waits for the next photos
        services.store_next_photos(
            rater_id=rater,
            projection=history.projection,
            ratings_seq=history.ratings_seq,
            next_photos={scope.key: _next_photos(rater, scope, history, fitted, version) for scope in shown},
        )


def _next_photos(rater: UUID, scope: Scope, history: History, fitted: Taste, version: int) -> list[NextPhoto]:
    photos, features = candidates(rater, scope, CANDIDATES)
    rng = np.random.default_rng([rater.int & 0xFFFFFFFF, history.ratings_seq])
    return [
        NextPhoto(
            photo=int(photos[choice.index]),
            algorithm=choice.algorithm,
            reason={"gain": round(choice.gain, 6), "propensity": round(choice.propensity, 6), "version": version},
        )
        for choice in acquisition.next_photos(fitted.covariance, features, NEXT_PHOTOS, rng)
    ]


def fit(history: History, which: Int[np.ndarray, "some"] | None = None) -> Taste:
    """Fit the whole history, or its ratings at the places `which`.

    Two ratings of an average photo come first and anchor the scale. Only relative ratings matter, so without these anchors the first
    rating, or five likes in a row, would have no effect.
    """
    features, values, scores = _with_anchors(history, which)
    return taste.fit(features, values, projections.hyperprior(history.projection), scores)


def accuracy_of(history: History, fitted: Taste) -> Accuracy | None:
    """Accuracy of the fit to the whole history. The anchors belong to every fit that it is estimated from, and are never compared."""
    features, values, scores = _with_anchors(history, None)
    posterior = fitted.posterior.sum(axis=(0, 2, 3))
    return certainty.accuracy(
        features, values, projections.hyperprior(history.projection), scores, anchors=len(ANCHORS), posterior=posterior
    )


def coefficients(history: History, fitted: Taste) -> list[StoredCoefficient]:
    """The rater's coefficient on the generic score, if there is one, and on each task head, with its posterior standard deviation.

    In standard deviations of the rater's ratings for one standard deviation of that score over the catalogue.
    """
    deviations = fitted.covariance.deviations()
    first = 0 if projections.has_generic_score(history.projection) else 1
    return [
        StoredCoefficient(name=name, mean=round(float(fitted.weights[place]), 5), sd=round(float(deviations[place]), 5))
        for place, name in enumerate(projections.directions(history.projection))
        if place >= first
    ]


def _with_anchors(history: History, which: Int[np.ndarray, "some"] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, ratings and population scores to fit, after those of the anchors."""
    some = slice(None) if which is None else which
    features, values, scores = history.features[some], history.values[some], history.population_scores[some]
    if len(values):
        average = np.zeros((len(ANCHORS), features.shape[1] + scores.shape[1]), dtype=features.dtype)
        features = np.concatenate([average[:, : features.shape[1]], features])
        scores = np.concatenate([average[:, features.shape[1] :], scores])
        values = np.concatenate([ANCHORS, values])
    return features, values, scores if history.population_prior_id is not None else taste.NO_POPULATION_SCORES
