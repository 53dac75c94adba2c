"""Gain of a population prior for raters who did not contribute to it, on photos rated and unrated by others. NumPy only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int

from personalize.numerics import metrics, population_prior, taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.metrics import MeanOverRaters
from personalize.numerics.population_prior import PopulationPrior
from personalize.numerics.ratings import RaterRatings

PARTS = 4  # of the photos; each in turn is treated as unrated
HARM = -0.005  # change of SROCC on unrated photos of held-out raters; below it, the prior is not used


class Gain(TypedDict):
    """Mean SROCC without and with the prior, and the gain, over raters."""

    alone: MeanOverRaters
    with_others: MeanOverRaters
    gain: MeanOverRaters


class Gains(TypedDict):
    """The gain at one number of shots, on photos that contributors to the prior rated and on photos that none of them rated."""

    rated: Gain
    unrated: Gain


@dataclass(frozen=True)
class PriorsByPart:
    """The population prior learned from all photos, and for each part of the photos the prior learned without its ratings."""

    whole: PopulationPrior
    parts: list[Int[np.ndarray, "part"]]
    without: list[PopulationPrior]

    @classmethod
    def learn(
        cls, features: Float[np.ndarray, "photos features"], raters: Sequence[RaterRatings], seed: int, heads: int = 0
    ) -> "PriorsByPart":
        """Raises TooFewRatings; see `population_prior.learn`."""
        parts = np.array_split(np.random.default_rng(seed).permutation(len(features)), PARTS)
        whole = population_prior.learn(features, raters, heads=heads)
        return cls(whole, parts, [population_prior.learn(features, _unrated(raters, part), heads=heads) for part in parts])


@dataclass(frozen=True)
class Predictions:
    """Scores of every photo for a rater after some shots."""

    left: Int[np.ndarray, "left"]  # places of the rater's ratings that are not shots
    alone: Float[np.ndarray, "photos"]
    together: Float[np.ndarray, "photos"]  # with the prior
    apart: Float[np.ndarray, "photos"]  # with the prior learned without ratings of this photo


def predict(
    features: Float[np.ndarray, "photos features"],
    rater: RaterRatings,
    draw: tuple[np.ndarray, np.ndarray],
    hyperprior: Hyperprior,
    priors: PriorsByPart,
) -> Predictions:
    """Predictions for a rater who did not contribute to the priors; `draw` holds the places of the shots and of the other ratings."""
    seen, left = draw
    shots = rater.at(seen)
    apart = np.zeros(len(features))
    for part, prior in zip(priors.parts, priors.without, strict=True):
        apart[part] = _scores(features, shots, hyperprior, prior)[part]
    alone = features @ taste.fit(features[shots.photos], shots.ratings, hyperprior).weights
    return Predictions(left, alone, _scores(features, shots, hyperprior, priors.whole), apart)


def pair(rater: RaterRatings, places: np.ndarray, alone: np.ndarray, together: np.ndarray) -> Float[np.ndarray, "2"]:
    """SROCC of `alone` and of `together` with the rater's ratings at these places."""
    left = rater.at(places)
    return np.array([metrics.srocc(alone[left.photos], left.ratings), metrics.srocc(together[left.photos], left.ratings)])


def gain(pairs: Sequence[Float[np.ndarray, "2"]], seed: int) -> Gain:
    """Mean SROCC without and with the prior and the gain, over raters, from one pair per rater."""
    rng = np.random.default_rng(seed)
    alone, together = np.array(pairs).reshape(-1, 2).T
    difference = metrics.mean_over_raters(together - alone, rng)
    return {
        "alone": metrics.mean_over_raters(alone, rng),
        "with_others": metrics.mean_over_raters(together, rng),
        "gain": difference,
    }


def passes(gains: Gains) -> bool:
    """Whether the prior helps on photos that its contributors rated, and does no harm on the others."""
    return bool(gains["rated"]["gain"]["mean"] > 0 and gains["unrated"]["gain"]["mean"] >= HARM)


def as_table(shots: Mapping[str, Gains]) -> str:
    """Gains by number of shots as a Markdown table."""
    lines = ["| photos | shots | alone | with the prior | gain (95 % interval over raters) |", "|---|---|---|---|---|"]
    for number, gains in shots.items():
        lines.append(_row("rated", number, gains["rated"]))
    for number, gains in shots.items():
        lines.append(_row("unrated", number, gains["unrated"]))
    return "\n".join(lines)


def _row(kind: str, shots: str, cell: Gain) -> str:
    interval = f"{cell['gain']['mean']:+.3f} ({cell['gain']['low']:+.3f} to {cell['gain']['high']:+.3f})"
    return f"| {kind} by others | {shots} | {cell['alone']['mean']:.3f} | {cell['with_others']['mean']:.3f} | {interval} |"


def _unrated(raters: Sequence[RaterRatings], photos: np.ndarray) -> list[RaterRatings]:
    """The ratings without those of `photos`; raters without any are left out."""
    kept = [one.at(np.flatnonzero(~np.isin(one.photos, photos))) for one in raters]
    return [one for one in kept if len(one.ratings)]


def _scores(features: np.ndarray, shots: RaterRatings, hyperprior: Hyperprior, prior: PopulationPrior) -> np.ndarray:
    fitted = taste.fit(features[shots.photos], shots.ratings, hyperprior, prior.scores[shots.photos])
    return features @ fitted.weights + prior.scores @ fitted.population_weights
