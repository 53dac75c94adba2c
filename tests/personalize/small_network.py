"""A small scorer with random task vectors, on which fits of coefficients take milliseconds."""

import torch
from torch import nn

from personalize.networks import task_vectors
from personalize.networks.coefficient_fits import CoefficientNetwork
from personalize.networks.scorer import Scorer

TASKS = 3


def small_scorer() -> Scorer:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, 12, 3), nn.SiLU()
    return Scorer(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), width=12).eval()


def random_vectors() -> list[dict[str, torch.Tensor]]:
    draw = torch.Generator().manual_seed(1)
    base = task_vectors.copied_blocks(small_scorer())
    return [{name: 0.3 * torch.randn(value.shape, generator=draw) for name, value in base.items()} for _ in range(TASKS)]


def small_network(vectors: list[dict[str, torch.Tensor]]) -> CoefficientNetwork:
    model = small_scorer()
    return CoefficientNetwork(model, task_vectors.copied_blocks(model), vectors)
