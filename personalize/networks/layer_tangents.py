"""Tangents by kind of layer, from its input and the gradient of its output, for a batch of photos.

For a linear map y = W x the derivative of the score along a task vector tau of W is <g x^T, tau> = sum over tokens of g . (tau x), g the
gradient at y. For tau = B A that is (B^T g) . (A x): two thin products and no weight gradient. Where the factors would cost more
than the gradient of a small matrix, that gradient is formed per photo and contracted with the whole vectors. Both are exact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from personalize.networks.task_blocks import TaskBlocks

CONTRACTION = 2.0  # cost of a multiplication of whole vectors, in multiplications of a matrix product: it is memory-bound

Along = Float[Tensor, "photos tasks"]
Inputs = Float[Tensor, "photos tokens in"]
Gradients = Float[Tensor, "photos tokens out"]


class Matrix:
    """A block that is a matrix (out, in) and multiplies tokens."""

    def __init__(self, blocks: TaskBlocks, name: str, rows: int, columns: int) -> None:
        self.blocks, self.name = blocks, name
        self.rows, self.columns, self.tasks = rows, columns, len(blocks)
        self.factors = blocks.factors(name)
        self.kept: Tensor | None = None

    def along(self, x: Inputs, g: Gradients) -> Along:
        """<g x^T, tau_t> for every photo and task."""
        if self.factors is not None:
            left, right = self.factors
            formed = (x.shape[1] + CONTRACTION * self.tasks) * self.rows * self.columns
            if x.shape[1] * (self.rows + self.columns) * left.shape[1] < formed:
                thin = (x @ right).mul_(g @ left).sum(dim=1)
                return thin.unflatten(1, (self.tasks, -1)).sum(dim=2)
        if self.kept is None:
            self.kept = self.blocks.whole(self.name)
        return torch.bmm(g.mT, x).flatten(1) @ self.kept.T


@dataclass(frozen=True)
class Row:
    """A small block: a bias, a norm's scale, an embedding. Its gradient is formed per photo."""

    tasks: Float[Tensor, "tasks numbers"]

    def along(self, gradient: Float[Tensor, "photos numbers"]) -> Along:
        return gradient @ self.tasks.T


Rule = Callable[[Tensor, Tensor], dict[str, Along]]
"""(input, gradient of the output) of one layer -> the tangents of its blocks."""


def linear(layer: nn.Linear, prefix: str, blocks: TaskBlocks) -> Rule:
    return projection(f"{prefix}weight", f"{prefix}bias" if layer.bias is not None else None, layer.out_features, layer.in_features, blocks)


def projection(weight: str, bias: str | None, rows: int, columns: int, blocks: TaskBlocks) -> Rule:
    """y = x W^T + b over any number of tokens."""
    matrix = Matrix(blocks, weight, rows, columns)
    shift = Row(blocks.whole(bias)) if bias else None

    def rule(x: Tensor, g: Tensor) -> dict[str, Along]:
        x, g = x.reshape(len(x), -1, columns), g.reshape(len(g), -1, rows)
        found = {weight: matrix.along(x, g)}
        if shift and bias:
            found[bias] = shift.along(g.sum(dim=1))
        return found

    return rule


def convolution(layer: nn.Conv2d, prefix: str, blocks: TaskBlocks) -> Rule | None:
    """Dense convolutions as matrices over unfolded patches; depthwise ones separately; None for other groups and paddings."""
    plain = type(layer) is nn.Conv2d and not isinstance(layer.padding, str) and layer.padding_mode == "zeros"
    if plain and layer.groups == 1:
        return _dense_convolution(layer, prefix, blocks)
    if plain and layer.groups == layer.in_channels == layer.out_channels:
        return _depthwise_convolution(layer, prefix, blocks)
    return None


def _dense_convolution(layer: nn.Conv2d, prefix: str, blocks: TaskBlocks) -> Rule:
    columns = layer.weight[0].numel()
    inner = projection(f"{prefix}weight", f"{prefix}bias" if layer.bias is not None else None, layer.out_channels, columns, blocks)
    return lambda x, g: inner(patches(layer, x), g.permute(0, 2, 3, 1))


def patches(layer: nn.Conv2d, x: Float[Tensor, "photos channels height width"]) -> Inputs:
    """The input patch of each output position: the convolution is a matrix product over them."""
    if layer.kernel_size == (1, 1) and layer.padding == (0, 0):
        return x[:, :, :: layer.stride[0], :: layer.stride[1]].permute(0, 2, 3, 1).flatten(1, 2)
    return functional.unfold(x, layer.kernel_size, layer.dilation, cast(tuple[int, int], layer.padding), layer.stride).mT


def _depthwise_convolution(layer: nn.Conv2d, prefix: str, blocks: TaskBlocks) -> Rule:
    name = f"{prefix}weight"
    tasks = blocks.whole(name)
    shift = Row(blocks.whole(f"{prefix}bias")) if layer.bias is not None else None

    def rule(x: Tensor, g: Tensor) -> dict[str, Along]:
        found = {name: depthwise_gradients(layer, x, g).flatten(1) @ tasks.T}
        if shift:
            found[f"{prefix}bias"] = shift.along(g.sum(dim=(2, 3)))
        return found

    return rule


def depthwise_gradients(layer: nn.Conv2d, x: Tensor, g: Tensor) -> Float[Tensor, "photos channels kernel"]:
    """Weight gradients of a depthwise convolution, one photo at a time: as one grouped convolution they take ten times longer."""
    back = torch.ops.aten.convolution_backward
    options = layer.weight, None, layer.stride, layer.padding, layer.dilation, False, [0, 0], layer.groups, [False, True, False]
    return torch.stack([back(g[i : i + 1], x[i : i + 1], *options)[1].flatten(1) for i in range(len(x))])


def statistics(norm: nn.BatchNorm2d) -> tuple[Float[Tensor, "channels"], Float[Tensor, "channels"]]:
    """Fixed mean and 1 / standard deviation of each channel."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)  # torch types both as optional
    return mean, torch.rsqrt(variance + norm.eps)


def batch_norm(layer: nn.BatchNorm2d, prefix: str, blocks: TaskBlocks) -> Rule:
    """In evaluation mode: a scale and a shift per channel, after normalisation with fixed statistics."""
    scale, shift = Row(blocks.whole(f"{prefix}weight")), Row(blocks.whole(f"{prefix}bias"))

    def rule(x: Tensor, g: Tensor) -> dict[str, Along]:
        total = g.sum(dim=(2, 3))
        mean, slope = statistics(layer)
        standard = ((x * g).sum(dim=(2, 3)) - mean * total) * slope
        return {f"{prefix}weight": scale.along(standard), f"{prefix}bias": shift.along(total)}

    return rule


def layer_norm(layer: nn.LayerNorm, prefix: str, blocks: TaskBlocks) -> Rule:
    scale, shift = Row(blocks.whole(f"{prefix}weight")), Row(blocks.whole(f"{prefix}bias"))

    def rule(x: Tensor, g: Tensor) -> dict[str, Along]:
        standard = functional.layer_norm(x, layer.normalized_shape, eps=layer.eps).mul_(g)
        x, g = standard.reshape(len(g), -1, g.shape[-1]), g.reshape(len(g), -1, g.shape[-1])
        return {f"{prefix}weight": scale.along(x.sum(dim=1)), f"{prefix}bias": shift.along(g.sum(dim=1))}

    return rule
