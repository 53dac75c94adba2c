"""The instant fit of a person's history, as the app makes it."""

import numpy as np
from jaxtyping import Int

from personalize.app import serving
from personalize.numerics import taste
from personalize.numerics.taste import Taste
from ratings.selectors import History

ANCHORS = (1.0, 2.0)  # "dislike" and "like", as if said of two average photos


def fit(history: History, which: Int[np.ndarray, "some"] | None = None) -> Taste:
    """Fit the history, or those of its answers at the places `which`.

    Two ratings of an average photo come first, which pin what "like" means. Ratings count relative to each other: alone, the first one,
    or five likes in a row, would say nothing and move nothing on screen. They come first in `leave_one_out` too.
    """
    some = slice(None) if which is None else which
    features, values, shared = history.features[some], history.values[some], history.shared[some]
    if len(values):
        average = np.zeros((len(ANCHORS), features.shape[1] + shared.shape[1]), dtype=features.dtype)
        features = np.concatenate([average[:, : features.shape[1]], features])
        shared = np.concatenate([average[:, features.shape[1] :], shared])
        values = np.concatenate([ANCHORS, values])
    told = shared if history.population is not None else taste.NO_POPULATION_SCORES
    return taste.fit(features, values, serving.hyperprior(), told)
