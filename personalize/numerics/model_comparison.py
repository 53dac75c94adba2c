"""Cross-validated comparison of the exact fit with the instant fit: both predict the same held-out ratings. NumPy only.

The model of a fold scores all of the rater's photos. Its scores are standardised over them, because a rank loss does not determine their
offset and scale, and the scores of the fold's own photos are kept. Together the folds give one list of predictions per model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from personalize.numerics import metrics

FOLDS = 5
LEAST = 20  # ratings that an exact refit needs: folds of three ratings are not informative
MOST = 200  # newest ratings that an exact fit uses
DRAWS = 1000

Scores = Callable[[Int[np.ndarray, "seen"]], Float[np.ndarray, "ratings"]]


@dataclass(frozen=True)
class Comparison:
    """SROCC of each model's predictions with the ratings, the standard error of the difference, and the model to activate."""

    instant: float
    exact: float
    error: float
    active: Literal["instant", "exact"]


def folds(ratings: int, seed: int) -> list[Int[np.ndarray, "_"]]:
    """Places of the ratings in each fold, drawn with `seed`."""
    return [np.sort(part) for part in np.array_split(np.random.default_rng(seed).permutation(ratings), FOLDS)]


def guesses(scores: Scores, ratings: int, fold: Int[np.ndarray, "fold"]) -> Float[np.ndarray, "fold"]:
    """A model's predictions of the ratings of a fold; `scores` fits it to the ratings at the given places and scores all photos."""
    found = scores(np.setdiff1d(np.arange(ratings), fold))
    spread = found.std()
    return (found - found.mean())[fold] / (spread if spread > 0 else 1.0)


def compare(
    instant: Sequence[Float[np.ndarray, "_"]],
    exact: Sequence[Float[np.ndarray, "_"]],
    ratings: Float[np.ndarray, "ratings"],
    seed: int,
) -> Comparison:
    """Compare the predictions of all folds.

    The exact model becomes active where its SROCC is higher by more than one standard error of the difference (bootstrap over ratings):
    the simpler model stays unless the other is clearly better, which is the one-standard-error rule of Breiman et al., Classification and
    Regression Trees, 1984. Where the comparison is undefined, as when all ratings are equal, the instant model stays active.
    """
    order = np.concatenate(folds(len(ratings), seed))
    truth, predicted = ratings[order], np.stack([np.concatenate(instant), np.concatenate(exact)])
    values = [metrics.srocc(one, truth) for one in predicted]
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS)]
    gains = [metrics.srocc(predicted[1][some], truth[some]) - metrics.srocc(predicted[0][some], truth[some]) for some in drawn]
    known = np.array(gains)[~np.isnan(gains)]
    error = float(known.std()) if len(known) else float("nan")
    if np.isnan([*values, error]).any():
        return Comparison(0.0, 0.0, 0.0, "instant")
    return Comparison(values[0], values[1], error, "exact" if values[1] - values[0] > error else "instant")
