"""The taste of simulated participants, and the shares of variance that an analysis of their answers must find again."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

POINTS = 7  # of the scale that the deviations below are given for; on others they are stretched
DRAWS = 1_000_000
SHARES = ("photo", "rater", "rater_photo", "residual")  # in the words of ./pav agreement


@dataclass(frozen=True)
class Planted:
    """Standard deviations of the parts of an answer, in points of a scale of seven.

    answer = middle + photo + participant + both + noise, each part normal with mean 0, rounded to the scale.
    """

    photo: float = 1.0
    participant: float = 0.5
    both: float = 0.8
    noise: float = 0.6


def on_scale(score: float, values: Sequence[int]) -> int:
    """The answer on a scale to a score, which is 0 in its middle."""
    stretched = (values[0] + values[-1]) / 2 + score * (len(values) - 1) / (POINTS - 1)
    return min(values[-1], max(values[0], round(stretched)))


class Taste:
    """How one simulated participant answers. The same seed and number give the same taste."""

    def __init__(self, planted: Planted, seed: int, number: int) -> None:
        self.planted, self.seed, self.number = planted, seed, number
        self.noise = random.Random(f"{seed}/noise/{number}")  # noqa: S311 (nothing secret)
        self.bias = self._normal("participant", number) * planted.participant

    def _normal(self, *name: object) -> float:
        return random.Random(f"{self.seed}/{name}").gauss(0, 1)  # noqa: S311

    def answer(self, photo: str, values: Sequence[int]) -> int:
        """An answer to a photo; `photo` is a name that is the same for everybody."""
        own = self.planted
        score = self._normal("photo", photo) * own.photo + self.bias + self._normal("both", photo, self.number) * own.both
        return on_scale(score + self.noise.gauss(0, own.noise), values)


def planted_shares(planted: Planted, values: Sequence[int]) -> dict[str, float]:
    """Expected shares of variance of the answers on a scale, from 0 to 1: rounding, and the ends of the scale, change what was planted.

    Two answers share the parts of their scores that belong to the same photo, participant or both. With h(r) the covariance of two
    answers whose scores correlate by r: photo = h(r_photo), rater = h(r_rater), rater_photo = h(r_photo + r_rater + r_both) - photo -
    rater, residual = h(1) - h(r_photo + r_rater + r_both). By a million draws, so that each share is exact to about 0.002.
    """
    variances = np.array([planted.photo, planted.participant, planted.both, planted.noise]) ** 2
    deviation, (photo, rater, both, _noise) = sqrt(variances.sum()), variances / variances.sum()
    rng = np.random.default_rng(0)
    first, other = rng.normal(size=(2, DRAWS))

    def answers(scores: np.ndarray) -> np.ndarray:
        stretched = (values[0] + values[-1]) / 2 + scores * deviation * (len(values) - 1) / (POINTS - 1)
        return np.clip(np.rint(stretched), values[0], values[-1])

    ours = answers(first)

    def covariance(correlation: float) -> float:
        theirs = answers(correlation * first + sqrt(1 - correlation**2) * other)
        return float(np.mean((ours - ours.mean()) * (theirs - theirs.mean())))

    of_photo, of_rater, of_all, total = covariance(photo), covariance(rater), covariance(photo + rater + both), covariance(1)
    parts = (of_photo, of_rater, of_all - of_photo - of_rater, total - of_all)
    return {name: part / total for name, part in zip(SHARES, parts, strict=True)}
