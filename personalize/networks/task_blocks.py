"""Blocks of all task vectors of a bank, stacked for sums and inner products."""

from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from personalize.networks.task_vectors import Factors, Vector


class TaskBlocks:
    """The blocks of all task vectors, stacked, on the device and in the precision of the model."""

    def __init__(self, vectors: Sequence[Vector], like: Tensor) -> None:
        self.vectors, self.like = vectors, like
        self._kept_factors = cache(self.factors)
        self._kept_whole = cache(self.whole)

    def __len__(self) -> int:
        return len(self.vectors)

    def whole(self, name: str) -> Float[Tensor, "tasks numbers"]:
        """One block of all task vectors, one row per task."""
        blocks = [vector[name] for vector in self.vectors]
        return torch.stack([self._here(block if isinstance(block, Tensor) else block.whole()).flatten() for block in blocks])

    def factors(self, name: str) -> tuple[Float[Tensor, "out ranks"], Float[Tensor, "in ranks"]] | None:
        """The same block as thin factors, concatenated over tasks; None where it is stored in another form."""
        blocks = [vector[name] for vector in self.vectors]
        factors = [block for block in blocks if isinstance(block, Factors)]
        if len(factors) < len(blocks) or len({block.left.shape for block in factors}) > 1:
            return None
        left = torch.cat([self._here(block.left) for block in factors], dim=1)
        return left, torch.cat([self._here(block.right) for block in factors], dim=0).T.contiguous()

    def sum(self, name: str, coefficients: Float[Tensor, "tasks"]) -> Float[Tensor, "numbers"]:
        """One block of sum_t coefficients[t] tau_t."""
        factors = self._kept_factors(name)
        if factors is not None:
            left, right = factors
            return ((left * coefficients.repeat_interleave(left.shape[1] // len(self))) @ right.T).flatten()
        return coefficients @ self._kept_whole(name)

    def inner(self, name: str, gradient: Float[Tensor, "*shape"]) -> Float[Tensor, "tasks"]:
        """<gradient, tau_t> of one block, for every task."""
        factors = self._kept_factors(name)
        if factors is not None:
            left, right = factors
            return ((left.T @ gradient.flatten(1)) * right.T).sum(dim=1).unflatten(0, (len(self), -1)).sum(dim=1)
        return self._kept_whole(name) @ gradient.contiguous().flatten()

    def _here(self, block: Tensor) -> Tensor:
        return block.to(self.like)
