"""Task heads: task vectors in their linear form, one ridge regression per dataset of mean scores on raw features. NumPy only.

The generic score is one head pooled over all datasets that ask how much people like a photo: each dataset's scores are standardised, and
half of its mean photo is taken away, so that the head says less about which dataset a photo looks like than about photos within a dataset.
Of the late statistics, heads use the means of the last two stages, as far as the bank's card says which these are: the others tell
datasets apart.

References:
    Yun & Choo, ECCV 2024 (a dataset is a task); docs/decisions/generic-score.md (choice of strength, centring and shares).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from personalize.numerics import metrics
from personalize.numerics.projection import Heads, group_scale
from personalize.numerics.raw_features import RawLayout

STRENGTH = 3.0  # of the ridge, for features of mean square length 1; by leaving datasets out in turn
CENTRED = 0.5  # share of a dataset's mean photo that is taken away
STAGES = 2  # the last ones, whose means are used
EMBEDDINGS = 0.2  # share of the embeddings where there are means beside them
GENERIC, POOLED, NETWORK = "generic", "pooled", "merged-network"  # the last is the merged network's own score
TUNED = "merged"  # the group of the network that was fine-tuned on the datasets: its numbers of these photos are better than of others


@dataclass(frozen=True)
class ScoredPhotos:
    """Photos of one dataset with their mean scores, in any unit."""

    name: str
    raw: Float[np.ndarray, "photos raw"]
    scores: Float[np.ndarray, "photos"]
    pooled: bool  # whether the scores say how much people like a photo


def learn(datasets: Sequence[ScoredPhotos], layout: RawLayout) -> Heads:
    """The generic score, which starts as the first head; the pooled head, a head per dataset, and the merged network's score.

    Without a pooled dataset, no head is pooled, and the merged network's score comes first. Without either, the generic score is empty: 0
    for every photo.
    """
    pooled = [one for one in datasets if one.pooled]
    network: dict[str, np.ndarray] = {}
    if layout.has_score:
        network[NETWORK] = np.zeros(layout.width)
        network[NETWORK][-1] = 1
    heads = {POOLED: _ridge(pooled, layout)} if pooled else dict(network)
    generic = next(iter(heads.values()), np.zeros(layout.width))
    heads |= {one.name: _ridge([one], layout) for one in datasets}
    heads |= network
    return Heads((GENERIC, *heads), np.stack([generic, *heads.values()], axis=1))


def left_out(datasets: Sequence[ScoredPhotos], layout: RawLayout) -> dict[str, float]:
    """SROCC of each pooled dataset's scores with the head pooled over the others, -1 to 1: how well a generic score travels."""
    pooled = [one for one in datasets if one.pooled]
    if len(pooled) < 2:
        return {}
    return {
        one.name: round(metrics.srocc(one.raw @ _ridge([other for other in pooled if other is not one], layout), one.scores), 4)
        for one in pooled
    }


def scale_of(layout: RawLayout, variance: Float[np.ndarray, "raw"]) -> Float[np.ndarray, "raw"]:
    """Factor of each raw feature in a head, given its variance over the photos; 0 where heads do not use it."""
    groups = [group for group in layout.groups if group.name != TUNED]
    means = [group.name for group in groups if group.statistics]
    others = [group.name for group in groups if not group.statistics]
    of_others = (EMBEDDINGS if others else 0) if means else 1
    shares = dict.fromkeys(others, of_others / max(len(others), 1)) | dict.fromkeys(means, (1 - of_others) / max(len(means), 1))
    used = np.ones(layout.width, dtype=bool)
    for group, place in layout.slices():
        if group.statistics:
            used[place] = group.means(STAGES)
    return group_scale(layout, variance, shares, used)


def _ridge(datasets: Sequence[ScoredPhotos], layout: RawLayout) -> np.ndarray:
    """Weights of the raw features, with one strength for all groups of networks that saw none of the scores."""
    raw = np.concatenate([one.raw for one in datasets]).astype(np.float64)
    scale = scale_of(layout, raw.var(axis=0))
    used = scale > 0
    x = (raw[:, used] - raw[:, used].mean(axis=0)) * scale[used]
    first = 0
    for one in datasets:
        own = slice(first, first + len(one.raw))
        x[own] -= CENTRED * x[own].mean(axis=0)
        first = own.stop
    y = np.concatenate([(one.scores - one.scores.mean()) / (one.scores.std() or 1) for one in datasets])
    if len(x) <= x.shape[1]:
        weights = x.T @ np.linalg.solve(x @ x.T + STRENGTH * np.eye(len(x)), y)
    else:
        weights = np.linalg.solve(x.T @ x + STRENGTH * np.eye(x.shape[1]), x.T @ y)
    whole = np.zeros(layout.width)
    whole[used] = weights * scale[used]
    return whole
