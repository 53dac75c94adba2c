"""Folding of a convolution and its batch norm into one convolution: half the passes over memory, and tangents of all blocks at once.

With fixed statistics the norm is y = a z + b for z = W x, a = gamma / sigma, b = beta - mu a, so y = (a W) x + b. The gradient g of y
suffices for the tangents of W, gamma and beta: G = sum over positions of g x^T is the gradient in a W, and <G_c, W_c> = sum of g_c z_c.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from personalize.networks.layer_tangents import Along, Row, depthwise_gradients, patches, statistics
from personalize.networks.scorer import Scorer
from personalize.networks.task_blocks import TaskBlocks

LARGEST_GRADIENT = 3  # largest side of a depthwise kernel; above, convolving with the task vectors is faster than weight gradients


class Folded:
    """A convolution and its batch norm in evaluation mode. The modules keep their parameters; the folded convolution runs."""

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d, names: tuple[str, str], blocks: TaskBlocks) -> None:
        """`names` are the modules' names in the model, each with a trailing dot."""
        self.convolution, self.norm = convolution, norm
        self.weight, self.scale, self.shift = f"{names[0]}weight", f"{names[1]}weight", f"{names[1]}bias"
        self.tasks = blocks.whole(self.weight)
        self.scales, self.shifts = Row(blocks.whole(self.scale)), Row(blocks.whole(self.shift))
        self.where = convolution.stride, cast(tuple[int, int], convolution.padding), convolution.dilation

    @contextmanager
    def running(self) -> Iterator[None]:
        """In this context, the convolution computes both, and the norm only its activation (timm adds one to it)."""
        norm, convolution = self.norm, self.convolution
        self.mean, self.deviation = statistics(norm)
        self.slope = norm.weight.detach() * self.deviation
        joined = convolution.weight.detach() * self.slope[:, None, None, None]
        offset = norm.bias.detach() - self.mean * self.slope
        joined.requires_grad_()  # otherwise the first layer's output would not be differentiable
        activation = getattr(norm, "act", nn.Identity())
        vars(convolution)["forward"] = lambda x: functional.conv2d(x, joined, offset, *self.where, convolution.groups)
        vars(norm)["forward"] = activation
        try:
            yield
        finally:
            del vars(convolution)["forward"], vars(norm)["forward"]

    def rule(self, x: Tensor, g: Tensor) -> dict[str, Along]:
        """Tangents of the three blocks from the input and the gradient of the folded output."""
        weight = self.convolution.weight.detach().flatten(1)
        total = g.sum(dim=(2, 3))
        if self.convolution.groups == 1:
            gradient = torch.bmm(g.permute(0, 2, 3, 1).flatten(1, 2).mT, patches(self.convolution, x))
        elif max(self.convolution.kernel_size) <= LARGEST_GRADIENT:
            gradient = depthwise_gradients(self.convolution, x, g)
        else:
            return self._large_depthwise(x, g, total)
        found = gradient.mul(self.slope[:, None]).flatten(1) @ self.tasks.T
        return {self.weight: found, **self._affine((gradient * weight).sum(dim=2), total)}

    def _large_depthwise(self, x: Tensor, g: Tensor, total: Tensor) -> dict[str, Along]:
        """Inner product of the gradient with the change of z along each task vector: for large kernels faster than weight gradients."""
        kernels = [row.view_as(self.convolution.weight) * self.slope[:, None, None, None] for row in self.tasks]
        moved = [functional.conv2d(x, kernel, None, *self.where, self.convolution.groups).mul_(g).sum(dim=(1, 2, 3)) for kernel in kernels]
        z = functional.conv2d(x, self.convolution.weight.detach(), None, *self.where, self.convolution.groups)
        return {self.weight: torch.stack(moved, dim=1), **self._affine(z.mul_(g).sum(dim=(2, 3)), total)}

    def _affine(self, against: Tensor, total: Tensor) -> dict[str, Along]:
        """Tangents of gamma and beta from the sums over positions of g z and of g, per channel."""
        standard = (against - self.mean * total) * self.deviation
        return {self.scale: self.scales.along(standard), self.shift: self.shifts.along(total)}


def pairs(model: Scorer, size: int = 64) -> list[tuple[str, str]]:
    """Names of the (convolution, batch norm) pairs where the norm takes the convolution's output, found by running the encoder."""
    norms = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.BatchNorm2d)}
    if not norms:
        return []
    outputs: dict[int, tuple[str, Tensor]] = {}  # by id; keeping the tensor prevents reuse of its id
    found: list[tuple[str, str]] = []
    hooks = []
    for name, layer in model.named_modules():
        if type(layer) is nn.Conv2d and layer.bias is None:
            hooks.append(layer.register_forward_hook(lambda _, args, out, name=name: outputs.__setitem__(id(out), (name, out))))
        elif name in norms:
            seen = lambda _, args, name=name: found.append((outputs[id(args[0])][0], name)) if id(args[0]) in outputs else None  # noqa: E731
            hooks.append(layer.register_forward_pre_hook(seen))
    with torch.no_grad():
        like = next(model.parameters())
        model.encoder(torch.zeros(1, 3, size, size, device=like.device, dtype=like.dtype))
    for hook in hooks:
        hook.remove()
    return found
