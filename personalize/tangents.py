"""What a photo's score would do if the coefficients moved: the paper's model to first order, person-free."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from personalize.task_vectors import Weights, blocks


class Tangents:
    """Derivatives of a scorer's score in the coefficients of its task vectors, at the weights that the scorer holds.

    d s / d alpha[b, t] = <d s / d theta[b], tau_t[b]>: one backward pass gives all blocks and tasks, no graph goes through the merge.
    """

    def __init__(self, model: torch.nn.Module, vectors: Sequence[Weights]) -> None:
        self.model = model
        self.blocks = blocks(model)
        self.stacked = [torch.stack([vector[name].flatten() for vector in vectors]) for name in self.blocks]

    def describe(
        self, photo: Float[Tensor, "1 3 height width"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "blocks tasks"], Float[Tensor, "embedding"]]:
        """Score (1 to 10), its tangents and the embedding of one photo.

        A photo at a time: its gradient is contracted with the task vectors at once and never kept.
        """
        embedding = self.model.encoder(photo)
        score = (self.model.distribution(embedding) @ self.model.levels)[0]
        gradients = torch.autograd.grad(score, list(self.blocks.values()))
        # Contiguous as the task vectors are, whatever memory layout the convolutions chose for the gradient.
        rows = [tasks @ gradient.contiguous().flatten() for tasks, gradient in zip(self.stacked, gradients, strict=True)]
        return score.detach(), torch.stack(rows), embedding[0].detach()
