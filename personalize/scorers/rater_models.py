"""Rater models: one network per rater, from photos to the rater's scores. Needs torch.

The model of coefficients is the merged network. An instant fit is w_0 times the standardised generic score plus phi(x) . a, and phi is
linear in the tangents and the embeddings: the embeddings' part is a linear head; the tangents' part sum_{b,t} a[b, t] ds/dalpha[b, t] is
one derivative of the score along the direction d theta[b] = sum_t a[b, t] tau_t[b]. Forward-mode differentiation computes it in a second,
dual stream, without a backward pass.
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

from personalize.files import backbones, banks
from personalize.files.open_banks import Bank
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.task_blocks import TaskBlocks

Pair = tuple[Tensor, Tensor]  # score and embedding, or their derivatives


@dataclass(frozen=True)
class Parts:
    """The parts of an instant fit besides the merged network."""

    direction: Mapping[str, Tensor]  # d theta, by block
    merged: Float[Tensor, "width"]  # linear head on the merged encoder's embedding
    plain: Float[Tensor, "width"]  # linear head on the plain encoder's embedding; empty where that is not used
    score: float  # weight of the generic score
    constant: float


class RaterModel(nn.Module):
    """Maps preprocessed photos to the rater's scores (higher is better; those of an instant fit are standardised)."""

    merged_head: Tensor
    plain_head: Tensor
    line: Tensor  # weight of the generic score and constant

    def __init__(self, merged: Scorer, parts: Parts | None = None, plain: nn.Module | None = None) -> None:
        super().__init__()
        self.merged, self.plain = merged, plain
        own = task_vectors.copied_blocks(merged)
        self.blocks = list(own)
        for value in self.parameters():
            value.requires_grad_(False)
        self.dual = parts is not None
        if parts is not None:
            for place, name in enumerate(self.blocks):
                # In the memory layout of the weights: otherwise PyTorch copies with an operation that ONNX does not support.
                self.register_buffer(f"direction_{place}", torch.empty_like(own[name]).copy_(parts.direction[name]))
            self.register_buffer("merged_head", parts.merged)
            self.register_buffer("plain_head", parts.plain)
            self.register_buffer("line", torch.tensor([parts.score, parts.constant]))

    def forward(self, photos: Float[Tensor, "photos 3 height width"]) -> Float[Tensor, "photos"]:
        if not self.dual:
            return self.merged.score(photos)
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


def of_coefficients(bank: Bank, coefficients: Float[Tensor, "blocks tasks"]) -> RaterModel:
    """The model of an exact or published fit."""
    return RaterModel(bank.merged(coefficients)).eval()


@torch.no_grad()
def of_weights(bank: Bank, weights: Float[np.ndarray, "features"]) -> RaterModel:
    """The model of an instant fit.

    Raises:
        BadBank: the bank has no projection, which instant fits need.
    """
    projection, merged = banks.projection(bank.arrays), bank.merged(bank.start)
    raw = projection.axes.astype(np.float64) @ weights[1:].astype(np.float64)  # one weight per raw feature
    width = backbones.find(bank.metadata.backbone).width
    sizes = {"tangents": bank.start.numel(), "merged": width, "plain": width}
    parts, begin = {}, 0
    for group in projection.groups:
        parts[group] = torch.from_numpy(raw[begin : begin + sizes[group]]).float()
        begin += sizes[group]
    along = parts["tangents"].view_as(bank.start)
    tasks = TaskBlocks(list(bank.vectors.values()), next(merged.parameters()))
    blocks = task_vectors.blocks(merged)
    direction = {name: tasks.sum(name, along[row]).view_as(value).clone() for row, (name, value) in enumerate(blocks.items())}
    slope = float(weights[0]) / projection.score_std
    constant = -slope * projection.score_mean - float(projection.centre.astype(np.float64) @ raw)
    plain = bank.scorer().encoder if "plain" in projection.groups else None
    return RaterModel(merged, Parts(direction, parts["merged"], parts.get("plain", torch.zeros(0)), slope, constant), plain).eval()
