"""Loss functions for score distributions and rankings."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def earth_movers_distance(predicted: Float[Tensor, "batch levels"], target: Float[Tensor, "batch levels"]) -> Float[Tensor, ""]:
    """Mean over photos of the root mean squared difference of the cumulative distributions; 0 is best, 1 is worst.

    References:
        Talebi & Milanfar, NIMA, IEEE TIP 2018, with exponent 2.
    """
    gap = predicted.cumsum(dim=1) - target.cumsum(dim=1)
    return gap.square().mean(dim=1).clamp_min(1e-12).sqrt().mean()


def bradley_terry(scores: Float[Tensor, "photos"], ratings: Float[Tensor, "photos"]) -> Float[Tensor, ""]:
    """Mean of -log sigma(s_i - s_j) over all pairs with rating i above rating j; 0 where all ratings are equal.

    References:
        Yun & Choo, ECCV 2024 (rank loss); Bradley & Terry 1952.
    """
    above = ratings[:, None] > ratings[None, :]
    if not above.any():
        return scores.sum() * 0
    return functional.softplus(scores[None, :] - scores[:, None])[above].mean()


def bradley_terry_of_halves(scores: Float[Tensor, "photos"], ratings: Float[Tensor, "photos"]) -> Float[Tensor, ""]:
    """The rank loss as published: the first half of a batch against the second half, photo by photo; 0 for a single photo.

    With an odd number, the last photo is left out. A pair with equal ratings adds nothing, but counts in the mean.

    References:
        Yun & Choo, ECCV 2024, their code.
    """
    pairs = len(scores) // 2
    above = torch.sign(ratings[:pairs] - ratings[pairs : 2 * pairs])
    gap = scores[:pairs] - scores[pairs : 2 * pairs]
    return (functional.softplus(-above * gap) * above.abs()).sum() / max(pairs, 1)


def normal_distribution(means: Float[Tensor, "photos"], spread: float, levels: int = 10) -> Float[Tensor, "photos levels"]:
    """Probability of the scores 1..levels for ratings distributed normally around a known mean with standard deviation `spread`.

    For datasets that publish only mean opinion scores.
    """
    centres = torch.arange(1.0, levels + 1)
    weights = torch.exp(-0.5 * ((centres[None, :] - means[:, None]) / spread) ** 2)
    return weights / weights.sum(dim=1, keepdim=True)
