"""Instant fit of a rater's rating history."""

import numpy as np
from jaxtyping import Int

from personalize.numerics import taste
from personalize.numerics.taste import Taste
from personalize.worker import loaded_bank
from ratings.ranking.histories import History

ANCHORS = (1.0, 2.0)  # "dislike" and "like", as ratings of two average photos


def fit(history: History, which: Int[np.ndarray, "some"] | None = None) -> Taste:
    """Fit the whole history, or its ratings at the places `which`.

    Two ratings of an average photo come first and anchor the scale. Only relative ratings matter, so without these anchors the first
    rating, or five likes in a row, would have no effect. The anchors also come first in `leave_one_out`.
    """
    some = slice(None) if which is None else which
    features, values, scores = history.features[some], history.values[some], history.population_scores[some]
    if len(values):
        average = np.zeros((len(ANCHORS), features.shape[1] + scores.shape[1]), dtype=features.dtype)
        features = np.concatenate([average[:, : features.shape[1]], features])
        scores = np.concatenate([average[:, features.shape[1] :], scores])
        values = np.concatenate([ANCHORS, values])
    known = scores if history.population_prior_id is not None else taste.NO_POPULATION_SCORES
    return taste.fit(features, values, loaded_bank.hyperprior(), known)
