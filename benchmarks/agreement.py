"""Agreement of raters: time and memory beside reference packages, and coverage of the intervals: `./pav bench agreement`.

Speed: the statistics of `--ratings` (CSV: rater, image, score), or of a million synthetic ones, each timed alone, then the whole analysis
with intervals. Reference packages (krippendorff, pandas) run on the same ratings where they are installed (requirements-dev.txt); pandas
stands for the loop over raters that most analysis scripts have.

Coverage (`--coverage SEEDS`): for each seed, ratings with planted variance components are analysed, and a 95 % interval either contains the
true value or not. Shares follow from the planted components; for statistics that depend on the number of raters or photos, the truth is
their mean over 200 large sets of ratings with as many raters.
"""

from dataclasses import dataclass

import numpy as np

from personalize.agreement import analysis
from personalize.agreement.analysis import analyse
from personalize.agreement.measures import Measures
from personalize.agreement.resampling import BootstrapPlan, once
from personalize.agreement.single_ratings import SingleRatings

LARGE = 600  # photos of a set of ratings that the truth comes from
TRUTHS = 200


@dataclass(frozen=True)
class Planted:
    """Standard normal effects with these variances, ratings on a continuous scale or rounded to seven steps."""

    raters: int = 40
    photos: int = 60
    blocks: int = 2
    rated: float = 0.8  # share of the photos that a rater sees
    steps: bool = False
    photo: float = 1.0
    rater: float = 0.5
    rater_photo: float = 0.8
    block_rater: float = 0.1
    block_photo: float = 0.05
    residual: float = 0.6

    @property
    def variances(self) -> dict[str, float]:
        parts = ("photo", "rater", "rater_photo", "block_rater", "block_photo", "residual")
        own = {part: float(getattr(self, part)) for part in parts}
        return own | {"block": 0.0} if self.blocks > 1 else _without_blocks(own)

    def draw(self, seed: int, photos: int = 0) -> SingleRatings:
        rng = np.random.default_rng(seed)
        size = (self.raters, photos or self.photos, self.blocks)
        seen = rng.random(size[:2]) < self.rated
        rater, photo, block = (axis[np.repeat(seen[:, :, None], self.blocks, axis=2)] for axis in np.indices(size))
        parts = {
            "photo": (photo,),
            "rater": (rater,),
            "rater_photo": (rater, photo),
            "block_rater": (rater, block),
            "block_photo": (photo, block),
        }
        extent = {id(rater): size[0], id(photo): size[1], id(block): size[2]}
        score = np.sqrt(self.residual) * rng.normal(size=len(rater))
        for part, axes in parts.items():
            effect = rng.normal(size=[extent[id(axis)] for axis in axes]) * np.sqrt(getattr(self, part))
            score += effect[axes]
        if self.steps:
            score = np.clip(np.round(4 + score), 1, 7)
        names = [[str(place) for place in range(length)] for length in size]
        several = self.blocks > 1
        return SingleRatings(rater, photo, score, names[0], names[1], block if several else None, names[2] if several else ())


def _without_blocks(variances: dict[str, float]) -> dict[str, float]:
    """With one block, effects of blocks belong to what they are crossed with, and private taste to the residual."""
    return {
        "photo": variances["photo"] + variances["block_photo"],
        "rater": variances["rater"] + variances["block_rater"],
        "residual": variances["residual"] + variances["rater_photo"],
    }


def truths(planted: Planted) -> dict[str, float]:
    """The true value of each statistic, by key."""
    from_parts = Measures.of(planted.draw(0), 0).from_components(planted.variances)
    found = {key: value for key, value in from_parts.items() if key in analysis.FROM_REML and key != "share_block"}
    if planted.steps:
        found = {}  # rounding changes the components
    sets = []
    for seed in range(TRUTHS):
        measures = Measures.of(planted.draw(10_000_000 + seed, LARGE), 0)
        sets.append(measures.numbers(once(planted.raters, LARGE, 0)))
    keys = [key for key in sets[0] if key in (analysis.KEYS if planted.steps else (*analysis.CENTRED, "alpha_interval", "alpha_ordinal"))]
    return {key: float(np.mean([one[key] for one in sets])) for key in keys if key != "share_block"} | found


def coverage(planted: Planted, seeds: int, draws: int, first: int = 0) -> dict[str, tuple[int, int, float, float]]:
    """For each statistic: intervals that contain the truth, intervals, mean error of the estimate, mean width."""
    truth = truths(planted)
    held = {key: [] for key in truth}
    for seed in range(first, first + seeds):
        result = analyse(planted.draw(seed), BootstrapPlan(draws, seed))
        for one in result.statistics:
            if one.key in truth and one.low is not None and one.high is not None and one.value is not None:
                held[one.key].append((one.low <= truth[one.key] <= one.high, one.value - truth[one.key], one.high - one.low))
    return {
        key: (
            sum(inside for inside, _, _ in found),
            len(found),
            float(np.mean([error for _, error, _ in found])),
            float(np.mean([width for *_, width in found])),
        )
        for key, found in held.items()
        if found
    }
