"""Instant fits of version 0.1, for reading `pav-person-1` files: weights of tangents and embeddings of the bank's own network. Needs torch.

Such a fit is w_0 times the standardised generic score plus phi(x) . a, and phi is linear in the tangents and the embeddings. The
embeddings' part is a linear head; the tangents' part sum_{b,t} a[b, t] ds/dalpha[b, t] is one derivative of the score along the direction
d theta[b] = sum_t a[b, t] tau_t[b], which forward-mode differentiation computes in a second stream. Nothing writes these files any more.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.backends.mha
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

from personalize.errors import BadModel
from personalize.files import backbones
from personalize.files.open_banks import Bank
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.task_blocks import TaskBlocks

Pair = tuple[Tensor, Tensor]  # score and embedding, or their derivatives


@dataclass(frozen=True)
class Parts:
    """The parts of a fit besides the merged network."""

    direction: Mapping[str, Tensor]  # d theta, by block
    merged: Float[Tensor, "width"]  # linear head on the merged encoder's embedding
    plain: Float[Tensor, "width"]  # linear head on the plain encoder's embedding; empty where that is not used
    score: float  # weight of the generic score
    constant: float


class LinearisedNetwork(nn.Module):
    """Maps preprocessed photos to the rater's scores. Its tensors are named as in the files."""

    merged_head: Tensor
    plain_head: Tensor
    line: Tensor  # weight of the generic score and constant

    def __init__(self, merged: Scorer, parts: Parts, plain: nn.Module | None = None) -> None:
        super().__init__()
        self.merged, self.plain = merged, plain
        own = task_vectors.copied_blocks(merged)
        self.blocks = list(own)
        for value in self.parameters():
            value.requires_grad_(False)
        for place, name in enumerate(self.blocks):
            self.register_buffer(f"direction_{place}", torch.empty_like(own[name]).copy_(parts.direction[name]))
        self.register_buffer("merged_head", parts.merged)
        self.register_buffer("plain_head", parts.plain)
        self.register_buffer("line", torch.tensor([parts.score, parts.constant]))

    def forward(self, photos: Float[Tensor, "photos 3 height width"]) -> Float[Tensor, "photos"]:
        weights = {name: value for name, value in self.merged.named_parameters() if name in set(self.blocks)}
        direction = {name: getattr(self, f"direction_{place}") for place, name in enumerate(self.blocks)}

        def scored(theta: dict[str, Tensor]) -> Pair:
            encoder, head = ({n.removeprefix(part): v for n, v in theta.items() if n.startswith(part)} for part in ("encoder.", "head."))
            embedding = functional_call(self.merged.encoder, encoder, (photos,))
            raw = torch.sigmoid(functional_call(self.merged.head, head, (embedding,)))
            return (raw / raw.sum(dim=1, keepdim=True)) @ self.merged.levels, embedding

        with _differentiable_attention():
            (score, embedding), (moved, _) = cast(tuple[Pair, Pair], jvp(scored, (weights,), (direction,)))
        found = self.line[0] * score + moved + embedding @ self.merged_head + self.line[1]
        return found + self.plain(photos) @ self.plain_head if self.plain is not None else found


@torch.no_grad()
def of_weights(bank: Bank, weights: Float[np.ndarray, "features"]) -> LinearisedNetwork:
    """The network of a `json` file's weights, which are those of the projection in the bank's own file.

    Raises:
        BadModel: the bank's file has no such projection, or another number of features.
    """
    if "projection/axes" not in bank.arrays:
        raise BadModel("The model is an instant fit of version 0.1, and needs a bank with the projection of that version.")
    axes = bank.arrays["projection/axes"].astype(np.float64)
    if len(weights) != axes.shape[1] + 1:
        raise BadModel(f"The model has {len(weights)} weights; the bank's projection of version 0.1 has {axes.shape[1] + 1} features.")
    groups = bytes(bank.arrays["projection/groups"]).decode().split()
    mean, deviation = bank.arrays["projection/score"].astype(float)
    raw = axes @ weights[1:].astype(np.float64)  # one weight per raw feature
    constant = -float(weights[0] / deviation * mean) - float(bank.arrays["projection/centre"].astype(np.float64) @ raw)

    width = backbones.find(bank.metadata.backbone).width
    sizes = {"tangents": bank.start.numel(), "merged": width, "plain": width}
    heads, begin = {"tangents": torch.zeros(sizes["tangents"]), "merged": torch.zeros(width), "plain": torch.zeros(0)}, 0
    for group in groups:
        heads[group] = torch.from_numpy(raw[begin : begin + sizes[group]]).float()
        begin += sizes[group]
    merged, plain = bank.merged(bank.start), bank.scorer().encoder if "plain" in groups else None
    direction = _direction(bank, merged, heads["tangents"].view_as(bank.start))
    return LinearisedNetwork(
        merged, Parts(direction, heads["merged"], heads["plain"], float(weights[0] / deviation), constant), plain
    ).eval()


def of_tensors(backbone: str, kept: Mapping[str, Tensor]) -> LinearisedNetwork:
    """The network in the tensors of a `safetensors` file."""
    merged = backbones.empty(backbone)
    direction = {name: kept[f"direction_{place}"] for place, name in enumerate(task_vectors.blocks(merged))}
    parts = Parts(direction, kept["merged_head"], kept["plain_head"], *kept["line"].tolist())
    plain = backbones.empty(backbone).encoder if any(name.startswith("plain.") for name in kept) else None
    network = LinearisedNetwork(merged, parts, plain)
    network.load_state_dict(kept)
    return network.eval()


def _direction(bank: Bank, merged: Scorer, along: Float[Tensor, "blocks tasks"]) -> dict[str, Tensor]:
    tasks = TaskBlocks(list(bank.vectors.values()), next(merged.parameters()))
    blocks = task_vectors.blocks(merged)
    return {name: tasks.sum(name, along[row]).view_as(value).clone() for row, (name, value) in enumerate(blocks.items())}


@contextmanager
def _differentiable_attention() -> Iterator[None]:
    """Turns off PyTorch's fast paths for attention: only the plain implementation has forward-mode derivatives."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
