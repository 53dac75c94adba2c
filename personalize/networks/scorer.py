"""Scorer network of Yun & Choo (ECCV 2024): an encoder and a head that predicts a distribution of scores."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

LEVELS = 10  # the head predicts a distribution over the scores 1..10
HIDDEN = 512


def best_device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Scorer(nn.Module):
    """Photo -> embedding -> distribution over 1..10 -> its mean."""

    levels: Tensor

    def __init__(self, encoder: nn.Module, width: int, seed: int = 0) -> None:
        """`width` is the width of the encoder's embedding; the head's weights are drawn with `seed`."""
        super().__init__()
        self.encoder = encoder
        first, last = nn.Linear(width, HIDDEN), nn.Linear(HIDDEN, LEVELS)
        self.head = nn.Sequential(first, nn.GELU(), nn.Dropout(0.5), last)
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in (first, last):
                bound = layer.in_features**-0.5
                # Rounded to half precision, so that the bank can store exactly these numbers in half the space.
                layer.weight.copy_(torch.empty_like(layer.weight).uniform_(-bound, bound, generator=draw).half())
                layer.bias.zero_()
        self.register_buffer("levels", torch.arange(1.0, LEVELS + 1), persistent=False)

    def distribution(self, embedding: Float[Tensor, "batch width"]) -> Float[Tensor, "batch levels"]:
        """Probability of each score 1..10."""
        raw = torch.sigmoid(self.head(embedding))
        return raw / raw.sum(dim=1, keepdim=True)

    def forward(self, photos: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch levels"]:
        return self.distribution(self.encoder(photos))

    def score(self, photos: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch"]:
        """Mean of the predicted distribution, 1 to 10."""
        return self(photos) @ self.levels
